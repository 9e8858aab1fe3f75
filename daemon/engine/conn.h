/* A stream connection: the states it goes through, from admission to the closed descriptor. How its bytes
 * move is in stream.h, how straight-line code waits on it in conn_wait.h, what a plugin may call in api_*.c.
 *
 * A connection lives on one loop and in one slot of that loop's slab. */
#ifndef ENGINE_CONN_H
#define ENGINE_CONN_H

#include <event2/bufferevent.h>
#include <event2/event_struct.h>
#include <netinet/in.h>

#include "engine/listener.h"
#include "engine/loop.h"
#include "engine/newcomer.h"

/** DIALLING: it is being connected. HANDSHAKE: TLS begins; the plugin does not have it yet, or waits. OPEN:
 * the plugin has it. FLUSHING: the plugin is done with it, its output still goes out. LINGERING: our FIN is
 * sent, what comes is thrown away until the peer's FIN or a second has passed, because a close with unread
 * input sends RST and may cost the peer the answer (RFC 1122 section 4.2.2.13). ENDING: waits for the loop's
 * frame to tell the plugin and to close. */
enum conn_state {
	CONN_FREE,
	CONN_DIALLING,
	CONN_HANDSHAKE,
	CONN_OPEN,
	CONN_FLUSHING,
	CONN_LINGERING,
	CONN_ENDING,
	CONN_STATE_COUNT
};

extern const char *const conn_state_name[CONN_STATE_COUNT];

struct dialled;
struct estate;
struct relay;
struct strand;
struct stream_file;
struct stream_pipe;
struct conn_rights;
struct conn_text;
struct tls_stream;

struct conn {
	struct slot slot;
	uint8_t state;  /* enum conn_state; conn_enter() changes it */
	uint8_t reason; /* enum sockd_reason; 0 until it is known why it ends */
	uint8_t transport;
	bool fin_read : 1;     /* the peer's FIN was read; with TLS its close_notify */
	bool truncated : 1;    /* TLS: its FIN came without close_notify */
	bool eof_told : 1;     /* the plugin knows of it */
	bool read_closed : 1;  /* sockd_close_read(): what comes is thrown away */
	bool write_closed : 1; /* sockd_close_write(): FIN after what is queued */
	bool fin_sent : 1;
	bool broken : 1;                    /* the socket failed: no more I/O on it */
	bool watched : 1;                   /* by the loop's poller, from its first wait on */
	bool ready : 1;                     /* nobody has seen its socket empty since the last edge */
	bool cut_short : 1;                 /* an end or urgent data came, at which a read stops early */
	bool want_writable : 1;             /* an EAGAIN is owed a writable() */
	bool blocked : 1;                   /* the last move or write found no room */
	bool held_busy : 1;                 /* sockd_conn_set_busy() */
	bool slot_passed : 1;               /* draining, and its turn has come */
	bool end_given : 1;                 /* drain: its reads give the end */
	bool told_open : 1;                 /* open() or serve() happened: close() is owed */
	bool told_read : 1, told_write : 1; /* observers hear of the first byte only */
	bool in_entry : 1;                  /* a plugin's event entry runs on it now */
	bool paused : 1;                    /* sockd_pause(): nothing is read or told */
	bool data_due : 1;                  /* data() for what lies unread is called from the loop */
	bool datagrams : 1;                 /* dialled: messages, not a stream */
	bool has_datagram : 1;              /* one lies in the view */
	bool keeps_rights : 1;              /* unix: descriptors that come along are kept for whoever reads */
	bool aborted : 1;                   /* close with RST */
	bool unnamed : 1;                   /* unix: the client has no address, as most */
	bool straight : 1;                  /* fibers read it; else data() is called */
	bool gone : 1;                      /* within close(): can be asked, but not read or written */
	int fd;                             /* owned */
	/* Up to again is what each round trip looks at: it stands together, since of many thousand
	 * connections none is in the cache any more. */
	struct scope *scope;                /* borrowed: listener, loop, cells */
	const struct conn_entries *entries; /* borrowed */
	struct bufferevent *bev;  /* owned; carries what is pending, both ways; NULL: nothing was yet */
	struct tls_stream *tls;   /* owned; NULL: plain */
	struct pace *pace;        /* owned; NULL: its bandwidth has no limit */
	struct relay *relay;      /* borrowed from the fiber that relays it, or NULL */
	struct stream_file *file; /* owned; a part of a file on its way, or NULL */
	struct stream_pipe *pipe; /* owned; spliced to it, not taken by its socket yet, or NULL */
	struct dialled *dialled;  /* owned; NULL: a client made it */
	struct strand *reader, *writers; /* who waits for input; who writes in turn, the first one now */
	uint64_t id;
	uint64_t read_bytes, queued_bytes; /* queued: taken from the plugin, perhaps still in the output */
	int64_t active_ms;
	struct loop_task again;     /* reads on from the loop's frame */
	struct strand *serve;       /* runs the plugin's serve(); NULL once it is over, and in event style */
	void *data;                 /* the plugin's */
	struct conn *next_by_id;    /* in the table of the loop's ids */
	struct conn_rights *rights; /* owned; descriptors that came along, or NULL */
	struct event *sendable;     /* owned; tells when descriptors may be sent, or NULL */
	struct estate *estate;      /* owned; NULL until something is made in its scope */
	struct conn_text *text;     /* owned; addresses and names, once somebody asked */
	struct proxied *proxied;    /* owned; what a PROXY header said, or NULL */
	struct source *source;      /* held: who it counts for in limits.per_source, or NULL */
	uint64_t flushed_seen;      /* flushed bytes when the write timeout was last looked at */
	int64_t opened_ms, progress_ms;
	int64_t idle_ms; /* CFG_OFF: none */
	int64_t read_by_ms, write_by_ms, lifetime_by_ms, linger_by_ms, slot_at_ms,
		drain_by_ms;     /* CLOCK_NEVER: none; slot, drain_by: while it drains */
	struct loop_timer timer; /* the earliest of all of these */
	struct loop_task task;   /* deferred work: settle or end */
	union {
		struct sockaddr sa;
		struct sockaddr_in in;
		struct sockaddr_in6 in6;
	} peer; /* tcp: as accept() told */
};

/** Begin: takes a slot, tells observers and the plugin.
 * @param n  all that it owns moves, also on failure
 * Counts of the listener were raised by admission; they fall when the connection ends, also on failure here.
 * Thread: the scope's loop. */
void conn_begin(struct scope *scope, const struct newcomer *n);

/** Instead of beginning: close and give back all, for want of memory. */
void conn_refuse(struct scope *scope, const struct newcomer *n);

/** Begin TLS as the server, within @p timeout_ms; CFG_OFF: in any time. @return 0 or -ENOMEM */
must_check int conn_begin_tls(struct conn *c, int64_t timeout_ms);
/** Begin TLS as the client, with what is in c->dialled. @return 0, or -ENOMEM; it may fail by itself at once
 */
must_check int conn_begin_tls_client(struct conn *c);
/** The handshake is done: the plugin gets it, or goes on. */
void conn_shaken(struct conn *c);
/** Fill in a slot. */
void conn_init(struct conn *c, struct scope *scope, const struct newcomer *n);
/** Take a slot for a connection that is to be dialled, which moves to it on success. NULL without memory. */
struct conn *conn_new_dialled(struct scope *scope, enum cfg_transport transport, struct dialled *dialled);
/** It is connected: @p fd moves. */
void conn_open_dialled(struct conn *c, int fd);

/** Move to another state; asserts that the step is allowed. */
void conn_enter(struct conn *c, enum conn_state next);

/** The plugin is done with it (or nobody has more to say): flush, FIN, linger, end. The first reason wins. */
void conn_finish(struct conn *c, int reason);

/** End it now: what is pending is lost. The first reason wins. close() follows from the loop's frame. */
void conn_cut(struct conn *c, int reason);

/** The socket failed with @p error: ends it as reset or error, after telling observers. */
void conn_fail(struct conn *c, int error);

/** Nobody waits, nothing is unread or unflushed, nothing holds it: what drain may end. */
bool conn_is_quiet(const struct conn *c);

/** Something that kept it busy is over: where a drain waits for that, it looks again. */
void conn_may_be_quiet(struct conn *c);

/** Drain: quiet waits end. */
void conn_give_end(struct conn *c);

/** Its place in a drain: at @p slot_at_ms it is ended if it is quiet, or as soon as it is; at @p deadline_ms
 * it is cut. One that has come within the last second and said nothing yet gets the rest of that second. */
void conn_drain(struct conn *c, int64_t slot_at_ms, int64_t deadline_ms);

/** Something moved: put off the idle timeout. */
void conn_touch(struct conn *c);

/** Recompute the earliest deadline. Call after changing one to something earlier. */
void conn_rearm(struct conn *c);

/** Go on from the loop's frame: end of stream, end, drain. Call after anything that may allow a next step. */
void conn_settle_later(struct conn *c);

static inline struct loop *
conn_loop(const struct conn *c)
{
	return c->scope->loop;
}

static inline const struct cfg_listener *
conn_cfg(const struct conn *c)
{
	return c->scope->listener->cfg;
}

enum { CONN_PEER_TEXT_SIZE = 144 };

/** Addresses and their text, made when somebody asks; NULL without memory. */
struct conn_text {
	struct sockd_addr local, remote, balancer; /* balancer: of one that sent a PROXY header */
	char remote_text[CONN_PEER_TEXT_SIZE];
	struct sockd_cred cred;
	bool has_cred;
};
const struct conn_text *conn_text_get(struct conn *c);

/** The text alone: for a log line the kernel need not be asked about the rest. */
void conn_peer_text(const struct conn *c, char ret[CONN_PEER_TEXT_SIZE]);
/** Of the balancer, for a connection that has one. */
void conn_balancer_text(const struct conn *c, char ret[CONN_PEER_TEXT_SIZE]);

#endif
