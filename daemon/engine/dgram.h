/* Datagram endpoints: one for each bound datagram socket, on the loop that reads it. It hands datagrams to
 * the plugin, to datagram() from the loop's frame or to serve() on a fiber of its own, and sends what the
 * plugin answers in batches. What a plugin may call is in api_dgram.c. */
#ifndef ENGINE_DGRAM_H
#define ENGINE_DGRAM_H

#include "engine/bound.h"
#include "engine/dgram_io.h"
#include "engine/listener.h"
#include "engine/loop.h"

/** DRAINING: reads what the socket still holds. OVER: reads nothing any more, its fiber has not returned yet.
 * ENDED: the plugin does not have it any more. */
enum endpoint_state { ENDPOINT_OPEN, ENDPOINT_DRAINING, ENDPOINT_OVER, ENDPOINT_ENDED, ENDPOINT_STATE_COUNT };

/** In event style, shared by the endpoints of a loop. */
enum { ENDPOINT_EVENT_SLOTS = 64 };

struct endpoint {
	struct slot slot;
	uint8_t state;     /* enum endpoint_state */
	uint8_t transport; /* enum cfg_transport */
	bool cut;          /* everything gives ECANCELED */
	bool paused;       /* the kernel has no memory: the timer makes us read again */
	bool held;         /* the listener is paused: datagrams wait in the kernel */
	bool released;     /* freed as soon as it has ended */
	bool drained;      /* the last batch emptied the socket: wait before the next */
	bool asked_varies; /* bound to no single address: each datagram tells which one was asked */
	bool has_peer;     /* remote and local stand for a datagram */
	bool muted;        /* sockd_pause(): the kernel keeps what comes */
	bool refused;      /* somebody's buffer was too small for the one that lies there */
	bool has_text;
	bool has_cred;        /* cred stands for a datagram */
	int fd;               /* borrowed: socket's */
	struct bound *socket; /* ref, or NULL: the caller keeps fd open */
	struct scope *scope;  /* borrowed: listener, loop, cells */
	struct dgram_io *io;  /* ref; in event style shared with the loop's others */
	struct poller_watch readable;
	struct loop_task task;
	struct loop_timer timer; /* reads again, or tries again to get a fiber */
	size_t stack_size;
	struct strand *strand; /* runs serve(); NULL in event style and before it begins */
	struct strand *waiter; /* parked in a receive */
	unsigned batches_left; /* of this turn */
	uint64_t taken;        /* datagrams that were handed out */
	int64_t backoff_ms, drain_by_ms;
	size_t write_limit;              /* the largest datagram that may be sent */
	struct sockd_addr bound;         /* the socket's own address */
	struct sockd_addr remote, local; /* of the datagram that was read last */
	struct sockd_cred cred;          /* of its sender */
	char remote_text[144];
};

/** Prepare to read @p fd, which stays the caller's, is non-blocking and open until after endpoint_free().
 * Thread: the scope's loop. Nothing is read before endpoint_start().
 * @return 0, or a negative errno with text */
must_check int endpoint_new(struct scope *scope, int fd, enum cfg_transport transport,
	const struct sockaddr_storage *local, socklen_t size, size_t stack_size, struct endpoint **ret,
	struct err *e);

/** Begin to read. No plugin code runs before the loop's next turn. */
void endpoint_start(struct endpoint *ep);

/** Let datagrams wait in the kernel, or no more. */
void endpoint_hold(struct endpoint *ep, bool held);

/** Go on for another version of the listener, with the same handler and the same sizes of buffers. */
void endpoint_hand_over(struct endpoint *ep, struct scope *to);

/** Deliver what the socket holds, for at most a second, then give a fiber its end. engine_endpoint_ended()
 * follows. */
void endpoint_drain(struct endpoint *ep);
/** Somebody else reads the socket from now on: as endpoint_drain(), but what it still holds is theirs. */
void endpoint_retire(struct endpoint *ep);
/** Free it as soon as it has ended, after endpoint_drain() or endpoint_retire(). Its fiber is cut at @p
 * cut_at_ms, CLOCK_NEVER: never. */
void endpoint_release(struct endpoint *ep, int64_t cut_at_ms);
/** Stop at once; a fiber's calls give ECANCELED. engine_endpoint_ended() follows when the fiber has returned.
 */
void endpoint_cut(struct endpoint *ep);
bool endpoint_is_ended(const struct endpoint *ep);
/** It has ended, or its loop never ran. NULL is fine. */
void endpoint_free(struct endpoint *ep);

/** Provided by the engine; called once for each endpoint, from the loop's frame. */
void engine_endpoint_ended(struct loop *loop);

/* ---- for the endpoint's own files ---- */

/** Watch the socket, as far as the state allows, or no more. */
void endpoint_arm(struct endpoint *ep);
void endpoint_disarm(struct endpoint *ep);

extern const struct sockd_conn_ops endpoint_conn_ops;
extern const struct sockd_reader_ops endpoint_reader_ops;
extern const struct sockd_writer_ops endpoint_writer_ops;

static inline struct loop *
endpoint_loop(const struct endpoint *ep)
{
	return ep->scope->loop;
}

static inline uint64_t
endpoint_ref(const struct endpoint *ep)
{
	return ref_make(endpoint_loop(ep)->index, REF_ENDPOINT, ep->slot.index, ep->slot.generation);
}

static inline bool
endpoint_is_event(const struct endpoint *ep)
{
	return ep->scope->listener->plugin->datagram != NULL;
}

/** The endpoint that a reference names, if it lives on this thread; NULL with errno EBADF or EXDEV.
 * @param who  the function that was called, for misuse_foreign_thread() */
struct endpoint *endpoint_find(uint64_t ref, const char *who);
/** The datagram that lies ready for @p ep, or NULL. It stays until endpoint_take(). */
const struct mmsghdr *endpoint_present(struct endpoint *ep);
/** Hand out the present datagram: from now on remote and local are its own. Its bytes stay where they are
 * until the next batch is received. */
void endpoint_take(struct endpoint *ep);
/** Drop the present datagram; @p id says why, METRIC_COUNT: for no reason worth counting. */
void endpoint_skip(struct endpoint *ep, enum metric_id id);
/** Event style: read no more, or go on, from the loop's next step. @return 0 or -ENOMEM */
must_check int endpoint_mute(struct endpoint *ep, bool muted);
/** Answer the sender of what was read last, with descriptors; what can't be sent is dropped and counted. */
void endpoint_send_rights(struct endpoint *ep, const void *buf, size_t size, const int *fds, size_t count);
/** cred is that of a datagram over a unix socket from now on. */
void endpoint_meet_sender(struct endpoint *ep, const struct msghdr *datagram);
/** Wait on a fiber until a datagram is present. @return 1, 0 at the end, or a negative errno (-EAGAIN in
 * event style) */
must_check int endpoint_await(struct endpoint *ep);

#endif
