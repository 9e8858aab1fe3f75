/* What became of a reload, for whoever asked: as text for people, as JSON for scripts, as events for the log.
 */
#ifndef SUPERVISOR_RELOAD_VERDICT_H
#define SUPERVISOR_RELOAD_VERDICT_H

#include <stdbool.h>
#include <stdint.h>

#include <jansson.h>

#include "base/strbuf.h"
#include "config/report.h"
#include "supervisor/reload_plan.h"

struct reload_verdict {
	bool ok;
	bool dry;                       /* it was only asked what would happen */
	const char *reason;             /* who asked: "SIGHUP", "sockctl", ... */
	int code;                       /* refused: a negative errno */
	const char *why;                /* refused: in one sentence; "": the report says it */
	struct cfg_report *report;      /* borrowed: errors, or warnings, each with its place */
	const struct reload_plan *plan; /* borrowed; NULL when it was refused before there was one */
	int64_t duration_ms;
};

/** Lines for people: what changed and how it takes effect, or why nothing did; then the warnings. Memory that
 * runs out shows in @p out. */
void reload_verdict_text(const struct reload_verdict *v, struct strbuf *out);

/** The same as one JSON object, from malloc(); NULL without memory. sockd(8) documents its members. */
char *reload_verdict_json(const struct reload_verdict *v);

/** Events `reloaded` and `reload_change`, or `reload_refused`; and `configuration` for what has a place. */
void reload_verdict_log(const struct reload_verdict *v);

/** One line for systemd's status: "" when there is nothing to be said. */
void reload_verdict_status(const struct reload_verdict *v, char *text, size_t size);

/** Keys that wait, in the words of a verdict: a line for each; a list as in its JSON; an event `key_waits`
 * for each. */
void reload_waiting_text(const struct cfg_changes *waiting, struct strbuf *out);
json_t *reload_waiting_json(const struct cfg_changes *waiting);
void reload_waiting_log(const struct cfg_changes *waiting);

#endif
