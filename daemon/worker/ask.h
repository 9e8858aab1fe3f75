/* Questions of the supervisor that only a worker can answer, and orders that only it can carry out: one JSON
 * object each way, whatever lies between the two. What they are is a table in ask.c; what they look like is
 * told there, row by row. */
#ifndef WORKER_ASK_H
#define WORKER_ASK_H

#include "base/cleanup.h"
#include "base/err.h"

struct engine;
struct metric_block;
struct snapshot;
struct asks;

/** What is asked about; all of it is borrowed and outlives the asks' answers. */
struct ask_subject {
	struct engine *engine;
	const struct metric_block *metrics;
	const struct snapshot *snapshot;
};

/** The answer. @p code: 0 or a negative errno. @p text: a JSON object, or the sentence that says what went
 * wrong; borrowed, never NULL. */
typedef void ask_reply_fn(void *arg, int code, const char *text);

must_check int asks_new(struct asks **ret, struct err *e);

/**
 * Ask. @p reply is called exactly once: from asks_deliver() or asks_free(); from here if there is no memory
 * to wait.
 *
 * @param subject  read from here only
 * @param request  `{"ask": "NAME", ...}`
 *
 * Thread: the worker's main thread.
 */
void asks_ask(struct asks *a, const struct ask_subject *subject, const char *request, ask_reply_fn *reply,
	void *arg);

/** Readable when there are answers to be delivered. Never read from it. */
int asks_fd(const struct asks *a);

/** Give the answers that are there. */
void asks_deliver(struct asks *a);

/** The engine's loops have ended: give the last answers, and free. NULL is fine. */
void asks_free(struct asks *a);

#endif
