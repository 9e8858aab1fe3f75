/* The writing half of the fakes. */
#include "fake.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "engine/frame.h"

static size_t
room(const struct sockd_fake *f)
{
	if (fake_on_fiber(f) || fake_is_datagram(f))
		return SIZE_MAX;
	return f->room > f->out.size ? f->room - f->out.size : 0;
}

static ssize_t
put(struct sockd_fake *f, const void *buf, size_t size)
{
	size_t most = f->transport == SOCKD_UDP ? 65507 : f->room;

	if (f->write_closed || f->closing) {
		errno = EPIPE;
		return -1;
	}
	if (size > most && !(fake_on_fiber(f) && !fake_is_datagram(f))) {
		errno = EMSGSIZE;
		return -1;
	}
	if (size > room(f)) {
		f->armed = true;
		errno = EAGAIN;
		return -1;
	}
	if ((size > 0 || fake_is_datagram(f)) && fake_queue_put(&f->out, buf, size) < 0) {
		errno = ENOMEM;
		return -1;
	}
	return (ssize_t)size;
}

static ssize_t
fake_write(struct sockd_writer w, const void *buf, size_t size)
{
	struct sockd_fake *f = fake_usable(w.ref, SOCKD_FAKE_WRITE);

	return f != NULL ? put(f, buf, size) : -1;
}

static ssize_t
fake_writev(struct sockd_writer w, const struct iovec *iov, int count)
{
	struct sockd_fake *f = fake_usable(w.ref, SOCKD_FAKE_WRITE);
	struct fake_queue whole = { 0 };
	ssize_t n = 0;

	for (int i = 0; f != NULL && i < count; i++)
		if (fake_queue_put(&whole, iov[i].iov_base, iov[i].iov_len) < 0)
			n = -1;
	n = f != NULL && n == 0 ? put(f, whole.bytes, whole.size) : -1;
	fake_queue_fini(&whole);
	return n;
}

static int SOCKD_FORMAT_(2, 0) fake_vprintf(struct sockd_writer w, const char *format, va_list args)
{
	char *text = NULL;
	int n = vasprintf(&text, format, args);

	if (n < 0)
		return -1;
	n = (int)fake_write(w, text, (size_t)n);
	free(text);
	return n;
}

static ssize_t
fake_write_to(struct sockd_writer w, const struct sockd_addr *to, const struct sockd_addr *from,
	const void *buf, size_t size)
{
	(void)from;
	if (!fake_is_datagram(fake_of(w.ref))) {
		errno = ENOTSUP;
		return -1;
	}
	if (to == NULL || to->len == 0) {
		errno = EDESTADDRREQ;
		return -1;
	}
	return fake_write(w, buf, size);
}

static ssize_t
fake_write_frame(struct sockd_writer w, const struct sockd_framing *framing, const void *buf, size_t size)
{
	unsigned char head[FRAME_HEAD_MAX], delimiter;
	struct iovec parts[3] = { { head, 0 }, { (void *)(uintptr_t)buf, size }, { &delimiter, 0 } };
	bool datagram = fake_is_datagram(fake_of(w.ref));
	int r = frame_check(framing);

	if (r == 0 && !datagram)
		r = frame_check_message(framing, buf, size);
	if (r == 0 && !datagram)
		r = frame_head(framing, size, head);
	if (r < 0) {
		errno = -r;
		return -1;
	}
	parts[0].iov_len = (size_t)r;
	delimiter = framing->delimiter;
	parts[2].iov_len = !datagram && framing->kind == SOCKD_FRAME_DELIMITER && !framing->include_delimiter;
	return fake_writev(w, parts, 3) < 0 ? -1 : (ssize_t)size;
}

/* The file is read at once; in event style it needs room for all of it. */
static int64_t
fake_sendfile(struct sockd_writer w, int fd, int64_t offset, int64_t count)
{
	char buf[4096];
	int64_t total = 0;

	if (fake_is_datagram(fake_of(w.ref))) {
		errno = ENOTSUP;
		return -1;
	}
	while (count < 0 || total < count) {
		size_t size = count < 0 || count - total > (int64_t)sizeof buf ? sizeof buf
									       : (size_t)(count - total);
		ssize_t n = pread(fd, buf, size, (off_t)(offset + total));

		if (n <= 0)
			return n < 0 ? -1 : total;
		if (fake_write(w, buf, (size_t)n) < 0)
			return -1;
		total += n;
	}
	return total;
}

static int
fake_flush(struct sockd_writer w)
{
	struct sockd_fake *f = fake_usable(w.ref, 0);

	if (f == NULL)
		return -1;
	if (!fake_on_fiber(f)) {
		errno = EDEADLK;
		return -1;
	}
	return 0;
}

static size_t
fake_writable(struct sockd_writer w)
{
	struct sockd_fake *f = fake_usable(w.ref, 0);

	return f != NULL ? room(f) : 0;
}

static int
fake_close_write(struct sockd_writer w)
{
	struct sockd_fake *f = fake_usable(w.ref, 0);

	if (f == NULL)
		return -1;
	if (fake_is_datagram(f)) {
		errno = ENOTSUP;
		return -1;
	}
	f->write_closed = true;
	return 0;
}

static ssize_t
fake_move(struct sockd_writer w, struct sockd_reader r)
{
	struct sockd_fake *f = fake_usable(r.ref, SOCKD_FAKE_READ),
			  *to = fake_usable(w.ref, SOCKD_FAKE_WRITE);
	size_t n;

	if (f == NULL || to == NULL)
		return -1;
	if (!fake_has_input(f))
		return 0;
	n = fake_input_size(f);
	if (n > room(to)) {
		to->armed = true;
		n = room(to);
	}
	if (n == 0 && !fake_is_datagram(f))
		return 0;
	if (put(to, f->in.bytes, n) < 0)
		return -1;
	fake_take_input(f, NULL, n);
	return (ssize_t)n;
}

static int64_t
fake_copy(struct sockd_writer w, struct sockd_reader r)
{
	int64_t total = 0;

	if (fake_flush(w) < 0)
		return -1;
	for (;;) {
		struct sockd_fake *from = fake_usable(r.ref, 0);
		ssize_t n;
		int more;

		if (from == NULL)
			return -1;
		if (!fake_has_input(from)) {
			more = fake_more_input(from);
			if (more <= 0)
				return more < 0 ? -1 : total;
			continue;
		}
		n = fake_move(w, r);
		if (n < 0)
			return -1;
		total += n;
	}
}

/* One direction of a relay. */
struct direction {
	struct sockd_fake *from, *to;
	int64_t total;
	bool over;
};

/* @return 1: something moved, or came to its end; 0: it has to wait; -1 */
static int
carry(struct direction *d)
{
	ssize_t n;

	if (d->over)
		return 0;
	if (fake_has_input(d->from) || fake_more_arrives(d->from)) {
		n = fake_move(sockd_conn_writer(sockd_fake_conn(d->to)),
			sockd_conn_reader(sockd_fake_conn(d->from)));
		d->total += n > 0 ? n : 0;
		return n < 0 ? -1 : 1;
	}
	if (!fake_input_is_over(d->from))
		return 0;
	d->over = true;
	if (!fake_is_datagram(d->to) && !d->to->broken)
		d->to->write_closed = true;
	return 1;
}

int64_t
fake_relay(struct sockd_conn a, struct sockd_conn b)
{
	struct sockd_fake *x = fake_usable(a.ref, SOCKD_FAKE_READ), *y = fake_usable(b.ref, SOCKD_FAKE_READ);
	struct direction there = { .from = x, .to = y }, back = { .from = y, .to = x };

	if (x == NULL || y == NULL)
		return -1;
	if (!fake_on_fiber(x)) {
		errno = EDEADLK;
		return -1;
	}
	while (!there.over || !back.over) {
		int r = carry(&there), s = carry(&back);

		if (r < 0 || s < 0)
			return -1;
		if (r == 0 && s == 0 && fake_wait(x, &x->root->in, SOCKD_FOREVER) < 0 && errno != ESHUTDOWN)
			return -1;
		if (fake_usable(a.ref, SOCKD_FAKE_READ) == NULL ||
			fake_usable(b.ref, SOCKD_FAKE_READ) == NULL)
			return -1;
	}
	return there.total + back.total;
}

const struct sockd_writer_ops fake_writer_ops = {
	.size = sizeof fake_writer_ops,
	.write = fake_write,
	.writev = fake_writev,
	.vprintf = fake_vprintf,
	.write_to = fake_write_to,
	.write_frame = fake_write_frame,
	.flush = fake_flush,
	.sendfile = fake_sendfile,
	.writable = fake_writable,
	.close_write = fake_close_write,
	.copy = fake_copy,
	.move = fake_move,
};
