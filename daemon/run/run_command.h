/* `sockd run`: a configuration made from options, so that it goes the very way that a file goes. */
#ifndef RUN_RUN_COMMAND_H
#define RUN_RUN_COMMAND_H

#include "base/strbuf.h"
#include "run/cli.h"

/** Append the configuration that the options of `sockd run` stand for, as YAML. Whatever they hold, it can't
 * become more than the scalar (or, for a setting, the list or map) in its place. */
void run_command_yaml(const struct cli *cli, struct strbuf *yaml);

#endif
