/* The plugins of a snapshot, opened, and an instance of its plugin for each listener and each observer. */
#ifndef WORKER_INSTANCES_H
#define WORKER_INSTANCES_H

#include <stdbool.h>
#include <stddef.h>

#include "base/cleanup.h"

struct cfg_report;
struct config;
struct instance;
struct plugin;
struct snapshot;

struct instances {
	struct config *config;   /* ref: what they were built for */
	struct plugin **plugins; /* refs; those that could be opened */
	size_t plugin_count;
	struct instance *
		*listeners; /* owned; in the order of the configuration, NULL where it could not be built */
	size_t listener_count;
	struct instance **observers; /* owned; the same */
	size_t observer_count;
	bool *runs; /* owned; for each listener, then each observer: it is somebody else's, and runs */
	bool given; /* all of them are somebody else's */
};

/**
 * Open plugins, read settings, ask each plugin's check(). Goes on after a failure, so that all are told.
 *
 * @param now   what runs, or NULL: a file with the same content is not opened again, and an instance of the
 * same plugin with the same settings is taken over as it is
 * @param only  a number as in worker_check(): build no other; INSTANCES_ALL: all
 * @return 0; -EINVAL with errors in @p report; -ENOMEM. Either way *ret is to be given to instances_fini()
 */
must_check int instances_build(const struct snapshot *snapshot, const struct instances *now, size_t only,
	struct cfg_report *report, struct instances *ret);

#define INSTANCES_ALL ((size_t)-1)

/** Free those instances that nobody else has, then close plugins. Instances must be stopped. */
void instances_fini(struct instances *i);

/** Whether a setting of any of them names this entry of `tls:`. @p arg is a struct instances. */
bool instances_name_tls(const void *arg, const char *name);

/** Whether connections of this listener run on fibers. */
bool instances_serves(const struct instances *i, const struct snapshot *snapshot, size_t listener);

#endif
