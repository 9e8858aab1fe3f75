/* Nobody reads a start that works, so each is a line of its own in the log. */
#include "supervisor/warnings.h"

#include <stdio.h>
#include <unistd.h>

#include "base/log.h"
#include "config/report.h"
#include "supervisor/identity.h"
#include "supervisor/limits.h"

static void
warn_limit(void *arg, const char *what, const char *text)
{
	(void)arg; /* the log is the process's */
	log_warning("limit_too_low", LOG_S("limit", what), LOG_S("msg", text));
}

void
warnings_limits(const struct config *config, unsigned loops, const bool *serves)
{
	struct limits limits = limits_read();

	limits_check(config, loops, serves, &limits, warn_limit, NULL);
}

void
warnings_surroundings(const struct config *config, const struct identity *identity)
{
	if (geteuid() == 0 && !(identity->drop && identity->uid != 0))
		log_warning("running_as_root",
			LOG_S("msg",
				"plugins run with all rights of root; name a user in 'daemon.user', or start "
				"sockd as a user of its own"));
	if (config->listener_count == 0)
		log_warning("no_listeners",
			LOG_S("msg", "the configuration has no listeners: nothing is served"));
}

void
warnings_report(struct cfg_report *report)
{
	for (size_t i = 0; i < report->count; i++) {
		const struct cfg_finding *f = &report->findings[i];
		char place[256];

		snprintf(place, sizeof place, "%s:%d:%d", f->file != NULL ? f->file : "", f->line, f->column);
		log_warning("configuration", LOG_S("place", f->file != NULL ? place : NULL),
			LOG_S("msg", f->text));
	}
	cfg_report_fini(report);
}
