/* The questions to the daemon, over its admin socket, as sockctl asks them. A loop asks one at a time and
 * keeps the answer for a moment, so that however many clients there are, they cost the daemon no more than a
 * few of them. */
#ifndef METRICS_ASK_H
#define METRICS_ASK_H

#include <sockd/plugin.h>

#include "answer.h"

enum question { ASK_METRICS, ASK_STATUS, QUESTION_COUNT };

struct reply {
	unsigned references;
	int64_t asked_ms;
	struct span content; /* of the text: the metrics, or the status as a JSON object */
	size_t size, room;
	char *text; /* owned */
};

/** One loop's. Starts as zeroes, but for what stands first. */
struct asker {
	const char *url; /* of the admin socket; borrowed */
	int64_t timeout_ms, keep_ms;
	uint64_t failures; /* a metric of the plugin's */
	bool asks;         /* a fiber is at it; others wait for it */
	bool fails;        /* the last one had no answer, and that was told */
	struct reply *kept[QUESTION_COUNT];
};

/** Fiber only. @return the answer, yours to give back by reply_unref(); NULL: there is none, and the log has
 * the reason */
struct reply *ask(struct asker *a, struct sockd_conn c, enum question q);

void reply_unref(struct reply *r);
void asker_fini(struct asker *a);

#endif
