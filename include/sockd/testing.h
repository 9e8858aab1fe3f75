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
 * A serve() runs in the first turn, over all that was fed until then: where it would wait for more, it reads
 * the end, unless sockd_fake_stay() says that the client has more to say. Waits for room never happen: its
 * writes are all taken.
 *
 * FIBERS, serve() among them, take turns on the test's thread, always in the same order. Each runs until it
 * waits in sockd_wait(), sockd_join(), sockd_sleep() or a read; what is still waiting when a turn has nothing
 * more to do goes on in a later one. While serve() itself waits for a time to pass (or joins somebody who
 * does), the turn moves the clock; all others wait for sockd_fake_advance().
 *
 * OTHERS: sockd_dial() reaches those that sockd_fake_peer() announced, and is refused by all the rest. A peer
 * is a fake as well, whose far end the test holds: feed, end, stay, take, fail and break it.
 *
 *     struct sockd_fake *server = sockd_fake_peer(f, "tcp://127.0.0.1:80");
 *
 *     sockd_fake_feed(server, "answer", 6);
 *     sockd_fake_feed(f, "question", 8);
 *     sockd_fake_turn(f);
 *     n = sockd_fake_take(server, buf, sizeof buf);      // "question", if the plugin relays
 *
 * Dialling fd:N reaches a peer that was announced as "fd:", whatever the number (ENOTSUP: none was). The test
 * speaks for it, not whoever has the other end of that descriptor, which is closed when the connection ends.
 *
 * WORK of sockd_offload() runs at once, within the call, and there only functions marked [any] work, as on a
 * pool thread. done() of sockd_offload_then() and the messages of sockd_post() and sockd_post_thread() come
 * in the same turn or the next, in order, and at last before thread_stop().
 *
 * What the fakes do not have is ENOSYS, as in a daemon without it: passing descriptors, STARTTLS, key
 * material, values of a PROXY header. */
#ifndef SOCKD_TESTING_H
#define SOCKD_TESTING_H

#include "plugin.h"

#ifdef __cplusplus
extern "C" {
#endif

struct sockd_fake;

/** A listener of @p transport for @p plugin, which has to outlive it. @return NULL: out of memory */
struct sockd_fake *sockd_fake_new(const struct sockd_plugin *plugin, int transport);

/** Close what is open with SOCKD_BY_SHUTDOWN, end its fibers, stop what was started, free, the peers too.
 * NULL is fine. */
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

/** The client has more to say later: a fiber that has read all waits for what is fed, or for
 * sockd_fake_end(), instead of reading the end. A drain and sockd_fake_break() end the waiting, too. */
void sockd_fake_stay(struct sockd_fake *f, bool stays);

/** What is fed to a stream arrives in pieces of so many bytes, each when the one before it has been looked
 * at: 1 shows whether a parser can live with any borders. 0: all at once, as from the start. */
void sockd_fake_set_segment(struct sockd_fake *f, size_t bytes);

/** Somebody listens at @p url, for one connection at a time; announce it once more for another beside it. The
 * fake is freed with @p f. @return NULL: out of memory */
struct sockd_fake *sockd_fake_peer(struct sockd_fake *f, const char *url);

/** Do what a loop would do now: connect if there is no connection, call data(), datagram(), eof(), writable()
 * as long as there is reason to, or serve(); run fibers, deliver messages, tell the events of dialled
 * connections, until all wait; then close() if it is over. */
void sockd_fake_turn(struct sockd_fake *f);

/** The client takes what was sent: at most @p size bytes of the stream, or one datagram.
 * @return bytes; 0 for an empty datagram; -1: there is nothing */
ssize_t sockd_fake_take(struct sockd_fake *f, void *buf, size_t size);

/** How much the write buffer holds in event style; 256 KiB until set. */
void sockd_fake_set_room(struct sockd_fake *f, size_t bytes);

/** The largest datagram (larger ones are dropped) and the most that a peek may want; 64 KiB until set. */
void sockd_fake_set_read_buffer(struct sockd_fake *f, size_t bytes);

/** Which call is to fail. READ and WRITE are those of one end of a connection, so a peer has its own. */
enum sockd_fake_call {
	SOCKD_FAKE_READ = 1,
	SOCKD_FAKE_WRITE = 2,
	SOCKD_FAKE_DIAL = 3,    /* in event style close() tells it */
	SOCKD_FAKE_SPAWN = 4,   /* EAGAIN is what sockd gives */
	SOCKD_FAKE_OFFLOAD = 5, /* sockd_offload(), sockd_offload_then(): EAGAIN */
	SOCKD_FAKE_POST = 6,    /* sockd_post(), sockd_post_thread(): EAGAIN */
	SOCKD_FAKE_TIMER = 7,   /* sockd_timer_start(): EAGAIN */
};

/** Let calls of a kind fail with @p error: after @p skip more that work, @p count of them. */
void sockd_fake_fail(struct sockd_fake *f, int call, int error, unsigned skip, unsigned count);

/** Begin a drain with so much time left; draining() is called if there is a connection. What waits for input
 * reads the end, other waits fail with ESHUTDOWN once, in the next turn. */
void sockd_fake_drain(struct sockd_fake *f, int64_t ms_left);

/** A timeout passes: timeout() is called, then the connection ends unless it was set anew. A fiber that waits
 * for input gets ETIMEDOUT. */
void sockd_fake_timeout(struct sockd_fake *f, int which);

/** The connection breaks: I/O fails, its fibers are cancelled and run to their ends, close() with @p reason.
 * That of a peer: I/O fails with ECONNRESET, in the next turn. */
void sockd_fake_break(struct sockd_fake *f, int reason);

/** Move the clock, and on the way call timers back and end waits whose time has come, in their order. */
void sockd_fake_advance(struct sockd_fake *f, int64_t ms);

/** Who the client is: sockd_conn_remote() and sockd_conn_remote_text() tell it, and sockd_conn_local() too,
 * until sockd_fake_set_local().
 * @param text  borrowed; "fake:1" until set */
void sockd_fake_set_remote(struct sockd_fake *f, const struct sockd_addr *address, const char *text);

/** Which address the client asked: sockd_conn_local() tells it. */
void sockd_fake_set_local(struct sockd_fake *f, const struct sockd_addr *address);

/** What sockd_conn_cred(), sockd_conn_tls() and sockd_conn_proxy() give, borrowed; NULL, as at first: what
 * they give where there is none. */
void sockd_fake_set_cred(struct sockd_fake *f, const struct sockd_cred *cred);
void sockd_fake_set_tls(struct sockd_fake *f, const struct sockd_tls_info *tls);
void sockd_fake_set_proxy(struct sockd_fake *f, const struct sockd_addr *address);

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
