/* The pump. libevent's own read path costs a FIONREAD and a 4 KiB readv() a turn, so EV_READ of the
 * bufferevent stays off and this file reads itself when the loop's poller says so; the write side, what is
 * left over and its errors stay with the bufferevent.
 *
 * The view: bytes that were just read lie in the loop's buffer while the plugin's data() runs. It is either
 * the view or the bufferevent's input that holds unread bytes, never both, so their order needs no thought.
 */
#include "engine/stream.h"

#include <errno.h>
#include <event2/buffer.h>
#include <string.h>
#include <sys/socket.h>

#include "base/socket_call.h"
#include "control/watch.h"
#include "engine/api.h"
#include "engine/conn_wait.h"
#include "engine/observe.h"
#include "engine/pace.h"
#include "engine/relay.h"
#include "engine/stream_file.h"
#include "engine/stream_rights.h"
#include "engine/stream_private.h"
#include "engine/tls_stream.h"

/* A turn of the loop takes at most PUMP_TURNS full buffers from one connection, so that it leaves the others
 * their share, and a stream at full speed does not ask epoll about each. */
enum { PUMP_TURNS = 4, READ_ALL_TURNS = 64 };

size_t
stream_pending_bytes(const struct conn *c)
{
	return stream_outgoing(c) + (c->tls != NULL ? tls_stream_staged(c) : 0);
}

size_t
stream_pending(const struct conn *c)
{
	return stream_pending_bytes(c) + (c->file != NULL ? (size_t)stream_file_left(c) : 0);
}

bool
stream_is_plain(const struct conn *c)
{
	return c->tls == NULL;
}

uint64_t
stream_written(const struct conn *c)
{
	size_t pending = stream_pending_bytes(c);

	return c->queued_bytes > pending ? c->queued_bytes - pending : 0;
}

uint64_t
stream_flushed(const struct conn *c)
{
	return (c->tls != NULL ? tls_stream_wire_bytes(c) : c->queued_bytes) - stream_outgoing(c);
}

size_t
stream_unread(const struct conn *c)
{
	return stream_has_view(c) ? conn_loop(c)->view_size : stream_input_size(c);
}

size_t
stream_room(const struct conn *c)
{
	size_t limit = (size_t)conn_cfg(c)->write_buffer, pending = stream_pending(c);

	if (c->state != CONN_OPEN || c->write_closed || c->broken || c->file != NULL || c->pipe != NULL)
		return 0;
	return pending < limit ? limit - pending : 0;
}

/* ---- when to read ---- */

static bool
stream_wants_input(const struct conn *c)
{
	if (c->fin_read || c->broken || c->state == CONN_DIALLING || c->state == CONN_ENDING)
		return false;
	if (c->pace != NULL && pace_holds_input(c))
		return false;
	if (c->state != CONN_OPEN || c->read_closed)
		return true; /* thrown away; we wait for the FIN */
	if (c->relay != NULL)
		return relay_wants_input(c);
	if (c->straight || conn_has_reader(c))
		return conn_has_reader(c);
	return !c->paused && stream_unread(c) < (size_t)conn_cfg(c)->read_buffer &&
	       stream_pending(c) < (size_t)conn_cfg(c)->write_buffer;
}

bool
stream_owes_input(const struct conn *c)
{
	bool later = c->pace != NULL && pace_holds_input(c);
	char byte;

	return c->state == CONN_OPEN && !c->fin_read && !c->datagrams && (later || stream_wants_input(c)) &&
	       recv(c->fd, &byte, 1, MSG_PEEK | MSG_DONTWAIT) > 0;
}

bool
stream_may_read(const struct conn *c)
{
	return c->ready || (c->tls != NULL && c->state == CONN_OPEN && tls_stream_has_pending(c));
}

void
stream_resume(struct conn *c)
{
	bool now = stream_may_read(c);
	int r;

	if ((!now && c->watched) || !stream_wants_input(c))
		return;
	if (now) {
		loop_defer(conn_loop(c), &c->again);
		return;
	}
	r = poller_watch_stream(&conn_loop(c)->poller, c);
	if (r < 0)
		conn_fail(c, -r);
	else
		c->watched = true;
}

/* ---- reading ---- */

static ssize_t
recv_plain(struct conn *c, void *buf, size_t size)
{
	ssize_t n;

	do
		n = socket_recv(c->fd, buf, size, 0);
	while (n < 0 && errno == EINTR);
	return n >= 0 ? n : errno == EWOULDBLOCK ? -EAGAIN : -errno;
}

static ssize_t
recv_once(struct conn *c, void *buf, size_t size, bool *ret_cut)
{
	return c->transport == CFG_UNIX ? stream_recv_unix(c, buf, size, ret_cut) : recv_plain(c, buf, size);
}

/* An edge comes once, so this is where it is noticed that the socket is empty: it says so, or gives less than
 * was asked for (epoll(7)), unless it stopped at what it does not read over. At urgent data it says so too if
 * a signal is pending at that moment, as when the process is stopped; asked again, it knows better. */
static ssize_t
recv_noting(struct conn *c, void *buf, size_t size)
{
	bool cut = false;
	ssize_t n = recv_once(c, buf, size, &cut);

	if (n == -EAGAIN && c->cut_short)
		n = recv_once(c, buf, size, &cut);
	if (n == -EAGAIN || (n >= 0 && (size_t)n < size && !cut && !c->cut_short))
		c->ready = false;
	return n;
}

ssize_t
stream_recv_socket(struct conn *c, void *buf, size_t size)
{
	size_t allowed = c->pace != NULL ? pace_may_read(c, size) : size;
	ssize_t n = allowed > 0 ? recv_noting(c, buf, allowed) : -EAGAIN;

	if (c->pace != NULL && allowed > 0)
		pace_has_read(c, allowed, n > 0 ? (size_t)n : 0);
	return n;
}

ssize_t
stream_count_read(struct conn *c, ssize_t n)
{
	c->read_bytes += (uint64_t)n;
	loop_spend(conn_loop(c), (size_t)n);
	metric_add(c->scope->cells, c->dialled != NULL ? METRIC_DIALLED_BYTES_READ : METRIC_BYTES_READ,
		(uint64_t)n);
	conn_touch(c);
	if (!c->told_read) {
		c->told_read = true;
		observe_state(c, SOCKD_READ);
	}
	return n;
}

ssize_t
stream_recv(struct conn *c, void *buf, size_t size)
{
	ssize_t n;

	if (c->fin_read)
		return c->truncated ? -ECONNRESET : 0;
	if (c->tls != NULL && c->state == CONN_OPEN) {
		n = tls_stream_recv(c, buf, size);
		return n > 0 ? stream_count_read(c, n) : n;
	}
	n = stream_recv_socket(c, buf, size);
	if (n < 0 && n != -EAGAIN)
		conn_fail(c, (int)-n);
	if (n < 0)
		return n;
	if (n == 0) {
		c->fin_read = true;
		return 0;
	}
	return c->tls != NULL ? n : stream_count_read(c, n); /* ciphertext that nobody decrypts any more */
}

size_t
stream_drop(struct conn *c, size_t size)
{
	struct loop *loop = conn_loop(c);
	size_t n = stream_unread(c) < size ? stream_unread(c) : size;

	if (n == 0)
		return 0;
	if (!stream_has_view(c)) {
		evbuffer_drain(stream_input(c), n);
		return n;
	}
	loop->view += n;
	loop->view_size -= n;
	return n;
}

size_t
stream_take(struct conn *c, void *buf, size_t size)
{
	struct loop *loop = conn_loop(c);
	size_t n = stream_unread(c) < size ? stream_unread(c) : size;

	if (n == 0)
		return 0;
	if (!stream_has_view(c))
		return (size_t)evbuffer_remove(stream_input(c), buf, n);
	memcpy(buf, loop->view, n);
	return stream_drop(c, n);
}

void
stream_forget_unread(struct conn *c)
{
	stream_drop(c, stream_unread(c));
}

void
stream_close_read(struct conn *c)
{
	c->read_closed = true;
	stream_forget_unread(c);
	stream_resume(c);
	conn_wake_reader(c);
	if (c->relay != NULL)
		relay_on_end(c);
}

/* The bufferevent keeps the end of its input frozen for everybody but itself. */
int
stream_keep(struct conn *c, const void *bytes, size_t size)
{
	struct evbuffer *input = stream_input(c);
	int r;

	if (input == NULL)
		return -1;
	evbuffer_unfreeze(input, 0);
	r = evbuffer_add(input, bytes, size);
	evbuffer_freeze(input, 0);
	return r;
}

static void
stream_call_data(struct conn *c)
{
	c->blocked = false;
	c->in_entry = true;
	WATCHED(c->scope->listener->watch, WATCH_DATA, c->id,
		c->entries->data(api_conn(c), api_reader(c), api_writer(c)));
	c->in_entry = false;
}

void
stream_tell_unread(struct conn *c)
{
	if (c->state == CONN_OPEN && stream_unread(c) > 0 && !conn_has_reader(c) && !c->paused &&
		c->relay == NULL)
		stream_call_data(c);
}

/* New bytes lie in the loop's buffer: show them to the plugin, keep what it leaves. @p held: it has unread
 * ones.
 */
static void
stream_deliver(struct conn *c, size_t size, bool held)
{
	struct loop *loop = conn_loop(c);

	if (held) {
		if (stream_keep(c, loop->buffer, size) < 0)
			conn_fail(c, ENOMEM);
		else
			stream_call_data(c);
		return;
	}
	loop->view_owner = c;
	loop->view = loop->buffer;
	loop->view_size = size;
	stream_call_data(c);
	loop->view_owner = NULL;
	if (loop->view_size > 0 && c->state == CONN_OPEN && stream_keep(c, loop->view, loop->view_size) < 0)
		conn_fail(c, ENOMEM);
}

/* One read and its delivery. @return false when there is nothing more to read now. */
static bool
stream_pump(struct conn *c)
{
	struct loop *loop = conn_loop(c);
	size_t held = stream_unread(c), room = (size_t)conn_cfg(c)->read_buffer;
	ssize_t n;

	if (c->state != CONN_OPEN || c->read_closed) {
		n = stream_recv(c, loop->buffer, LOOP_BUFFER_SIZE);
		if (n == 0)
			conn_settle_later(c);
		return n > 0;
	}
	if (held >= room)
		return false;
	room -= held;
	n = stream_recv(c, loop->buffer, room < LOOP_BUFFER_SIZE ? room : LOOP_BUFFER_SIZE);
	if (n == 0)
		conn_settle_later(c);
	if (n > 0)
		stream_deliver(c, (size_t)n, held > 0);
	conn_may_be_quiet(c); /* also where what had come is a part of a record, and nothing to deliver */
	return n > 0 && c->state == CONN_OPEN;
}

/* The last read did not empty the socket, and the plugin's data() still wants more. */
static bool
stream_has_more(const struct conn *c)
{
	return stream_may_read(c) && !conn_has_reader(c) && c->relay == NULL && stream_wants_input(c);
}

/* Something may be there, and nothing stands against reading it. */
static void
stream_read_on(struct conn *c)
{
	bool given = c->state == CONN_OPEN && !c->read_closed; /* to the plugin: else it is thrown away */

	if (given && c->relay == NULL && conn_has_reader(c)) {
		conn_wake_reader(c); /* reads for itself when it runs */
		return;
	}
	if (c->state == CONN_HANDSHAKE)
		tls_stream_shake(c);
	else if (given && c->relay != NULL)
		relay_on_readable(c);
	else if (c->datagrams)
		dialled_datagram_pump(c);
	else
		for (int turn = 0; turn < PUMP_TURNS && stream_pump(c) && stream_has_more(c); turn++)
			;
	stream_resume(c);
}

void
stream_read_again(struct loop *loop, struct loop_task *task)
{
	struct conn *c = container_of(task, struct conn, again);

	(void)loop; /* the connection knows its loop */
	if (stream_may_read(c) && stream_wants_input(c))
		stream_read_on(c);
}

void
stream_on_edge(struct conn *c, bool cuts)
{
	c->ready = true;
	c->cut_short |= cuts;
	if (stream_wants_input(c))
		stream_read_on(c);
}

void
stream_read_all(struct conn *c)
{
	c->ready = true; /* an edge may be on its way */
	for (int turn = 0; turn < READ_ALL_TURNS && stream_has_more(c) && stream_pump(c); turn++)
		; /* a fiber that has the input goes on by itself */
	stream_resume(c);
}
