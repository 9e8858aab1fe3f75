/* Supervisor and worker in one process, joined by plain calls. */
#ifndef RUN_SINGLE_H
#define RUN_SINGLE_H

#include <stdbool.h>

#include "base/cleanup.h"
#include "config/config.h"
#include "config/report.h"

/**
 * Serve a configuration that loaded.
 *
 * @param report     takes what goes wrong at a place in the file; the caller prints it
 * @param log_level  a level, or -1: the file's
 * @param announce   print the addresses on standard output
 * @return the exit status
 */
must_check int single_serve(struct config *config, struct cfg_report *report, int log_level, bool announce);

#endif
