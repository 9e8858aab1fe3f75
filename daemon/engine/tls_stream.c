/* Three buffers could hold what waits, and each holds one thing only: the bufferevent's output ciphertext
 * that the socket did not take, its input plaintext that the plugin did not take, and `staged` plaintext that
 * comes while the output waits. Encrypting that at once would make a record of every small write; so it is
 * gathered to full records, or until the socket takes bytes again.
 *
 * A client can use a record only when all of it has come. After a silence the first records are small, so
 * that each fits a packet and the client works while the rest travels; once bytes flow they are as large as
 * can be, which costs least. (Small ones leave in one piece, through the loop's wire buffer.)
 *
 * What the BIO asks for is bounded for each read: a peer that sends nothing but key updates would keep
 * OpenSSL reading for as long as it likes. */
#include "engine/tls_stream.h"

#include <errno.h>
#include <event2/buffer.h>
#include <stdio.h>
#include <string.h>

#include "base/log.h"
#include "engine/api.h"
#include "engine/dial.h"
#include "engine/observe.h"
#include "engine/stream.h"
#include "net/tls_session.h"

enum {
	RECORD = 16384,          /* the most that a record may hold */
	RECORD_FIRST = 1369,     /* with all overheads of TCP over IPv6 one packet */
	FIRST_BYTES = 64 * 1024, /* so much goes out in small ones */
	SILENCE_MS = 1000,
	TURN_MAX = 256 * 1024, /* ciphertext of one read */
};

struct tls_stream {
	struct tls_session *session; /* owned */
	struct conn *conn;           /* borrowed: owns us */
	unsigned char *staged;       /* owned; RECORD bytes, or NULL */
	size_t staged_size;
	uint64_t wire_bytes;
	int64_t by_ms;    /* of the handshake */
	int64_t wrote_ms; /* when something was written last */
	size_t burst;     /* written since the last silence; above FIRST_BYTES it is not counted */
	size_t turn;      /* ciphertext that this read took */
	ssize_t outcome;  /* what the next read is to give; 1: nothing is known yet */
	bool heard;       /* something came from the client */
	bool corked;
	const char *timed_out; /* what there is to say of it */
};

/* ---- what OpenSSL reads from and writes to ---- */

static ssize_t
wire_read(void *arg, void *buf, size_t size)
{
	struct conn *c = arg;
	struct tls_stream *t = c->tls;
	ssize_t n;

	if (!c->ready || t->turn >= TURN_MAX)
		return -EAGAIN;
	n = stream_recv_socket(c, buf, size);
	if (n > 0) {
		t->turn += (size_t)n;
		t->heard = true;
	}
	return n;
}

static int
wire_write(void *arg, const void *bytes, size_t size)
{
	struct conn *c = arg;
	struct tls_stream *t = c->tls;
	struct loop *loop = conn_loop(c);

	t->wire_bytes += size;
	if (!t->corked)
		return stream_put(c, bytes, size);
	if (loop->wire_size + size > LOOP_BUFFER_SIZE) {
		int r = stream_put(c, loop->wire, loop->wire_size);

		loop->wire_size = 0;
		if (r < 0)
			return r;
	}
	memcpy(loop->wire + loop->wire_size, bytes, size);
	loop->wire_size += size;
	return 0;
}

static const struct tls_io wire = { wire_read, wire_write };

/* ---- its life ---- */

int
tls_stream_begin(struct conn *c, struct tls_context *context, const char *server_name, int64_t by_ms)
{
	struct tls_stream *t = mem_new(*t);

	if (t == NULL)
		return -ENOMEM;
	*t = (struct tls_stream){ .conn = c, .by_ms = by_ms, .outcome = 1 };
	if (tls_session_new(context, &wire, c, server_name, &t->session) < 0) {
		free(t);
		return -ENOMEM;
	}
	c->tls = t;
	return 0;
}

void
tls_stream_free(struct tls_stream *t)
{
	if (t == NULL)
		return;
	tls_session_free(t->session);
	if (t->staged != NULL)
		explicit_bzero(t->staged, RECORD);
	free(t->staged);
	free(t);
}

struct tls_session *
tls_stream_session(const struct conn *c)
{
	return c->tls->session;
}

const char *
tls_stream_failure(const struct conn *c)
{
	const char *failure;

	if (c->tls == NULL)
		return NULL;
	failure = tls_session_failure(c->tls->session);
	return failure != NULL ? failure : c->tls->timed_out;
}

uint64_t
tls_stream_wire_bytes(const struct conn *c)
{
	return c->tls->wire_bytes;
}

/* ---- the handshake ---- */

int64_t
tls_stream_deadline_ms(const struct conn *c)
{
	return c->tls->by_ms;
}

bool
tls_stream_is_silent(const struct conn *c)
{
	return !c->tls->heard;
}

/* Whoever dialled is told at once: the connection may still have to say why to the server. */
static void
dialled_failed(struct conn *c, int error)
{
	char peer[CONN_PEER_TEXT_SIZE];

	observe_error(c, error, tls_stream_failure(c));
	conn_peer_text(c, peer);
	log_info("dial_tls_failed", LOG_S("listener", conn_cfg(c)->name), LOG_U("conn", c->id),
		LOG_S("peer", peer), LOG_S("name", c->dialled->server_name),
		LOG_S("detail", tls_stream_failure(c)));
	dial_shake_failed(c, error);
}

void
tls_stream_time_out(struct conn *c)
{
	c->tls->timed_out = c->tls->heard        ? "the handshake was not done in time"
			    : c->dialled == NULL ? "the client said nothing in time"
						 : "the server said nothing in time";
	if (c->dialled != NULL)
		dialled_failed(c, ETIMEDOUT);
	conn_cut(c, SOCKD_BY_HANDSHAKE_FAILED);
}

/* An alert may be on its way, so the connection is ended as one that has something to send. */
static void
handshake_failed(struct conn *c, int error)
{
	if (tls_session_failure(c->tls->session) == NULL)
		c->tls->timed_out = error != -ECONNRESET ? strerror(-error)
				    : c->dialled == NULL ? "the client closed the connection"
							 : "the server closed the connection";
	if (c->dialled != NULL)
		dialled_failed(c, -error);
	else if (error != -ECONNRESET)
		observe_error(c, -error, tls_stream_failure(c));
	if (error == -EPROTO)
		conn_finish(c, SOCKD_BY_HANDSHAKE_FAILED);
	else
		conn_cut(c, SOCKD_BY_HANDSHAKE_FAILED);
}

void
tls_stream_shake(struct conn *c)
{
	struct tls_stream *t = c->tls;
	int r;

	t->turn = 0;
	r = tls_session_handshake(t->session);
	if (r == 1)
		conn_shaken(c);
	else if (r != -EAGAIN)
		handshake_failed(c, r);
}

/* ---- reading ---- */

bool
tls_stream_has_pending(const struct conn *c)
{
	return c->tls->outcome != 1 || tls_session_has_pending(c->tls->session);
}

/* What a read came to that gave no bytes. @return what stream_recv() gives for it */
static ssize_t
read_ended(struct conn *c, ssize_t outcome)
{
	switch (outcome) {
	case 0:
		c->fin_read = true;
		return 0;
	case -EPIPE:
		c->fin_read = c->truncated = true;
		conn_settle_later(c);
		return -ECONNRESET;
	case -EPROTO:
		observe_error(c, EPROTO, tls_stream_failure(c));
		conn_finish(c, SOCKD_BY_ERROR);
		return -ECONNRESET;
	default:
		conn_fail(c, (int)-outcome);
		return outcome;
	}
}

ssize_t
tls_stream_recv(struct conn *c, void *buf, size_t size)
{
	struct tls_stream *t = c->tls;
	size_t done = 0;
	ssize_t n = t->outcome;

	t->turn = 0;
	while (n == 1 || n > 0) {
		n = tls_session_read(t->session, (char *)buf + done, size - done);
		if (n <= 0)
			break;
		done += (size_t)n;
		if (done == size || (!c->ready && !tls_session_has_pending(t->session)))
			break;
	}
	t->outcome = n > 0 || n == -EAGAIN ? 1 : n;
	if (done > 0)
		return (ssize_t)done;
	return n == -EAGAIN ? -EAGAIN : read_ended(c, n);
}

/* ---- writing ---- */

size_t
tls_stream_staged(const struct conn *c)
{
	return c->tls->staged_size;
}

static size_t
record_size(struct tls_stream *t, size_t size)
{
	int64_t now_ms = loop_now_ms(conn_loop(t->conn));

	if (now_ms - t->wrote_ms > SILENCE_MS)
		t->burst = 0;
	t->wrote_ms = now_ms;
	if (t->burst >= FIRST_BYTES)
		return RECORD;
	t->burst += size;
	return RECORD_FIRST;
}

static int
uncork(struct conn *c)
{
	struct loop *loop = conn_loop(c);
	int r = loop->wire_size > 0 ? stream_put(c, loop->wire, loop->wire_size) : 0;

	c->tls->corked = false;
	loop->wire_size = 0;
	return r;
}

static int
encrypt(struct conn *c, const void *bytes, size_t size)
{
	struct tls_stream *t = c->tls;
	struct loop *loop = conn_loop(c);
	size_t record = record_size(t, size);
	int r, sent;

	if (record < size && record < RECORD) {
		if (loop->wire == NULL)
			loop->wire = malloc(LOOP_BUFFER_SIZE);
		t->corked = loop->wire != NULL;
	}
	r = tls_session_write(t->session, bytes, size, record);
	if (!t->corked)
		return r;
	sent = uncork(c);
	return r < 0 ? r : sent;
}

static int
encrypt_staged(struct conn *c)
{
	struct tls_stream *t = c->tls;
	size_t size = t->staged_size;

	t->staged_size = 0;
	return size > 0 ? encrypt(c, t->staged, size) : 0;
}

static int
stage(struct conn *c, const unsigned char *bytes, size_t size)
{
	struct tls_stream *t = c->tls;

	if (t->staged == NULL)
		t->staged = malloc(RECORD);
	if (t->staged == NULL)
		return -ENOMEM;
	while (size > 0) {
		size_t room = RECORD - t->staged_size, part = size < room ? size : room;

		memcpy(t->staged + t->staged_size, bytes, part);
		t->staged_size += part;
		bytes += part;
		size -= part;
		if (t->staged_size == RECORD) {
			int r = encrypt_staged(c);

			if (r < 0)
				return r;
		}
	}
	return 0;
}

static void
unstage(struct tls_stream *t)
{
	free(t->staged);
	t->staged = NULL;
}

int
tls_stream_write(struct conn *c, const struct iovec *iov, int count)
{
	struct tls_stream *t = c->tls;
	bool waits = stream_pending_bytes(c) > 0;
	int r = 0;

	if (count == 1 && !waits)
		return encrypt(c, iov->iov_base, iov->iov_len);
	for (int i = 0; i < count && r == 0; i++)
		r = stage(c, iov[i].iov_base, iov[i].iov_len);
	if (r == 0 && !waits) {
		r = encrypt_staged(c);
		unstage(t);
	}
	return r;
}

void
tls_stream_on_written(struct conn *c)
{
	int r;

	if (c->tls->staged == NULL)
		return;
	r = encrypt_staged(c);
	unstage(c->tls);
	if (r < 0)
		conn_fail(c, -r);
}

void
tls_stream_end(struct conn *c)
{
	int r = 0;

	if (c->broken || tls_session_failure(c->tls->session) != NULL)
		return;
	r = tls_session_end(c->tls->session);
	if (r < 0)
		c->broken = true; /* the peer is gone: there is nobody left to tell */
}
