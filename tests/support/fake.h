/* What the files of the fakes share. */
#ifndef SUPPORT_FAKE_H
#define SUPPORT_FAKE_H

#include "sockd/testing.h"

enum { FAKE_SETTINGS = 32, FAKE_TEXT = 512, FAKE_TIMERS = 16, FAKE_METRICS = 64 };

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

struct sockd_fake {
	struct sockd_settings settings; /* what plugins see; first, so that the ops find us */
	struct sockd_error error;
	const struct sockd_plugin *plugin; /* borrowed */
	int transport;
	struct fake_setting values[FAKE_SETTINGS];
	size_t value_count;

	bool started, thread_started, open;
	bool gone;            /* within close(): can be asked, but not read or written */
	bool in_serve;        /* waiting calls are allowed */
	bool ended, eof_told; /* the client's side; eof() was called */
	bool paused, read_closed, write_closed;
	bool armed;                      /* a write found no room */
	bool closing;                    /* by the plugin */
	bool one_datagram, has_datagram; /* within datagram(): only the first is visible, and it is unread */
	bool timeout_set;
	int closing_reason, reason;
	unsigned closes;
	uint64_t id;
	size_t room, read_buffer;
	int64_t now_ms, drain_ms;
	void *data, *instance, *thread_state;
	struct sockd_addr address;
	struct fake_queue in, out;
	struct {
		int error;
		unsigned skip, count;
	} fail[3]; /* by enum sockd_fake_call */
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

/* The last bit of a reference tells the scope of a connection from that of its thread. */
static inline struct sockd_fake *
fake_of(uint64_t ref)
{
	return (struct sockd_fake *)(uintptr_t)(ref & ~(uint64_t)1);
}

static inline bool
fake_is_conn_scope(uint64_t ref)
{
	return (ref & 1) != 0;
}

static inline uint64_t
fake_ref(struct sockd_fake *f)
{
	return (uint64_t)(uintptr_t)f;
}

static inline bool
fake_is_datagram(const struct sockd_fake *f)
{
	return (SOCKD_DATAGRAMS & 1u << f->transport) != 0;
}

/** Append. @return 0, or -1 out of memory */
int fake_queue_put(struct fake_queue *q, const void *bytes, size_t size);
/** Take the first @p size bytes, as one datagram if @p datagram, into @p buf, which may be NULL. */
void fake_queue_take(struct fake_queue *q, bool datagram, void *buf, size_t size, size_t drop);
void fake_queue_fini(struct fake_queue *q);

uint64_t fake_timer_start(
	struct sockd_host h, int64_t first_ms, int64_t every_ms, sockd_timer_fn fn, void *arg);
int fake_timer_stop(struct sockd_host h, uint64_t timer);
/** The connection is over, and its timers with it. */
void fake_timers_end(struct sockd_fake *f);

uint64_t fake_metric_register(struct sockd_host h, int kind, const char *name, const char *help);
int fake_metric_add(struct sockd_host h, uint64_t metric, int64_t n);

/** Set errno and return -1 if a call of this kind is to fail now; 0 if not. */
int fake_fails(struct sockd_fake *f, int call);

/** The fake behind a handle that may read and write; NULL with errno, also if @p call is to fail now. */
struct sockd_fake *fake_usable(uint64_t ref, int call);
/** What is there to read; a datagram may be there and be empty. */
bool fake_has_input(const struct sockd_fake *f);
size_t fake_input_size(const struct sockd_fake *f);
/** Take it; @p buf may be NULL. A datagram goes whole. */
void fake_take_input(struct sockd_fake *f, void *buf, size_t size);

#endif
