/* sockd/types.h - constants, handles and plain structs of the plugin ABI, version 1.0.
 * SPDX-License-Identifier: MIT
 *
 * Plugins include <sockd/plugin.h>, which brings all of this. Every number below is part of the ABI: it is
 * written out where order alone would not make it plain, and none is ever reused or moved. A reader of a
 * value must live with numbers that it does not know: a newer sockd may send them.
 *
 * Words used by every comment of this header tree:
 *
 * FIBER: serve() and what sockd_spawn() runs. Calls that need something that is not there yet wait for it,
 * while the loop serves others.
 *
 * EVENT: every other entry and callback. Nothing waits there: I/O fails with EAGAIN, a function marked "fiber
 * only" with EDEADLK.
 *
 * Loop: one thread of a worker. A handle belongs to the loop that made it. From another thread only functions
 * marked [any] may be called; the others fail with EXDEV.
 *
 * Scope: what a host handle stands for: an instance, one loop of an instance, or one connection. Timers,
 * fibers, dialled connections made through it end with it.
 *
 * Failure: -1, NULL, the id 0 or a null handle, with errno set. No function aborts. errno is EBADF for a null
 * handle and for one whose connection is gone, ENOSYS for a function that this sockd does not have. */
#ifndef SOCKD_TYPES_H
#define SOCKD_TYPES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/socket.h>
#include <sys/types.h>

#ifdef __cplusplus
extern "C" {
#endif

/** A plugin and a sockd must agree on the major number. */
#define SOCKD_ABI_MAJOR 1

/** The oldest minor version that the plugin can live with. Define it before the first include to be loaded by
 * an older sockd as well; the headers then hide what came later. */
#ifndef SOCKD_ABI_MINOR
#define SOCKD_ABI_MINOR 1
#endif

#if SOCKD_ABI_MINOR > 1
#error "these headers describe the sockd plugin ABI up to 1.1: SOCKD_ABI_MINOR is higher"
#endif

/* ---- handles ---- */

/* A handle is a value of 16 bytes: a table of operations, and a reference that those operations look up. Copy
 * it freely; nothing is to be freed. One that outlives its connection gets EBADF from every call and can
 * never reach another client. The fields are not for plugins: compare with sockd_null(), act through the
 * functions. */

struct sockd_conn_ops;
struct sockd_reader_ops;
struct sockd_writer_ops;
struct sockd_host_ops;

/** A connection; on a datagram listener the datagram that was read last. */
struct sockd_conn {
	const struct sockd_conn_ops *ops;
	uint64_t ref;
};

/** The receiving side of a connection. */
struct sockd_reader {
	const struct sockd_reader_ops *ops;
	uint64_t ref;
};

/** The sending side of a connection. */
struct sockd_writer {
	const struct sockd_writer_ops *ops;
	uint64_t ref;
};

/** The daemon as one scope sees it: logs, time, timers, fibers, metrics, settings. */
struct sockd_host {
	const struct sockd_host_ops *ops;
	uint64_t ref;
};

/* A negative array size here means that this platform lays handles out differently, and the ABI does not
 * cover it. */
typedef char sockd_check_conn_[sizeof(struct sockd_conn) == 16 ? 1 : -1];
typedef char sockd_check_reader_[sizeof(struct sockd_reader) == 16 ? 1 : -1];
typedef char sockd_check_writer_[sizeof(struct sockd_writer) == 16 ? 1 : -1];
typedef char sockd_check_host_[sizeof(struct sockd_host) == 16 ? 1 : -1];

/** True for the handle that stands for nothing, which is how a function that returns handles reports failure.
 */
#define sockd_null(handle) ((handle).ops == NULL)

/** True if this sockd has function @p fn for a handle that is not null. @p fn is the name of the slot
 * (sockd/ops.h): `SOCKD_HAS(c, start_tls)`. Tables have their full layout from 1.0 on, and a slot whose
 * feature is not built is NULL; calling the function then gives its failure value and ENOSYS. */
#define SOCKD_HAS(handle, fn)                                                               \
	((handle).ops->size >= SOCKD_BYTES_BETWEEN_((handle).ops, &(handle).ops->fn + 1) && \
		(handle).ops->fn != NULL)

#ifdef __cplusplus
#define SOCKD_BYTES_BETWEEN_(from, to) \
	static_cast<size_t>(reinterpret_cast<const char *>(to) - reinterpret_cast<const char *>(from))
#else
#define SOCKD_BYTES_BETWEEN_(from, to) ((size_t)((const char *)(to) - (const char *)(from)))
#endif

/* ---- numbers ---- */

/** No timeout, no end: where a duration in milliseconds is asked or given. */
enum { SOCKD_FOREVER = -1 };

/** How bytes travel. */
enum sockd_transport {
	SOCKD_TCP = 1,
	SOCKD_UDP = 2,
	SOCKD_UNIX = 3,     /* unix stream socket */
	SOCKD_UNIXGRAM = 4, /* unix datagram socket */
};

/** Masks for sockd_plugin.transports: everything with a byte stream, everything with messages. */
#define SOCKD_STREAMS   (1u << SOCKD_TCP | 1u << SOCKD_UNIX)
#define SOCKD_DATAGRAMS (1u << SOCKD_UDP | 1u << SOCKD_UNIXGRAM)

/** What a connection is doing; told to observers, asked by sockd_conn_state(). */
enum sockd_state {
	SOCKD_NEW = 1,         /* accepted and admitted, nothing read yet */
	SOCKD_READ = 2,        /* first byte came (observers: told once a connection) */
	SOCKD_CLOSE_READ = 3,  /* end of stream was read, or sockd_close_read() */
	SOCKD_HANDLER = 4,     /* the plugin has it */
	SOCKD_WRITE = 5,       /* first byte went (observers: told once a connection) */
	SOCKD_CLOSE_WRITE = 6, /* our FIN is sent */
	SOCKD_CLOSE = 7,       /* over */
};

/** Why a connection ended; the argument of close(). */
enum sockd_reason {
	SOCKD_BY_EOF = 1,                /* the peer ended it and everything was answered */
	SOCKD_BY_HANDLER = 2,            /* the plugin closed it, or serve() returned */
	SOCKD_BY_ERROR = 3,              /* a system call failed */
	SOCKD_BY_IDLE_TIMEOUT = 4,       /* no byte moved for timeouts.idle */
	SOCKD_BY_FIRST_BYTE_TIMEOUT = 5, /* the peer never spoke */
	SOCKD_BY_WRITE_TIMEOUT = 6,      /* the peer did not take what was to be sent */
	SOCKD_BY_HANDSHAKE_FAILED = 7,   /* TLS */
	SOCKD_BY_LIMIT = 8,              /* limits.connections or another limit */
	SOCKD_BY_DENIED = 9,             /* access rules, tune(), sockd_conn_deny() */
	SOCKD_BY_DRAIN = 10,             /* quiet, and ended at its place in the drain */
	SOCKD_BY_DRAIN_FORCED = 11,      /* still busy at the drain's deadline */
	SOCKD_BY_KILLED = 12,            /* by an operator, or with its worker */
	SOCKD_BY_RESET = 13,             /* the peer sent RST */
	SOCKD_BY_SHUTDOWN = 14,          /* sockd stopped without a drain */
	SOCKD_BY_LIFETIME_TIMEOUT = 15,  /* older than timeouts.lifetime */
	SOCKD_BY_TLS_TRUNCATED = 16,     /* the peer left without close_notify */
};

/** Which timeout: for sockd_conn_set_timeout() and the timeout() entry. */
enum sockd_timeout {
	SOCKD_TIMEOUT_READ =
		1, /* a deadline, counted from the call that sets it, for all reads until set anew */
	SOCKD_TIMEOUT_WRITE = 2,    /* the same for all writes */
	SOCKD_TIMEOUT_IDLE = 3,     /* since bytes last moved in either direction */
	SOCKD_TIMEOUT_LIFETIME = 4, /* from the call that sets it; ends the connection */
};

/** Levels of the log, with syslog's numbers. */
enum sockd_level {
	SOCKD_LOG_ERROR = 3,   /* a person has to act */
	SOCKD_LOG_WARNING = 4, /* survived; say how */
	SOCKD_LOG_NOTICE = 5,  /* life cycle */
	SOCKD_LOG_INFO = 6,    /* about one connection; the most that a peer may cause */
	SOCKD_LOG_DEBUG = 7,
};

/** The type of a setting. `SOCKD_T_INT | SOCKD_T_LIST` is a list of integers, and so for every type. */
enum sockd_type {
	SOCKD_T_BOOL = 1,     /* true, false */
	SOCKD_T_INT = 2,      /* 64 bits, signed */
	SOCKD_T_SIZE = 3,     /* bytes: 64KiB, 1MiB, 64K */
	SOCKD_T_DURATION = 4, /* 250ms 30s 5m 1h, off; read in milliseconds */
	SOCKD_T_STRING = 5,
	SOCKD_T_WORD = 6, /* one of sockd_option.words */
	SOCKD_T_PATH =
		7, /* relative to the file that the setting stands in; the plugin gets an absolute path */
	SOCKD_T_SECRET = 8,   /* a string that is never shown */
	SOCKD_T_URL = 9,      /* tcp:// udp:// unix:// unixgram:// and their family-bound forms */
	SOCKD_T_TLS = 10,     /* a name under tls: */
	SOCKD_T_LIST = 0x100, /* or'ed in */
};

/** How a message is marked off in a byte stream; sockd_framing.kind. */
enum sockd_frame {
	SOCKD_FRAME_DELIMITER = 1, /* ends with the byte sockd_framing.delimiter */
	SOCKD_FRAME_LENGTH = 2,    /* begins with its length in sockd_framing.width bytes */
	SOCKD_FRAME_VARINT = 3,    /* begins with its length, seven bits a byte, least significant first */
};

/* ---- structs ---- */

/** A socket address. A value: copy it, keep it. This struct never grows. */
struct sockd_addr {
	socklen_t len; /* 0: no address, as an unnamed unix peer has */
	struct sockaddr_storage sa;
};

/** Who is at the other end of a unix socket, as the kernel saw it at connect, or when the datagram was sent.
 * sockd allocates it, so it may grow at its end. */
struct sockd_cred {
	pid_t pid;
	uid_t uid;
	gid_t gid;
};

/** What a TLS handshake agreed on. Strings are NULL where there is nothing to tell and live as long as the
 * connection; sockd allocates it, so it may grow at its end. */
struct sockd_tls_info {
	const char *version, *cipher, *alpn, *sni;
	const char *subject;     /* of the peer's certificate */
	const char *sha256;      /* of the peer's certificate, in lower-case hex */
	const char *const *sans; /* NULL-terminated; "dns:", "ip:", "email:", "uri:" lead each */
	bool verified, resumed;
};

/** Describes frames to sockd_read_frame() and sockd_write_frame(). Zero what you do not use. */
struct sockd_framing {
	uint32_t size;  /* sizeof(struct sockd_framing) */
	uint32_t kind;  /* enum sockd_frame */
	uint32_t limit; /* the largest message taken, in bytes without its mark; 0: what the buffer holds */
	uint8_t width;  /* LENGTH: 1, 2, 4 or 8 bytes */
	uint8_t little_endian;     /* LENGTH: 0 is network order */
	uint8_t delimiter;         /* DELIMITER: the byte */
	uint8_t include_delimiter; /* DELIMITER: reads give it too, writes find it in the message already */
};

/** One key=value of a log event. This struct never grows. */
struct sockd_field {
	const char *key;   /* lower-case letters, digits, '_' */
	const char *value; /* NULL: number holds the value */
	size_t length;     /* bytes of value, which may hold anything: the log escapes it */
	int64_t number;
};

/** One setting of a plugin, a row of sockd_plugin.options. */
struct sockd_option {
	const char *name;  /* lower-case letters, digits, '_' */
	uint32_t type;     /* enum sockd_type, perhaps with SOCKD_T_LIST */
	uint32_t required; /* 1: the file has to give it */
	const char
		*fallback; /* YAML text, as the file would give it; NULL: zero, "not given", an empty list */
	int64_t min, max;  /* inclusive, for INT, SIZE (bytes), DURATION (ms); strings and paths: their length
			      in  bytes. Both 0: no bounds */
	const char *const *words; /* WORD: NULL-terminated */
	const char *help;         /* one sentence for the manual */
};

/* ---- callbacks ---- */

/** The body of a fiber that sockd_spawn() started. @return what sockd_join() gives. */
typedef int (*sockd_fiber_fn)(struct sockd_host h, void *arg);

/** A timer fired, or a message of sockd_post_thread() arrived. EVENT, on the loop of @p h. */
typedef void (*sockd_timer_fn)(struct sockd_host h, void *arg);

/** A message of sockd_post() arrived. EVENT, on the connection's loop. @p c is null if the connection ended
 * on the way: then all there is to do is to free @p arg. */
typedef void (*sockd_post_fn)(struct sockd_conn c, void *arg);

/** Work for a pool thread, where waiting is fine. It may call nothing of sockd's but what is marked [any]. */
typedef int (*sockd_work_fn)(void *arg);

/** Work of sockd_offload_then() ended with @p result. EVENT, on the loop of @p h. @p h is null if its scope
 * ended in the meantime: then all there is to do is to free @p arg. */
typedef void (*sockd_done_fn)(struct sockd_host h, int result, void *arg);

/** Callbacks for a connection that sockd_dial() made in event style; the contracts are those of the plugin's
 * entries with the same names. Keep it until close(). */
struct sockd_events {
	uint32_t size; /* sizeof(struct sockd_events) */
	void (*open)(struct sockd_conn c, struct sockd_reader r, struct sockd_writer w);
	void (*data)(struct sockd_conn c, struct sockd_reader r, struct sockd_writer w);
	void (*eof)(struct sockd_conn c, struct sockd_reader r, struct sockd_writer w);
	void (*writable)(struct sockd_conn c, struct sockd_reader r, struct sockd_writer w);
	void (*timeout)(struct sockd_conn c, int which);
	void (*close)(struct sockd_conn c, int reason);
};

/** How to dial. Zero what you do not use. Read only during the call, but for @c events and @c data. */
struct sockd_dial_options {
	uint32_t size;      /* sizeof(struct sockd_dial_options) */
	int32_t timeout_ms; /* for connecting and the TLS handshake together; 0: sockd's own, SOCKD_FOREVER:
			       none */
	const char *tls;    /* a name under tls: that a setting of type SOCKD_T_TLS has; NULL: plain */
	const char *server_name;           /* what the certificate has to say, a name or an IP address, and
					      SNI; NULL: the host of the URL */
	const struct sockd_events *events; /* NULL: straight-line, on a fiber */
	void *data;                        /* becomes sockd_conn_data() of the new connection */
};

#ifdef __cplusplus
}
#endif

#endif
