/* `sockd -t --diff`: what a reload would change in the daemon that runs. */
#ifndef RUN_DIFF_COMMAND_H
#define RUN_DIFF_COMMAND_H

#include "base/err.h"

/**
 * Ask the daemon that was started with this file, and print its answer on standard output.
 *
 * @return 0; -EINVAL when it would refuse the reload, with its reasons in @p e; -ENOENT, -ECONNREFUSED: none
 * runs; -EBUSY: what runs was started with another file; another negative errno, with text
 *
 * Blocks: until it has answered.
 */
must_check int diff_command(const char *config_path, struct err *e);

#endif
