/* What supervisor and worker say to each other. The worker begins with HELLO, which names the versions that
 * it speaks; the supervisor chooses one of them and says so in its first message. A sockd speaks its own
 * version and the one before, so that an upgrade can bring together a supervisor and workers that are one
 * release apart.
 *
 * A field is only ever added at the end of a body, and only with a new version; a type is never given another
 * meaning.
 */
#ifndef CONTROL_PROTOCOL_H
#define CONTROL_PROTOCOL_H

#include <stdint.h>

#include "base/cleanup.h"
#include "base/err.h"
#include "base/strbuf.h"

/** The version that this sockd speaks, and the oldest that it still does: its own and the one before, where
 * there was one. */
extern const uint32_t protocol_version, protocol_oldest;

enum protocol_type {
	/* to the worker */
	PROTOCOL_START = 1, /* struct protocol_start, snapshot; descriptors: see there */
	PROTOCOL_RELOAD,    /* snapshot; REPLY: verdict, report */
	PROTOCOL_ASK,       /* text; REPLY: text */
	PROTOCOL_DRAIN,     /* timeout, spread; then DONE */
	PROTOCOL_SHUTDOWN,  /* then DONE */
	PROTOCOL_END,       /* then the worker exits */
	PROTOCOL_REOPEN,    /* one descriptor: the log's new target; or none */
	PROTOCOL_TELL,      /* event, text */
	PROTOCOL_TAKE_OVER, /* nothing: another supervisor speaks from here on; answered by HELLO */

	/* from the worker */
	PROTOCOL_HELLO = 64, /* struct protocol_hello */
	PROTOCOL_READY,      /* for each listener whether its connections run on fibers */
	PROTOCOL_FAILED,     /* code, text, report */
	PROTOCOL_DONE,       /* drained, forced */
	PROTOCOL_REPLY,      /* code, text, report; the number is the request's */
};

struct protocol_hello {
	uint32_t oldest, newest; /* versions that it speaks */
};
void protocol_hello_pack(struct strbuf *s);
must_check int protocol_hello_unpack(const void *body, size_t size, struct protocol_hello *ret);

/** The newest version that both speak. @return 0, or -EPROTONOSUPPORT with text */
must_check int protocol_choose(const struct protocol_hello *theirs, uint32_t *ret_version, struct err *e);

/** What a worker is told before its snapshot. Its own descriptors come first: the log's target, the memory of
 * the counters, that of control/watch.h, that of control/occupancy.h; those of the snapshot follow. */
enum { PROTOCOL_START_FDS = 4 };
struct protocol_start {
	uint32_t version, generation;
	uint32_t seat; /* control/occupancy.h */
	uint32_t log_protocol, log_level;
	bool log_json;
	bool drop; /* become this user: */
	uint32_t uid, gid;
	const uint32_t *groups; /* owned by whoever unpacks */
	uint32_t group_count;
};
enum { PROTOCOL_GROUPS_MAX = 65536 };

void protocol_start_pack(struct strbuf *s, const struct protocol_start *p);

struct unpack;
/** @return 0; -EBADMSG, -ENOMEM. The rest of the body stays to be read. */
must_check int protocol_start_unpack(struct unpack *u, struct protocol_start *ret);
void protocol_start_fini(struct protocol_start *p);

#endif
