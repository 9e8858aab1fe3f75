/* A plugin's description in words, for `sockd plugin info` and for its page of the manual. */
#ifndef PLUGIN_DESCRIBE_H
#define PLUGIN_DESCRIBE_H

#include "base/strbuf.h"
#include "plugin/plugin_load.h"

/** The settings, one after the other. The rows of a plugin that was built with a larger or smaller row are @c
 * option_size apart. @return NULL behind the last, or if there are none */
const struct sockd_option *describe_option(const struct sockd_plugin *d, size_t i);

/** "list of word a|b|c", "int 1 to 10", ... */
void describe_type(struct strbuf *s, const struct sockd_option *o);

/** The section of settings and transports of its manual page, in mdoc. */
void describe_man(struct strbuf *s, const struct plugin *p);

#endif
