/* Whether the worker would take what the configuration says of one plugin: its file, its settings, its own
 * check(). It runs plugin code, so the caller makes a child process for it. */
#ifndef WORKER_CHECK_H
#define WORKER_CHECK_H

#include <stdbool.h>
#include <stddef.h>

#include "base/cleanup.h"

struct cfg_report;
struct snapshot;

/** How many uses of a plugin the configuration has: one for each listener, then one for each observer. */
size_t worker_check_count(const struct snapshot *snapshot);

/**
 * Check use number @p which.
 *
 * @param plugin_only  not what TLS the plugin asks for
 * @param report      takes what is wrong, with its place; a plugin whose file was not found is passed over
 * @param ret_serves  set for a listener: whether its connections run on fibers
 * @return 0; -EINVAL with errors in @p report; -ENOMEM
 */
must_check int worker_check(const struct snapshot *snapshot, size_t which, bool plugin_only,
	struct cfg_report *report, bool *ret_serves);

#endif
