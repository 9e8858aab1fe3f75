/* The certificates that are in use, as the supervisor sees them: judged before a worker gets them, watched,
 * and warned of before they expire. */
#ifndef SUPERVISOR_CERTIFICATES_H
#define SUPERVISOR_CERTIFICATES_H

#include <event2/event.h>
#include <jansson.h>

#include "base/cleanup.h"
#include "base/err.h"
#include "base/strbuf.h"

struct certificates;
struct cfg_report;
struct snapshot;

/** @p changed: a watched file is another one now. Called from the event base. */
must_check int certificates_new(struct event_base *base, void (*changed)(void *arg), void *arg,
	struct certificates **ret, struct err *e);
void certificates_free(struct certificates *c); /* NULL is fine */

/** Judge those of @p snapshot and keep them aside. Those that are in use already may be out of date; when
 * none is in use yet, all may be, with a warning. @return 0; -EINVAL with errors in @p report; -ENOMEM */
must_check int certificates_prepare(
	struct certificates *c, const struct snapshot *snapshot, struct cfg_report *report);
/** Those that were prepared are in use; or they are not after all. */
void certificates_commit(struct certificates *c);
void certificates_drop(struct certificates *c);

/** An array with a row for each; NULL without memory. */
json_t *certificates_rows(const struct certificates *c);

/** Append when each expires, in the Prometheus text format. */
void certificates_expose(const struct certificates *c, struct strbuf *out);

/** The days of warning. @return the smallest of 30, 7 and 1 that @p left_s is within; 0: none; -1: over */
int certificates_warning_days(int64_t left_s);

#endif
