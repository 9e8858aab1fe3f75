/* sockd/host.h - what the daemon does for a plugin: log, time, timers, fibers, dialling, other threads,
 * metrics. SPDX-License-Identifier: MIT
 *
 * A host handle is a scope. start() gets that of the instance, thread_start() that of one loop, and
 * sockd_conn_host() is that of one connection. Timers, fibers and dialled connections end with the scope
 * through which they were made: those of a connection before its close(), those of a loop before
 * thread_stop().
 *
 * [any]: from every thread, with the host of an instance or of a loop. That of a connection is looked up on
 * its loop, so from elsewhere it only logs (without conn=) and tells the time, and the rest is EXDEV: keep
 * the host that start() or thread_start() got. The others run on the loop of the handle only (EXDEV
 * elsewhere).
 */
#ifndef SOCKD_HOST_H
#define SOCKD_HOST_H

#include "ops.h"

#ifdef __cplusplus
extern "C" {
#endif

/* ---- log ---- */

/** Log one event [any]. Never waits. The scope adds plugin=, listener= and conn=.
 * @param level  enum sockd_level
 * @param event  a fixed word of lower-case letters, digits and '_', by which people search
 * @param format as printf(3); the text becomes one field and is escaped, so it may hold what a client sent
 * @return 0 (also when the level is switched off), or -1 (EINVAL) */
static inline int sockd_log(struct sockd_host h, int level, const char *event, const char *format, ...)
	SOCKD_FORMAT_(4, 5);
static inline int
sockd_log(struct sockd_host h, int level, const char *event, const char *format, ...)
{
	int result;
	va_list args;

	if (sockd_null(h) || !SOCKD_HAS(h, vlog)) {
		sockd_refuse_(sockd_null(h));
		return -1;
	}
	va_start(args, format);
	result = h.ops->vlog(h, level, event, format, args);
	va_end(args);
	return result;
}

/** As sockd_log() with @p count key=value fields in place of a text [any]. They are copied. */
static inline int
sockd_log_fields(struct sockd_host h, int level, const char *event, const struct sockd_field *f, size_t count)
{
	SOCKD_CALL_(h, log_fields, -1, (h, level, event, f, count));
}

/* ---- time ---- */

/** @return monotonic milliseconds [any]; the same clock that timers and timeouts run by, which tests may
 * drive. -1 on failure */
static inline int64_t
sockd_now(struct sockd_host h)
{
	SOCKD_CALL_(h, now, -1, (h));
}

/** @return milliseconds since 1970, UTC [any]; -1 on failure */
static inline int64_t
sockd_wall(struct sockd_host h)
{
	SOCKD_CALL_(h, wall, -1, (h));
}

/** Wait for @p ms. Fiber only (EDEADLK).
 * @return 0 when the time is over; -1 (ESHUTDOWN: a drain interrupts a quiet wait, once; ECANCELED) */
static inline int
sockd_sleep(struct sockd_host h, int64_t ms)
{
	SOCKD_CALL_(h, sleep, -1, (h, ms));
}

/** Call @p fn on this loop after @p first_ms, and then every @p every_ms (0: only once). Scope: a loop or a
 * connection (an instance has no loop: EINVAL).
 * @param arg  yours; a timer that ends with its scope does not call back, so free it in close() or
 * thread_stop()
 * @return the timer's id, never used again; 0 on failure (EAGAIN: too many) */
static inline uint64_t
sockd_timer_start(struct sockd_host h, int64_t first_ms, int64_t every_ms, sockd_timer_fn fn, void *arg)
{
	SOCKD_CALL_(h, timer_start, 0, (h, first_ms, every_ms, fn, arg));
}

/** Stop a timer. It does not call back after this returned.
 * @return 0; -1 ENOENT: it had fired for the last time or was stopped before, which is harmless */
static inline int
sockd_timer_stop(struct sockd_host h, uint64_t timer)
{
	SOCKD_CALL_(h, timer_stop, -1, (h, timer));
}

/* ---- fibers ---- */

/** Run @p fn on another fiber of this scope. It starts at your next wait, or when your callback returns.
 * @return its id, never used again; 0 on failure (EAGAIN: 10,000 run in this scope, or there is no stack;
 * ECANCELED: the scope is ending) */
static inline uint64_t
sockd_spawn(struct sockd_host h, sockd_fiber_fn fn, void *arg)
{
	SOCKD_CALL_(h, spawn, 0, (h, fn, arg));
}

/** Wait for the end of a fiber that this scope spawned. Fiber only (EDEADLK; also for joining oneself). Being
 * cancelled does not end a join, so what the fiber works on may live on your stack.
 * @return what its function returned; -1 ESRCH: joined before, or never there. (A function that returns -1
 * itself leaves errno 0.) Of fibers that nobody has joined yet the last 1,024 results of a scope are kept. */
static inline int
sockd_join(struct sockd_host h, uint64_t fiber)
{
	SOCKD_CALL_(h, join, -1, (h, fiber));
}

/** End a fiber's waiting: what it waits in, and every later call that may wait, fails with ECANCELED. It has
 * to return by itself. @return 0; -1 ESRCH: it has ended */
static inline int
sockd_cancel(struct sockd_host h, uint64_t fiber)
{
	SOCKD_CALL_(h, cancel, -1, (h, fiber));
}

/** Wait until somebody on this loop calls sockd_wake() with the same @p what, for at most @p ms
 * (SOCKD_FOREVER). Any address of yours serves as @p what. Check your condition again afterwards. Fiber only
 * (EDEADLK).
 * @return 0; -1 (ETIMEDOUT, ESHUTDOWN as sockd_sleep(), ECANCELED) */
static inline int
sockd_wait(struct sockd_host h, const void *what, int64_t ms)
{
	SOCKD_CALL_(h, wait, -1, (h, what, ms));
}

/** Wake every fiber of this loop that waits for @p what. They are queued and run later, so this is safe
 * anywhere on the loop. @return 0 (also if nobody waits) or -1 */
static inline int
sockd_wake(struct sockd_host h, const void *what)
{
	SOCKD_CALL_(h, wake, -1, (h, what));
}

/* ---- other ends and other threads ---- */

/** Connect to somebody. Scope: a loop or a connection. Straight-line (o->events NULL): fiber only, waits
 * until it is connected. Event style: returns at once, and open() or close() follows from the loop.
 * @param url  tcp:// or udp:// with a port, unix:// with a path; or fd:N, a connected stream socket, which
 * moves to sockd on success
 * @param o    NULL: all defaults
 * @return the connection, yours to close; a null handle on failure (ETIMEDOUT, ECONNREFUSED, EADDRNOTAVAIL:
 * no such host, EAGAIN: the name service does not answer, EINVAL, ...). In event style a failure comes as
 * close() with SOCKD_BY_ERROR and its cause in errno. Without o->timeout_ms sockd gives up after 10 seconds.
 *
 * With o->tls it is yours after the handshake. ENOENT: no setting of type SOCKD_T_TLS names that entry.
 * EPROTO: the handshake failed, most often since the certificate is not good (on_error() and the log tell
 * why); ECONNRESET: the server broke it off; in event style close() comes with SOCKD_BY_HANDSHAKE_FAILED.
 * EINVAL: over udp://, or the certificate is to be verified and neither the URL nor o->server_name has a
 * name. With TLS 1.3 a server that refuses our certificate says so after the handshake: the first read gives
 * ECONNRESET.
 *
 * A connection that its scope leaves open is closed with it; in a drain its reads give the
 * end together with those of the scope. Over udp:// its reader and writer speak of messages, and what the
 * peer's kernel refused is ECONNREFUSED for the next read. */
static inline struct sockd_conn
sockd_dial(struct sockd_host h, const char *url, const struct sockd_dial_options *o)
{
	struct sockd_conn none = { NULL, 0 };

	SOCKD_CALL_(h, dial, none, (h, url, o));
}

/** Run @p fn on a pool thread and wait for it: for what blocks. Fiber only (EDEADLK). It returns only after
 * @p fn, whatever else happens, so arguments may live on your stack.
 * @param serial  calls with the same pointer run one after the other; NULL: no order
 * @return what @p fn returned, with its errno; -1 EAGAIN: the pool's queue is full and @p fn did not run
 *
 * The pool has eight threads. A function that takes longer than daemon.watchdog is named in the log; one that
 * never returns keeps its thread for good, and the worker from ending before it is ended by force. */
static inline int
sockd_offload(struct sockd_host h, const void *serial, sockd_work_fn fn, void *arg)
{
	SOCKD_CALL_(h, offload, -1, (h, serial, fn, arg));
}

/** Run @p fn on a pool thread, and @p done on this loop after it, exactly once, with a null handle if the
 * scope has ended meanwhile. @return 0; -1: neither runs, @p arg is still yours (EAGAIN: the queue is full)
 */
static inline int
sockd_offload_then(struct sockd_host h, const void *serial, sockd_work_fn fn, sockd_done_fn done, void *arg)
{
	SOCKD_CALL_(h, offload_then, -1, (h, serial, fn, done, arg));
}

/** Have @p fn called on the loop of the connection with this id [any].
 * @return 0: it is called exactly once, with a null handle if the connection ended on the way; -1: it is not
 * called and
 * @p arg is still yours (ESRCH: no such connection; EAGAIN: the loop's mailbox is full) */
static inline int
sockd_post(struct sockd_host h, uint64_t conn_id, sockd_post_fn fn, void *arg)
{
	SOCKD_CALL_(h, post, -1, (h, conn_id, fn, arg));
}

/** Have @p fn called on the loop of a thread's scope [any]. The handle is the one that thread_start() got.
 * @return 0: it is called exactly once, before thread_stop(); -1: it is not and @p arg is still yours
 * (EAGAIN) */
static inline int
sockd_post_thread(struct sockd_host thread_scope, sockd_timer_fn fn, void *arg)
{
	SOCKD_CALL_(thread_scope, post_thread, -1, (thread_scope, fn, arg));
}

/* ---- metrics ---- */

/** Announce a metric, in start() [any]. Registering the same name and kind again gives the same id.
 * @param kind  1: a counter, which only grows; 2: a gauge
 * @param name  a lower-case letter, then more of them, digits and '_'; at most 63, and no "_total" at the
 * end. `sockctl metrics` shows it as sockd_plugin_NAME, a counter with "_total" behind it, with the labels
 * plugin and listener, summed over all workers. A counter goes on when a reload brings the listener a new
 * instance; it begins at 0 in a new worker, which an upgrade and a crash bring, and what the old one counted
 * goes with it
 * @param help  one sentence; 255 bytes of it are kept
 * @return its id; 0 on failure (EINVAL: an argument; EEXIST: registered with another kind; ENOSPC: the
 * instance has 64; ENOMEM)
 */
static inline uint64_t
sockd_metric_register(struct sockd_host h, int kind, const char *name, const char *help)
{
	SOCKD_CALL_(h, metric_register, 0, (h, kind, name, help));
}

/** Add to a metric [any]; no lock is taken. @p n may be negative for a gauge.
 * @return 0 or -1 (ENOENT: no such id; EINVAL: a counter does not fall) */
static inline int
sockd_metric_add(struct sockd_host h, uint64_t metric, int64_t n)
{
	SOCKD_CALL_(h, metric_add, -1, (h, metric, n));
}

/** @return how many connections the listener has open, over all loops [any]; -1 on failure */
static inline int64_t
sockd_open_connections(struct sockd_host h)
{
	SOCKD_CALL_(h, open_connections, -1, (h));
}

/* ---- what belongs to the scope ---- */

/** @return what start() returned [any]; NULL before that */
static inline void *
sockd_host_instance(struct sockd_host h)
{
	SOCKD_CALL_(h, instance, NULL, (h));
}

/** @return the instance's settings [any], valid until stop() returns; so a small plugin needs no start() */
static inline const struct sockd_settings *
sockd_host_settings(struct sockd_host h)
{
	SOCKD_CALL_(h, settings, NULL, (h));
}

/** @return what thread_start() returned for this loop; NULL in the scope of an instance and before that */
static inline void *
sockd_host_thread_state(struct sockd_host h)
{
	SOCKD_CALL_(h, thread_state, NULL, (h));
}

#ifdef __cplusplus
}
#endif

#endif
