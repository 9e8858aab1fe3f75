/* What a person calls a plugin on a command line. There is one rule for all commands: what holds a slash or
 * ends in `.so` is a file, without a slash one of the folder that one is in; else it is an installed plugin.
 */
#ifndef RUN_PLUGIN_NAME_H
#define RUN_PLUGIN_NAME_H

#include "base/strbuf.h"

/** Append what a configuration calls it: a path with a slash, or a bare name. */
void plugin_name_add(struct strbuf *s, const char *word);

#endif
