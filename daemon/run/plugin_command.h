/* `sockd plugin VERB`: tools for those who write plugins. */
#ifndef RUN_PLUGIN_COMMAND_H
#define RUN_PLUGIN_COMMAND_H

#include <stdio.h>

#include "base/cleanup.h"

/** @param words  what stands behind `sockd plugin` @return an exit status */
must_check int plugin_command(int count, char **words);

void plugin_command_print_help(FILE *out);

#endif
