/* What the files of the fakes share. */
#ifndef SUPPORT_FAKE_H
#define SUPPORT_FAKE_H

#include "sockd/testing.h"

enum {
	FAKE_SETTINGS = 32,
	FAKE_TEXT = 512,
	FAKE_TIMERS = 16,
	FAKE_METRICS = 64,
	FAKE_CALLS = 8,
	FAKE_FIELDS = 32
};

/** Bytes of a stream, or datagrams one behind the other. */
struct fake_queue {
	char *bytes;   /* owned */
	size_t size;   /* of all bytes */
	size_t *sizes; /* owned; datagrams: of each */
	size_t count;
};

struct fake_setting {
	const struct sockd_option *option;
	const char *items[FAKE_SETTINGS];
	size_t count;
	char fallback[FAKE_TEXT]; /* what the items of the option's fallback are cut out of */
	const char *fallbacks[FAKE_SETTINGS];
	size_t fallback_count;
};

/** Free while @c id is 0. */
struct fake_timer {
	uint64_t id;
	int64_t at_ms, every_ms;
	struct sockd_host host;
	sockd_timer_fn fn;
	void *arg;
};

struct fake_metric {
	int kind;
	char name[64];
	int64_t value;
};

struct fake_fiber;
struct fake_message;

/** One end of a connection: of the plugin's client, or of a peer that the plugin dialled. What is of the
 * whole, such as clock, timers and fibers, is in the root. */
struct sockd_fake {
	struct sockd_settings settings; /* what plugins see; first, so that the ops find us */
	struct sockd_error error;
	const struct sockd_plugin *plugin; /* borrowed; NULL: a peer */
	struct sockd_fake *root;           /* itself, if it is no peer */
	struct sockd_fake *next_peer;      /* owned by the root: its peers */
	int transport;
	struct fake_setting values[FAKE_SETTINGS];
	size_t value_count;

	bool started, thread_started, open;
	bool gone;             /* within close(): can be asked, but not read or written */
	bool ending;           /* its fibers are being ended */
	bool broken;           /* while they are: all I/O fails */
	bool stays;            /* who waits for input waits on, instead of reading the end */
	bool awaited, relayed; /* a fiber waits for its input; a relay has it */
	bool ended, eof_told;  /* the client's side; eof() was called */
	bool paused, read_closed, write_closed;
	bool armed;                      /* a write found no room */
	bool closing;                    /* by the plugin */
	bool one_datagram, has_datagram; /* within datagram(): only the first is visible, and it is unread */
	bool timeout_set;
	bool met; /* somebody sent a datagram that an answer goes to */
	int closing_reason, reason;
	unsigned closes;
	uint64_t id, last_id;
	size_t room, read_buffer;
	size_t segment, arrived; /* 0: all that is fed is there at once */
	size_t seen;             /* what data() was called for last */
	int64_t now_ms, drain_ms;
	void *data, *instance, *thread_state;
	struct sockd_addr address, local;
	const char *remote_text; /* borrowed */
	const struct sockd_cred *cred;
	const struct sockd_tls_info *tls;
	const struct sockd_addr *proxy;
	struct fake_queue in, out;
	struct {
		int error;
		unsigned skip, count;
	} fail[FAKE_CALLS]; /* by enum sockd_fake_call */

	/* of the root */
	struct fake_fiber *fibers, *current; /* owned; the one that runs */
	uint64_t last_fiber, serve_fiber;    /* the one that runs serve(); 0: none */
	bool served;                         /* it ran to its end; datagrams: in this turn */
	struct fake_message *messages;       /* owned; not delivered yet */
	bool in_work;                        /* within a function that was offloaded */
	bool stopping;                       /* all fibers end */

	/* of a peer */
	char *url; /* owned */
	int fd;    /* owned: what fd:N has handed over; -1: nothing */
	const struct sockd_events *events;
	uint64_t dialled_by; /* the scope */
	bool opened;         /* open() was called */
	int refusal;         /* errno: in event style it is told by close() */

	struct fake_timer timers[FAKE_TIMERS];
	uint64_t last_timer;
	struct fake_metric metrics[FAKE_METRICS];
	size_t metric_count;
	char error_text[FAKE_TEXT], log_text[FAKE_TEXT];
};

extern const struct sockd_conn_ops fake_conn_ops;
extern const struct sockd_reader_ops fake_reader_ops;
extern const struct sockd_writer_ops fake_writer_ops;
extern const struct sockd_host_ops fake_host_ops;
extern const struct sockd_settings_ops fake_settings_ops;
extern const struct sockd_error_ops fake_error_ops;

/* The last bits of a reference tell the scopes apart: of a connection, of an instance, and that of a thread,
 * which has neither. The first ones are those of a connection's id, so that a handle of one that has ended
 * does not reach the next; a user's pointers do not need them. */
enum { FAKE_SCOPE_CONN = 1, FAKE_SCOPE_INSTANCE = 2, FAKE_ID_SHIFT = 48 };

static inline struct sockd_fake *
fake_of(uint64_t ref)
{
	return (struct sockd_fake *)(uintptr_t)(ref & ((UINT64_C(1) << FAKE_ID_SHIFT) - 1) & ~UINT64_C(3));
}

static inline bool
fake_is_conn_scope(uint64_t ref)
{
	return (ref & FAKE_SCOPE_CONN) != 0;
}

/** Of its thread. */
static inline uint64_t
fake_ref(struct sockd_fake *f)
{
	return (uint64_t)(uintptr_t)f;
}

static inline uint64_t
fake_conn_ref(struct sockd_fake *f)
{
	return fake_ref(f) | f->id << FAKE_ID_SHIFT;
}

/** @return whether it names the connection that is open now */
static inline bool
fake_is_current(uint64_t ref)
{
	const struct sockd_fake *f = fake_of(ref);

	return f->open && (ref ^ f->id << FAKE_ID_SHIFT) >> FAKE_ID_SHIFT == 0;
}

static inline bool
fake_is_datagram(const struct sockd_fake *f)
{
	return (SOCKD_DATAGRAMS & 1u << f->transport) != 0;
}

/** Its handle stands for the datagram read last, and not for a connection; one that was dialled is one. */
static inline bool
fake_is_of_datagrams(const struct sockd_fake *f)
{
	return f->plugin != NULL && fake_is_datagram(f);
}

/** All that the plugin declares, with its fallbacks. */
void fake_settings_init(struct sockd_fake *f);

/** Append. @return 0, or -1 out of memory */
int fake_queue_put(struct fake_queue *q, const void *bytes, size_t size);
/** Take the first @p size bytes, as one datagram if @p datagram, into @p buf, which may be NULL. */
void fake_queue_take(struct fake_queue *q, bool datagram, void *buf, size_t size, size_t drop);
void fake_queue_fini(struct fake_queue *q);

/** Where a plugin's events go. */
struct fake_entries {
	void (*data)(struct sockd_conn c, struct sockd_reader r, struct sockd_writer w);
	void (*eof)(struct sockd_conn c, struct sockd_reader r, struct sockd_writer w);
	void (*writable)(struct sockd_conn c, struct sockd_reader r, struct sockd_writer w);
};
/** Call what there is reason to call, but no data() twice for the same bytes in one turn. @return whether
 * there was any */
bool fake_stream_events(struct sockd_fake *f, const struct fake_entries *on);
/** All that can be done without moving the clock. */
void fake_settle(struct sockd_fake *root);

/** Start a fiber; it runs in the next step. @return its id; 0 without memory */
uint64_t fake_fiber_new(struct sockd_host scope, sockd_fiber_fn fn, void *arg);
bool fake_fiber_lives(struct sockd_fake *root, uint64_t id);
/** Run all that can run, once. @return whether any could */
bool fake_fibers_step(struct sockd_fake *root);
/** The time of the next wait that ends by itself: of all, or of this one and whom it joins; SOCKD_FOREVER:
 * none. */
int64_t fake_fibers_deadline(const struct sockd_fake *root);
int64_t fake_fiber_deadline(struct sockd_fake *root, uint64_t id);
/** End the waits whose time has come. */
bool fake_fibers_expire(struct sockd_fake *root);
/** Cancel those of a connection, or all of a root that is stopping, and let them run to their ends. */
void fake_fibers_end(struct sockd_fake *f);
void fake_fibers_drain(struct sockd_fake *root);
bool fake_on_fiber(const struct sockd_fake *f);
bool fake_is_cancelled(const struct sockd_fake *f);
/** On a fiber: wait to be woken for @p what. @return 0, or -1 with errno */
int fake_wait(struct sockd_fake *f, const void *what, int64_t ms);
void fake_wake_with(struct sockd_fake *f, const void *what, int code);

uint64_t fake_spawn(struct sockd_host h, sockd_fiber_fn fn, void *arg);
int fake_join(struct sockd_host h, uint64_t fiber);
int fake_cancel(struct sockd_host h, uint64_t fiber);
int fake_sleep(struct sockd_host h, int64_t ms);
int fake_wait_for(struct sockd_host h, const void *what, int64_t ms);
int fake_wake(struct sockd_host h, const void *what);

struct sockd_conn fake_dial(struct sockd_host h, const char *url, const struct sockd_dial_options *o);
int64_t fake_relay(struct sockd_conn a, struct sockd_conn b);
void fake_peer_end(struct sockd_fake *p, int reason);
/** Those that the client's connection dialled, or all. */
void fake_peers_end(struct sockd_fake *root, bool all);
void fake_peers_free(struct sockd_fake *root);
bool fake_peers_step(struct sockd_fake *root);

int fake_offload(struct sockd_host h, const void *serial, sockd_work_fn fn, void *arg);
int fake_offload_then(
	struct sockd_host h, const void *serial, sockd_work_fn fn, sockd_done_fn done, void *arg);
int fake_post(struct sockd_host h, uint64_t conn_id, sockd_post_fn fn, void *arg);
int fake_post_thread(struct sockd_host h, sockd_timer_fn fn, void *arg);
bool fake_messages_deliver(struct sockd_fake *root);

/** Move the clock, and call back and wake what is due on the way. */
void fake_clock_move(struct sockd_fake *root, int64_t until_ms);
uint64_t fake_timer_start(
	struct sockd_host h, int64_t first_ms, int64_t every_ms, sockd_timer_fn fn, void *arg);
int fake_timer_stop(struct sockd_host h, uint64_t timer);
/** The connection is over, and its timers with it. */
void fake_timers_end(struct sockd_fake *f);

uint64_t fake_metric_register(struct sockd_host h, int kind, const char *name, const char *help);
int fake_metric_add(struct sockd_host h, uint64_t metric, int64_t n);

/** The fake behind a host, for a function marked [any]; NULL with errno: its connection has ended, or this is
 * work on a pool thread, where such a host is of no use. */
struct sockd_fake *fake_scope(struct sockd_host h);
/** The same for what has to be called on the loop. */
struct sockd_fake *fake_scope_here(struct sockd_host h);
/** The same for what is made in a scope: an instance has no loop. */
struct sockd_fake *fake_scope_of_loop(struct sockd_host h);

/** Set errno and return -1. */
int fake_refuse(int error);
/** Set errno and return -1 if a call of this kind is to fail now; 0 if not. */
int fake_fails(struct sockd_fake *f, int call);

/** The fake behind a handle that may read and write; NULL with errno, also if @p call is to fail now. */
struct sockd_fake *fake_usable(uint64_t ref, int call);
/** The same, for what looks at input or takes it: NULL with EBUSY while that is a relay's. */
struct sockd_fake *fake_reader_of(struct sockd_reader r, int call);
/** What is there to read; a datagram may be there and be empty. */
bool fake_has_input(const struct sockd_fake *f);
size_t fake_input_size(const struct sockd_fake *f);
/** Take it; @p buf may be NULL. A datagram goes whole. */
void fake_take_input(struct sockd_fake *f, void *buf, size_t size);
/** What is fed comes in pieces: let the next one arrive. @return false: all has */
bool fake_more_arrives(struct sockd_fake *f);
/** Nobody will send more: who reads on gets the end. */
bool fake_input_is_over(const struct sockd_fake *f);
/** Something has changed for whoever waits for its input: @p code as for fake_wake_with(). */
void fake_wake_readers(struct sockd_fake *f, int code);
/** There is too little to read. @return 1: look again; 0: this is the end; -1: an error */
int fake_more_input(struct sockd_fake *f);

#endif
