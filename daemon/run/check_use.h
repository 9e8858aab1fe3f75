/* One use of a plugin by a configuration, checked in a child. */
#ifndef RUN_CHECK_USE_H
#define RUN_CHECK_USE_H

#include <stdbool.h>
#include <stddef.h>

#include "config/config.h"
#include "config/report.h"

struct snapshot;

struct check_use {
	const struct snapshot *snapshot; /* borrowed */
	size_t which;                    /* as in worker_check() */
};

/** The work of the child: a check_child_fn, whose argument is a struct check_use. */
void check_use_run(void *use, struct cfg_report *report, bool *ret_serves);

enum { CHECK_USE_NAME_SIZE = 128 };

/** Whom to blame when the child dies, such as "plugin 'echo'", and where it is named. @return the plugin */
const char *check_use_name(const struct config *c, size_t which, char text[CHECK_USE_NAME_SIZE],
	const struct cfg_place **ret_place);

#endif
