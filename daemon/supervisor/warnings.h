/* What works, but is hardly meant: told in the log when sockd starts. */
#ifndef SUPERVISOR_WARNINGS_H
#define SUPERVISOR_WARNINGS_H

#include <stdbool.h>

struct cfg_report;
struct config;
struct identity;

/** Plugins that run as root, and a configuration that serves nothing. */
void warnings_surroundings(const struct config *config, const struct identity *identity);

/** Limits of this process that do not fit the configuration. @p serves as for limits_check() */
void warnings_limits(const struct config *config, unsigned loops, const bool *serves);

/** Those that came with files and sockets; the report is empty afterwards. Errors would have stopped the
 * start. */
void warnings_report(struct cfg_report *report);

#endif
