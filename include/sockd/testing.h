/* sockd/testing.h - fakes: a plugin runs in a test without a daemon. SPDX-License-Identifier: MIT
 *
 * A fake is one listener with one loop, and at most one connection at a time, all in memory and on the
 * calling thread. Nothing runs by itself: a test feeds what a client sends, lets the fake take a turn, and
 * takes what the plugin answered. Time stands still but for sockd_sleep() and sockd_fake_advance().
 *
 *     struct sockd_fake *f = sockd_fake_new(&sockd_plugin, SOCKD_TCP);
 *
 *     sockd_fake_start(f);
 *     sockd_fake_feed(f, "hello", 5);
 *     sockd_fake_turn(f);
 *     n = sockd_fake_take(f, buf, sizeof buf);
 *     sockd_fake_free(f);
 *
 * A serve() runs in the first turn, to its end, over all that was fed until then: where it would wait for
 * more, it reads the end. Waits for room never happen: its writes are all taken.
 *
 * What the fakes do not have is ENOSYS, as in a daemon without it: fibers, dialling, relay, posting,
 * offloading, frames, descriptors and files, TLS, PROXY. */
#ifndef SOCKD_TESTING_H
#define SOCKD_TESTING_H

#include "plugin.h"

#ifdef __cplusplus
extern "C" {
#endif

struct sockd_fake;

/** A listener of @p transport for @p plugin, which has to outlive it. @return NULL: out of memory */
struct sockd_fake *sockd_fake_new(const struct sockd_plugin *plugin, int transport);

/** Close what is open with SOCKD_BY_SHUTDOWN, stop what was started, free. NULL is fine. */
void sockd_fake_free(struct sockd_fake *f);

/** Give a setting before sockd_fake_start(); @p text is borrowed. A setting that is not given has its
 * fallback. Sizes and durations are written as in the configuration; items of a list follow by
 * further calls.
 * @return 0, or -1: the plugin does not declare it, or there is no room */
int sockd_fake_set(struct sockd_fake *f, const char *name, const char *text);

/** check(), start(), thread_start(). @return 0, or -1: one failed, and sockd_fake_error() says what it said
 */
int sockd_fake_start(struct sockd_fake *f);

/** What the plugin said by sockd_error_set(), as "OPTION: TEXT" or "TEXT"; "" for nothing. */
const char *sockd_fake_error(const struct sockd_fake *f);

/** The client sends: bytes of a stream, or one datagram, which may be empty. @return 0, or -1: out of memory
 */
int sockd_fake_feed(struct sockd_fake *f, const void *bytes, size_t size);

/** The client ends its side of a stream. */
void sockd_fake_end(struct sockd_fake *f);

/** Do what a loop would do now: connect if there is no connection, call data(), datagram(), eof(), writable()
 * as long as there is reason to, or serve(); then close() if it is over. */
void sockd_fake_turn(struct sockd_fake *f);

/** The client takes what was sent: at most @p size bytes of the stream, or one datagram.
 * @return bytes; 0 for an empty datagram; -1: there is nothing */
ssize_t sockd_fake_take(struct sockd_fake *f, void *buf, size_t size);

/** How much the write buffer holds in event style; 256 KiB until set. */
void sockd_fake_set_room(struct sockd_fake *f, size_t bytes);

/** The largest datagram (larger ones are dropped) and the most that a peek may want; 64 KiB until set. */
void sockd_fake_set_read_buffer(struct sockd_fake *f, size_t bytes);

/** Which call is to fail. */
enum sockd_fake_call { SOCKD_FAKE_READ = 1, SOCKD_FAKE_WRITE = 2 };

/** Let calls of a kind fail with @p error: after @p skip more that work, @p count of them. */
void sockd_fake_fail(struct sockd_fake *f, int call, int error, unsigned skip, unsigned count);

/** Begin a drain with so much time left; draining() is called if there is a connection. */
void sockd_fake_drain(struct sockd_fake *f, int64_t ms_left);

/** A timeout passes: timeout() is called, then the connection ends unless it was set anew. */
void sockd_fake_timeout(struct sockd_fake *f, int which);

/** The connection breaks: no more I/O, close() with @p reason. */
void sockd_fake_break(struct sockd_fake *f, int reason);

/** Move the clock, and call the timers back that are due on the way. */
void sockd_fake_advance(struct sockd_fake *f, int64_t ms);

/** The current connection; a null handle if there is none. */
struct sockd_conn sockd_fake_conn(struct sockd_fake *f);

/** Why the last connection ended (enum sockd_reason); 0 while it is open, or before the first. */
int sockd_fake_reason(const struct sockd_fake *f);

/** How often close() was called, and whether the plugin ended its sending side. */
unsigned sockd_fake_closes(const struct sockd_fake *f);
bool sockd_fake_write_closed(const struct sockd_fake *f);

/** The last log event, as "EVENT TEXT"; "" for none. */
const char *sockd_fake_log(const struct sockd_fake *f);

/** What a metric of the plugin stands at. @return -1 with errno ENOENT: it registered none of this name */
int64_t sockd_fake_metric(const struct sockd_fake *f, const char *name);

#ifdef __cplusplus
}
#endif

#endif
