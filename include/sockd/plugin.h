/* sockd/plugin.h - the sockd plugin ABI, version 1.0. SPDX-License-Identifier: MIT
 *
 * A plugin is a shared object that exports one constant, sockd_plugin, and links with nothing of sockd's:
 *
 *     #include <sockd/plugin.h>
 *
 *     static void
 *     on_data(struct sockd_conn c, struct sockd_reader r, struct sockd_writer w)
 *     {
 *             (void)c;
 *             sockd_move(w, r);
 *     }
 *
 *     SOCKD_EXPORT const struct sockd_plugin sockd_plugin = { SOCKD_PLUGIN_INIT,
 *             .name = "mirror", .version = "1.0", .data = on_data };
 *
 *     cc -shared -fPIC $(pkg-config --cflags sockd-plugin) -Wl,-z,defs -o mirror.so mirror.c
 *
 * types.h explains the words (FIBER, EVENT, loop, scope, failure); io.h, conn.h, host.h, settings.h hold the
 * functions. C99 and later, C++17 and later; only libc is included. */
#ifndef SOCKD_PLUGIN_H
#define SOCKD_PLUGIN_H

#include "types.h"
#include "ops.h"
#include "io.h"
#include "conn.h"
#include "host.h"
#include "settings.h"

#if defined(__GNUC__)
#define SOCKD_VISIBLE_ __attribute__((visibility("default")))
#else
#define SOCKD_VISIBLE_
#endif

/** Makes the description visible in a plugin that is compiled with -fvisibility=hidden. In C++ the
 * declaration at the end of this file does that alone: g++ ignores the attribute on a constant, and says so.
 */
#if defined(__cplusplus)
#define SOCKD_EXPORT
#else
#define SOCKD_EXPORT SOCKD_VISIBLE_
#endif

/** Around the description in C++17, which has designators as an extension only:
 * `SOCKD_CXX_BEGIN SOCKD_EXPORT const struct sockd_plugin sockd_plugin = { ... }; SOCKD_CXX_END`. Entries
 * stand in the order of the struct, callbacks are extern "C" or plain functions. */
#if defined(__cplusplus) && defined(__clang__)
#define SOCKD_CXX_BEGIN                                                                     \
	_Pragma("clang diagnostic push") _Pragma("clang diagnostic ignored \"-Wpedantic\"") \
		_Pragma("clang diagnostic ignored \"-Wmissing-field-initializers\"")
#define SOCKD_CXX_END _Pragma("clang diagnostic pop")
#elif defined(__cplusplus) && defined(__GNUC__)
#if __GNUC__ >= 12 /* since then the warning has a name of its own */
#define SOCKD_CXX_DESIGNATORS_ _Pragma("GCC diagnostic ignored \"-Wc++20-extensions\"")
#else
#define SOCKD_CXX_DESIGNATORS_
#endif
#define SOCKD_CXX_BEGIN                                                                 \
	_Pragma("GCC diagnostic push") _Pragma("GCC diagnostic ignored \"-Wpedantic\"") \
		_Pragma("GCC diagnostic ignored \"-Wmissing-field-initializers\"") SOCKD_CXX_DESIGNATORS_
#define SOCKD_CXX_END _Pragma("GCC diagnostic pop")
#else
#define SOCKD_CXX_BEGIN
#define SOCKD_CXX_END
#endif

#ifdef __cplusplus
extern "C" {
#endif

/** The description that a plugin exports. Every entry may be NULL, but one of serve, data and datagram has to
 * be there for a handler, one of the on_ entries for an observer.
 *
 * Streams are handed to data() if it is set, else to serve(); datagrams to datagram() if it is set, else to
 * serve().
 *
 * Order of calls, each exactly once for its kind, undone in reverse, and undone also when a later step fails:
 *
 *     check                          when the configuration is read, also for `sockd -t`
 *     start                          once an instance, on the worker's main thread
 *       thread_start                 once a loop, on that loop
 *         tune                       once a connection, before anything else
 *           open, data..., eof       (or serve) on the connection's loop
 *         close                      exactly once for each open or serve
 *       thread_stop
 *     stop */
struct sockd_plugin {
	/* SOCKD_PLUGIN_INIT fills these four. */
	uint32_t size, abi_major, abi_minor;
	uint32_t option_size; /* the stride of the options table */

	const char *name;                   /* letters, digits, '_', '-', '.'; for logs and messages */
	const char *version;                /* the plugin's own */
	const char *summary;                /* one line, or NULL */
	const char *license;                /* SPDX, or NULL */
	uint32_t transports;                /* mask of 1u << SOCKD_TCP ...; 0: all that the entries can do */
	uint32_t stack_size;                /* bytes of address space for a fiber; 0: daemon.fiber_stack */
	const struct sockd_option *options; /* ends with a row of zeroes; NULL: no settings */

	/** Judge settings that belong together; each by itself has been checked. No side effects: it runs for
	 * a file that is only being tested, too. @return 0, or -1 with sockd_error_set(). Thread: main. May
	 * block for a while. */
	int (*check)(const struct sockd_settings *s, struct sockd_error *e);

	/** Make an instance: once for each listener that names the plugin. May block: nobody is kept waiting.
	 * @param instance_scope  valid until stop() returns; log, metrics and settings work in it
	 * @param ret_instance    yours; sockd_conn_instance() gives it
	 * @return 0, or -1 with sockd_error_set(): then stop() is not called. Thread: main. */
	int (*start)(struct sockd_host instance_scope, const struct sockd_settings *s, void **ret_instance,
		struct sockd_error *e);

	/** Undo start(). All loops have done thread_stop() before. Thread: main. */
	void (*stop)(void *instance);

	/** Prepare one loop. Keep it short: connections of other listeners wait.
	 * @param thread_scope  valid until thread_stop() returns; timers, fibers, dialling work in it
	 * @param ret_state     yours; sockd_conn_thread_state() gives it
	 * @return 0, or -1 with sockd_error_set(): then thread_stop() is not called on this loop. Thread: the
	 * loop. */
	int (*thread_start)(
		struct sockd_host thread_scope, void *instance, void **ret_state, struct sockd_error *e);

	/** Undo thread_start(), after the last connection, timer and fiber of the instance on this loop.
	 * Thread: the loop. */
	void (*thread_stop)(void *instance, void *state);

	/** Set options on a fresh socket. @p fd stays sockd's: neither read, write nor close it.
	 * @return 0, or -1: the connection is refused as denied, and neither open() nor close() follows.
	 * EVENT. */
	int (*tune)(struct sockd_conn c, int fd);

	/** Handle one connection from its begin to its end, in straight-line code. Returning sends what is
	 * queued and closes. Datagrams: handle messages until sockd_receive() gives the end; if it returns
	 * before a drain it is called again (after a pause if it took no datagram). FIBER. */
	void (*serve)(struct sockd_conn c, struct sockd_reader r, struct sockd_writer w);

	/** A connection is ready; nothing is read yet. After sockd_conn_start_tls() it comes again. EVENT. */
	void (*open)(struct sockd_conn c, struct sockd_reader r, struct sockd_writer w);

	/** New bytes are there; or bytes were left unread and the writer has room again. What stays unread
	 * fills the read buffer, and when that is full the peer has to wait. EVENT. */
	void (*data)(struct sockd_conn c, struct sockd_reader r, struct sockd_writer w);

	/** The peer has sent its last byte: once, after the last data(). The connection stays open until
	 * sockd_conn_close(), so that an answer can be finished. NULL: what is queued is sent, then it is
	 * closed. EVENT. */
	void (*eof)(struct sockd_conn c, struct sockd_reader r, struct sockd_writer w);

	/** After a write that gave EAGAIN: half of the write buffer is free. EVENT. */
	void (*writable)(struct sockd_conn c, struct sockd_reader r, struct sockd_writer w);

	/** sockd stops within @p ms_left milliseconds; finish. NULL: closed at its turn once nothing is
	 * pending. EVENT. */
	void (*draining)(struct sockd_conn c, int64_t ms_left);

	/** A timeout (enum sockd_timeout) has passed. The connection is closed after it, unless the timeout
	 * was set anew. EVENT. */
	void (*timeout)(struct sockd_conn c, int which);

	/** One datagram is there; what is not read is dropped at return. EVENT. */
	void (*datagram)(struct sockd_conn c, struct sockd_reader r, struct sockd_writer w);

	/** The connection is over (enum sockd_reason): free what you kept with it. Last of all, exactly once
	 * for each open() or serve(), from the loop, never from within another call. Its data, id and
	 * addresses can still be asked, I/O gives EBADF. EVENT. */
	void (*close)(struct sockd_conn c, int reason);

	/** Log files were rotated (USR1): open yours anew. Thread: main. */
	void (*reopen)(void *instance);

	uint32_t observe; /* mask of 1u << SOCKD_NEW ...: the states that on_connection() wants to hear of */

	/** Something failed. @p c may be null; if not, it can be asked but not changed. @p error is an errno
	 * value. Thread: the connection's loop, or main with a null handle. EVENT. */
	void (*on_error)(void *instance, struct sockd_conn c, int error, const char *text);

	/** A connection has entered a state of @c observe (enum sockd_state). Thread: its loop. EVENT. */
	void (*on_connection)(void *instance, struct sockd_conn c, int state);

	/** The server did something: ready, draining, stopped and the like, with a text for people. Thread:
	 * main. */
	void (*on_server)(void *instance, const char *event, const char *text);

#if SOCKD_ABI_MINOR >= 1
	uint32_t wants; /* since 1.1: mask of enum sockd_wants */
#endif
};

#if SOCKD_ABI_MINOR >= 1
/** What a plugin is given only if it asks for it. */
enum sockd_wants {
	/** The descriptors that clients pass over unix sockets, for sockd_receive_fds(). Where nobody asks
	 * the kernel closes them as they arrive: no client can fill the process with them, and a small
	 * message costs a twentieth less. A plugin of ABI 1.0 is taken to ask. */
	SOCKD_WANTS_FDS = 1u << 0
};
#endif

/** The first fields of every description. */
#define SOCKD_PLUGIN_INIT                                                                                \
	.size = sizeof(struct sockd_plugin), .abi_major = SOCKD_ABI_MAJOR, .abi_minor = SOCKD_ABI_MINOR, \
	.option_size = sizeof(struct sockd_option)

/** The one symbol that a plugin defines. */
SOCKD_VISIBLE_ extern const struct sockd_plugin sockd_plugin;

#ifdef __cplusplus
}
#endif

#endif
