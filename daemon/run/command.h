/* Carrying out what the command line asks for. */
#ifndef RUN_COMMAND_H
#define RUN_COMMAND_H

#include "run/cli.h"

/** @return the exit status. Blocks: as long as it takes, so for a service as long as sockd runs. */
int command_run(const struct cli *cli);

#endif
