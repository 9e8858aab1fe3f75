/* `sockd -t`: everything that a start would do, short of binding. */
#ifndef RUN_TEST_COMMAND_H
#define RUN_TEST_COMMAND_H

#include "base/err.h"
#include "config/load.h"
#include "config/report.h"

/**
 * Test a configuration that loaded: plugin files, settings and checks, sockets as far as looking goes,
 * limits; or of one that did not, what it is understood of: without CFG_WHOLE only plugins, and without
 * CFG_WORKERS only their files, as it is not known who is to run them. Findings go to @p report.
 *
 * @return 0, also when something was found; a negative errno with @p e filled if it could not be tested
 */
must_check int test_command(
	struct config *config, enum cfg_extent extent, struct cfg_report *report, struct err *e);

#endif
