/* While it sends it also reads, or an echo of more than both buffers hold would stand still for ever. */
#include "run/plugin_peer.h"

#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/un.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/fdutil.h"

enum { SHOWN_BYTES = 60, DATAGRAM_MAX = 65536 };

static void
own_name(const struct peer_target *t, struct sockaddr_un *ret)
{
	*ret = (struct sockaddr_un){ .sun_family = AF_UNIX };
	snprintf(ret->sun_path, sizeof ret->sun_path, "%s/peer", t->folder);
}

/* A unix datagram client needs a name of its own, or nothing could be sent back to it. */
static int
bind_name(const struct peer *p)
{
	struct sockaddr_un name;

	if (!p->target->datagrams || p->target->address.ss_family != AF_UNIX)
		return 0;
	own_name(p->target, &name);
	unlink(name.sun_path);
	return bind(p->fd, (const struct sockaddr *)&name, sizeof name);
}

int
peer_connect(struct peer *p, struct err *e)
{
	const struct peer_target *t = p->target;

	peer_close(p, false);
	p->fd = socket(t->address.ss_family,
		(t->datagrams ? SOCK_DGRAM : SOCK_STREAM) | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	if (p->fd < 0 || bind_name(p) < 0)
		return err_errno(e, "cannot make the client's socket");
	if (connect(p->fd, (const struct sockaddr *)&t->address, t->size) < 0 && errno != EINPROGRESS)
		return err_errno(e, "cannot connect");
	return 0;
}

void
peer_close(struct peer *p, bool reset)
{
	if (p->fd >= 0 && reset)
		(void)setsockopt(p->fd, SOL_SOCKET, SO_LINGER, &(struct linger){ .l_onoff = 1 },
			sizeof(struct linger)); /* without it the plugin sees an end: close enough */
	cleanup_fd(&p->fd);
	p->fd = -1;
	strbuf_fini(&p->received);
	p->ended = false;
}

/* Read what is there. @return 1 something came (or the end), 0 nothing, a negative errno */
static int
receive(struct peer *p)
{
	char buffer[DATAGRAM_MAX];
	ssize_t n = recv(p->fd, buffer, sizeof buffer, 0);

	if (n < 0)
		return errno == EAGAIN || errno == EINTR ? 0 : -errno;
	if (n == 0 && !p->target->datagrams)
		p->ended = true;
	strbuf_add_bytes(&p->received, buffer, (size_t)n);
	return 1;
}

/* Wait for @p events, and POLLIN with it. @return what is ready, or a negative errno */
static int
wait_for(const struct peer *p, short events, int64_t deadline_ms, struct err *e)
{
	struct pollfd one = { .fd = p->fd, .events = events };
	int64_t left = deadline_ms - clock_now_ms();
	int n = left > 0 ? poll(&one, 1, (int)left) : 0;

	if (n < 0 && errno != EINTR)
		return err_errno(e, "cannot wait");
	if (n == 0)
		return err_set(e, -ETIMEDOUT, "nothing happened within %d ms", p->timeout_ms);
	return n < 0 ? 0 : one.revents;
}

static int
lost(int error, struct err *e)
{
	return err_set(e, error, "the connection is gone: %s", strerror(-error));
}

/* @return bytes taken, perhaps 0, or a negative errno */
static ssize_t
send_some(const struct peer *p, const char *bytes, size_t size)
{
	ssize_t n = send(p->fd, bytes, size, MSG_NOSIGNAL);

	if (n < 0)
		return errno == EAGAIN || errno == EINTR || errno == ENOTCONN ? 0 : -errno;
	return n;
}

int
peer_send(struct peer *p, const char *bytes, size_t size, struct err *e)
{
	int64_t deadline_ms = clock_now_ms() + p->timeout_ms;
	size_t done = 0;

	do {
		int ready = wait_for(p, p->ended ? POLLOUT : POLLOUT | POLLIN, deadline_ms, e), r = 0;
		ssize_t n = 0;

		if (ready < 0)
			return ready;
		if ((ready & POLLOUT) != 0)
			n = send_some(p, bytes + done, size - done);
		if (n < 0)
			return lost((int)n, e);
		done += (size_t)n;
		if (p->target->datagrams && (ready & POLLOUT) != 0)
			return 0;
		if ((ready & POLLIN) != 0)
			r = receive(p);
		if (r < 0)
			return lost(r, e);
	} while (done < size);
	return 0;
}

static int
mismatch(const struct peer *p, const char *bytes, size_t size, size_t at, struct err *e)
{
	auto_of(strbuf) struct strbuf wanted = { 0 };
	auto_of(strbuf) struct strbuf found = { 0 };
	size_t left = size - at, there = p->received.size - at;

	strbuf_add_quoted(&wanted, bytes + at, left < SHOWN_BYTES ? left : SHOWN_BYTES);
	strbuf_add_quoted(&found, p->received.data + at, there < SHOWN_BYTES ? there : SHOWN_BYTES);
	return err_set(e, -EBADMSG, "at byte %zu of %zu expected %s, got %s", at, size,
		left > 0 ? wanted.data : "nothing more", there > 0 ? found.data : "nothing more");
}

/* Forget the first @p size bytes. */
static void
consume(struct strbuf *s, size_t size)
{
	if (size > 0)
		memmove(s->data, s->data + size, s->size - size);
	s->size -= size;
}

/* Compare what has come with what is wanted. @return 1 all of it, 0 more has to come, a negative errno */
static int
compare(struct peer *p, const char *bytes, size_t size, struct err *e)
{
	size_t there = p->received.size < size ? p->received.size : size;

	for (size_t i = 0; i < there; i++)
		if (p->received.data[i] != bytes[i])
			return mismatch(p, bytes, size, i, e);
	if (p->target->datagrams && p->received.size != size)
		return mismatch(p, bytes, size, there, e);
	if (there < size)
		return 0;
	consume(&p->received, size);
	return 1;
}

/* One datagram at a time; their borders count. */
static int
expect_datagram(struct peer *p, const char *bytes, size_t size, int64_t deadline_ms, struct err *e)
{
	int r = 0;

	while (r == 0) {
		r = wait_for(p, POLLIN, deadline_ms, e);
		if (r >= 0)
			r = receive(p);
	}
	if (r < 0)
		return r == -ETIMEDOUT ? r : lost(r, e);
	r = compare(p, bytes, size, e);
	strbuf_reset(&p->received);
	return r < 0 ? r : 0;
}

int
peer_expect(struct peer *p, const char *bytes, size_t size, struct err *e)
{
	int64_t deadline_ms = clock_now_ms() + p->timeout_ms;

	if (p->target->datagrams)
		return expect_datagram(p, bytes, size, deadline_ms, e);
	for (;;) {
		int r = compare(p, bytes, size, e);

		if (r != 0)
			return r < 0 ? r : 0;
		if (p->ended)
			return err_set(
				e, -EPIPE, "the plugin ended after %zu of %zu bytes", p->received.size, size);
		r = wait_for(p, POLLIN, deadline_ms, e);
		if (r == -ETIMEDOUT)
			return err_prefix(e, "%zu of %zu bytes came", p->received.size, size);
		if (r >= 0)
			r = receive(p);
		if (r < 0)
			return lost(r, e);
	}
}

int
peer_expect_end(struct peer *p, struct err *e)
{
	int64_t deadline_ms = clock_now_ms() + p->timeout_ms;

	while (!p->ended) {
		int r = wait_for(p, POLLIN, deadline_ms, e);

		if (r == -ETIMEDOUT)
			return err_prefix(e, "the plugin did not end its side");
		if (r >= 0)
			r = receive(p);
		if (r < 0)
			return lost(r, e);
	}
	return p->received.size == 0 ? 0 : mismatch(p, "", 0, 0, e);
}

int
peer_end(struct peer *p, struct err *e)
{
	return shutdown(p->fd, SHUT_WR) < 0 ? err_errno(e, "cannot end our side") : 0;
}
