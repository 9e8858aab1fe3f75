/* One request of a client while it is carried out, as the verbs see it. A call outlives its client if it has
 * to: what it says then goes nowhere. */
#ifndef SUPERVISOR_ADMIN_CALL_H
#define SUPERVISOR_ADMIN_CALL_H

#include "supervisor/admin.h"

struct admin_call;

/** A verb: carries out its request, now or later, and ends it by admin_done() or admin_fail(). */
struct admin_verb {
	const char *name;
	void (*run)(struct admin_call *call);
};

/** What becomes of a call that is not over when another program takes this one's place. */
enum admin_takeover {
	ADMIN_CALL_LOST,     /* its client is dropped */
	ADMIN_CALL_REPEATED, /* nothing has been done for it: the other program begins anew */
	ADMIN_CALL_TOLD      /* it asked for this: whoever goes on then tells how it went */
};

extern const struct admin_verb admin_verbs[];
extern const size_t admin_verb_count;

struct admin_client;

struct admin_call {
	struct admin_client *client; /* borrowed; NULL: it went away */
	const struct admin_host *host;
	void *host_arg;
	json_t *request; /* owned */
	unsigned holds;  /* who still comes back to it: see admin_hold() */
	bool over;
	bool waits_for_steps;
	enum admin_takeover takeover;
	/* For the verbs: the workers that are asked one after the other, where in its list the next page
	 * begins, and what came together so far. */
	unsigned workers[ADMIN_WORKERS_MAX];
	size_t worker_count, worker;
	const char *ask;                /* a constant: the question */
	json_t *argument, *from, *list; /* owned */
	uint64_t total;
	bool may_refuse; /* a worker that refuses the question has no rows, and the others are asked */
	void (*on_row)(struct admin_call *call, unsigned generation, json_t *row);
	void (*on_last)(struct admin_call *call);
	void (*resume)(struct admin_call *call);
};

/** One line of the answer: {"row": ...}. @p row moves. */
void admin_row(struct admin_call *call, json_t *row);
/** {"progress": ...}. @p progress moves. */
void admin_progress(struct admin_call *call, json_t *progress);
/** The last line: {"done": ...}. @p done moves; NULL: there was no memory for it, which is told instead. */
void admin_done(struct admin_call *call, json_t *done);
/** The last line: {"error": text}. */
void admin_fail(struct admin_call *call, const char *format, ...) printf_like(2, 3);

/** The same for a text of any length, perhaps of several lines. */
void admin_fail_text(struct admin_call *call, const char *text);

/** Somebody (an answer, a timer) will come back to the call: it stays until he lets go of it. */
void admin_hold(struct admin_call *call);
void admin_release(struct admin_call *call);

/** Go on with @p resume once the client has taken most of what was said, perhaps at once. */
void admin_when_room(struct admin_call *call, void (*resume)(struct admin_call *call));

/** The call stays open until the service has ended; its client is told of the progress meanwhile. */
void admin_wait_for_end(struct admin_call *call);

/** The call waits for a reload or an upgrade; its client is told of the steps meanwhile. */
void admin_wait_for_steps(struct admin_call *call);

/** Members of the request. A member of another type is refused by admin_fail(), and false returned. */
bool admin_text(struct admin_call *call, const char *member, const char **io);
bool admin_number(struct admin_call *call, const char *member, int64_t *io);
bool admin_flag(struct admin_call *call, const char *member, bool *io);

#endif
