/* The section of sockd.yaml(5) that describes every key. */
#ifndef CONFIG_MAN_H
#define CONFIG_MAN_H

#include "base/strbuf.h"

/** Append it as mdoc(7), from the first .Ss to the last .El. */
void config_print_man(struct strbuf *out);

#endif
