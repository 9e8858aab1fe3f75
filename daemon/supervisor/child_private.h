/* What the parts of a worker process share on the supervisor's side: child.c (orders, requests, its end),
 * child_hear.c (what it says), child_start.c. */
#ifndef SUPERVISOR_CHILD_PRIVATE_H
#define SUPERVISOR_CHILD_PRIVATE_H

#include <sys/types.h>

#include "base/strbuf.h"
#include "control/protocol.h"
#include "control/wire.h"
#include "supervisor/worker_ops.h"

/* A request that was not answered yet. */
struct request {
	struct request *next;
	uint32_t number;
	supervisor_reply_fn *reply;
	void *arg;
	struct cfg_report *report; /* borrowed; NULL: none is wanted */
};

struct child {
	struct supervisor_start start; /* its snapshot is not ours to look at after start() */
	size_t listeners;
	struct wire *wire;                          /* owned; NULL: it has closed its end */
	struct event *readable, *writable, *exited; /* owned */
	struct event *retry;                        /* owned: the wire may take what it refused */
	struct event *hello;                        /* owned: too late for it */
	pid_t pid;                                  /* 0: reaped */
	int pidfd;                                  /* owned */
	uint32_t version;                           /* 0: it has not said hello */
	struct strbuf snapshot;                     /* what follows its start, until it has said hello */
	int *first_fds;                             /* owned, and the descriptors: of both */
	size_t first_fd_count;
	struct request *requests; /* owned */
	uint32_t last_number;
	uint32_t knock;        /* the request whose answer shows that it lives; 0: none is awaited */
	struct log_health log; /* from the last such answer */
	uint64_t drained, forced;
	bool ready, failed, ending;
	bool done_due;    /* it was told to drain or to stop, and has not said that it has */
	bool adopted;     /* another supervisor started it */
	struct err error; /* why it failed, or was killed */
};

/** Fill a new one and start the process. On failure the caller frees it. */
must_check int child_begin(struct child *c, const struct supervisor_start *o, struct err *e);
/** It has said hello, in a version that both speak: tell it all that it starts from. */
must_check int child_send_first(struct child *c);

/** Watch its socket, if it still has one, and its end; a new one has to say hello in time. */
must_check int child_watch(struct child *c, struct err *e);

/** See struct supervisor_worker_ops. */
void child_pack(struct state_writer *w, void *worker);
must_check int child_adopt(
	struct state_reader *r, const struct supervisor_start *o, void **ret_worker, struct err *e);
bool child_is_quiet(void *worker);
void child_free(void *worker);

/** What child_send_first() would send is not needed any more. */
void child_forget_first(struct child *c);

/** Take all messages that are there. */
void child_hear(struct child *c);

void child_answer(struct child *c, struct request *r, int code, const char *text);
void child_end_by_force(struct child *c, const char *why);
/** Something may have been kept for later. */
void child_watch_writable(struct child *c);

/** Callbacks of its events. */
void child_on_readable(evutil_socket_t fd, short what, void *arg);
void child_on_writable(evutil_socket_t fd, short what, void *arg);
void child_on_exited(evutil_socket_t fd, short what, void *arg);
void child_on_no_hello(evutil_socket_t fd, short what, void *arg);

#endif
