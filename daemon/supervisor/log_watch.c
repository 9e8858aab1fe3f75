/* Workers write to the same target by themselves, and say every few seconds how it went. */
#include "supervisor/log_watch.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "supervisor/generations.h"

enum { CALM_MS = 5000 };

struct log_health
log_watch_look(const struct generations *all)
{
	struct log_health own = log_look(), theirs = generations_log(all);

	theirs.lost += own.lost;
	if (own.error != 0) {
		theirs.error = own.error;
		theirs.for_ms = own.for_ms;
	}
	return theirs;
}

static void
say(const char *target, int error)
{
	if (strcmp(target, "stderr") == 0)
		return;
	if (error != 0)
		fprintf(stderr,
			"sockd: the log (%s) is not written: %s; lines are kept as long as there is room, "
			"then lost\n",
			target, log_health_text(error));
	else
		fprintf(stderr, "sockd: the log (%s) is written again, and says how many lines are missing\n",
			target);
}

bool
log_watch_tell(struct log_watch *w, const struct log_health *h, const char *target, int64_t now_ms)
{
	if (h->error != 0) {
		bool news = w->error == 0;

		w->ok_ms = 0;
		if (news) {
			w->error = h->error;
			say(target, h->error);
		}
		return news;
	}
	if (w->error == 0)
		return false;
	if (w->ok_ms == 0)
		w->ok_ms = now_ms;
	if (now_ms - w->ok_ms < CALM_MS)
		return false;
	w->error = 0;
	say(target, 0);
	return true;
}

void
log_watch_expose(const struct log_health *h, struct strbuf *out)
{
	strbuf_printf(out,
		"# HELP sockd_log_lost_total Lines of the log that were dropped because its target did not "
		"take them.\n"
		"# TYPE sockd_log_lost_total counter\n"
		"sockd_log_lost_total %" PRIu64 "\n"
		"# HELP sockd_log_failing Whether the target of the log takes nothing now.\n"
		"# TYPE sockd_log_failing gauge\n"
		"sockd_log_failing %d\n",
		h->lost, h->error != 0);
}
