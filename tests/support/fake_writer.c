/* The writing half of the fakes. */
#include "fake.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "engine/arguments.h"
#include "engine/frame.h"

/* The most that one write may ever hold. */
static size_t
most(const struct sockd_fake *f)
{
	return f->transport == SOCKD_UDP                  ? 65507
	       : fake_on_fiber(f) && !fake_is_datagram(f) ? SIZE_MAX
							  : f->room;
}

static size_t
room(const struct sockd_fake *f)
{
	if (f->write_closed || f->closing)
		return 0;
	if (fake_on_fiber(f) || fake_is_datagram(f))
		return most(f);
	return f->room > f->out.size ? f->room - f->out.size : 0;
}

static ssize_t
put(struct sockd_fake *f, const void *buf, size_t size)
{
	if (f->write_closed || f->closing)
		return fake_refuse(EPIPE);
	if (size > most(f))
		return fake_refuse(EMSGSIZE);
	if (size > room(f)) {
		f->armed = true;
		errno = EAGAIN;
		return -1;
	}
	if ((size > 0 || fake_is_datagram(f)) && fake_queue_put(&f->out, buf, size) < 0)
		return fake_refuse(ENOMEM);
	return (ssize_t)size;
}

/* Answer; of datagrams to whoever sent the one that was read last. */
static ssize_t
answer(struct sockd_fake *f, const void *buf, size_t size)
{
	return fake_is_of_datagrams(f) && !f->met ? fake_refuse(EDESTADDRREQ) : put(f, buf, size);
}

static ssize_t
fake_write(struct sockd_writer w, const void *buf, size_t size)
{
	struct sockd_fake *f = fake_usable(w.ref, SOCKD_FAKE_WRITE);

	if (f == NULL)
		return -1;
	return arguments_are_there(buf, size) ? answer(f, buf, size) : fake_refuse(EINVAL);
}

static ssize_t
fake_writev(struct sockd_writer w, const struct iovec *iov, int count)
{
	struct sockd_fake *f = fake_usable(w.ref, SOCKD_FAKE_WRITE);
	struct fake_queue whole = { 0 };
	size_t total;
	ssize_t n;

	if (f == NULL)
		return -1;
	n = arguments_sum(iov, count, &total);
	if (n < 0)
		return fake_refuse((int)-n);
	for (int i = 0; i < count; i++)
		if (fake_queue_put(&whole, iov[i].iov_base, iov[i].iov_len) < 0)
			n = -1;
	n = n == 0 ? answer(f, whole.bytes, whole.size) : fake_refuse(ENOMEM);
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
	struct sockd_fake *f = fake_usable(w.ref, SOCKD_FAKE_WRITE);

	(void)from;
	if (f == NULL)
		return -1;
	if (!fake_is_of_datagrams(f))
		return fake_refuse(ENOTSUP);
	if (to == NULL || to->len == 0)
		return fake_refuse(EDESTADDRREQ);
	if (to->len > sizeof to->sa || !arguments_are_there(buf, size))
		return fake_refuse(EINVAL);
	return put(f, buf, size);
}

static ssize_t
fake_write_frame(struct sockd_writer w, const struct sockd_framing *framing, const void *buf, size_t size)
{
	unsigned char head[FRAME_HEAD_MAX], delimiter;
	struct iovec parts[3] = { { head, 0 }, { (void *)(uintptr_t)buf, size }, { &delimiter, 0 } };
	bool datagram = fake_is_datagram(fake_of(w.ref));
	int r = arguments_are_there(buf, size) ? frame_check(framing) : -EINVAL;

	if (r == 0 && datagram && framing->limit != 0 && size > framing->limit)
		r = -EMSGSIZE;
	if (r == 0 && !datagram)
		r = frame_check_message(framing, buf, size);
	if (r == 0 && !datagram)
		r = frame_head(framing, size, head);
	if (r < 0)
		return fake_refuse(-r);
	parts[0].iov_len = (size_t)r;
	delimiter = framing->delimiter;
	parts[2].iov_len = !datagram && framing->kind == SOCKD_FRAME_DELIMITER && !framing->include_delimiter;
	return fake_writev(w, parts, 3) < 0 ? -1 : (ssize_t)size;
}

/* The file is read at once; in event style it needs room for all of it. */
static int64_t
fake_sendfile(struct sockd_writer w, int fd, int64_t offset, int64_t count)
{
	const struct sockd_fake *f = fake_usable(w.ref, 0);
	char buf[4096];
	int64_t total = 0;
	struct stat st;

	if (f == NULL)
		return -1;
	if (fake_is_datagram(f))
		return fake_refuse(ENOTSUP);
	if (f->write_closed || f->closing)
		return fake_refuse(EPIPE);
	if (offset < 0 || count < -1)
		return fake_refuse(EINVAL);
	if (fstat(fd, &st) < 0)
		return -1;
	if (!S_ISREG(st.st_mode))
		return fake_refuse(EINVAL);
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
	if (!fake_on_fiber(f))
		return fake_refuse(EDEADLK);
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
	if (fake_is_datagram(f))
		return fake_refuse(ENOTSUP);
	f->write_closed = true;
	return 0;
}

/* What is there and fits. */
static ssize_t
move(struct sockd_fake *to, struct sockd_fake *from)
{
	size_t n;

	if (to == NULL || from == NULL)
		return -1;
	if (!fake_has_input(from))
		return 0;
	n = fake_input_size(from);
	if (n > room(to) && !fake_is_datagram(from)) {
		to->armed = true;
		n = room(to);
	}
	if (n == 0 && !fake_is_datagram(from))
		return 0;
	if (put(to, from->in.bytes, n) < 0)
		return -1;
	fake_take_input(from, NULL, n);
	return (ssize_t)n;
}

static ssize_t
fake_move(struct sockd_writer w, struct sockd_reader r)
{
	struct sockd_fake *to = fake_usable(w.ref, SOCKD_FAKE_WRITE);

	if (to == NULL)
		return -1;
	if (sockd_null(r))
		return fake_refuse(EBADF);
	return move(to, fake_reader_of(r, SOCKD_FAKE_READ));
}

static int64_t
fake_copy(struct sockd_writer w, struct sockd_reader r)
{
	int64_t total = 0;

	if (fake_flush(w) < 0)
		return -1;
	if (sockd_null(r))
		return fake_refuse(EBADF);
	for (;;) {
		struct sockd_fake *from = fake_reader_of(r, 0);
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
		n = move(fake_usable(fake_conn_ref(d->to), SOCKD_FAKE_WRITE),
			fake_usable(fake_conn_ref(d->from), SOCKD_FAKE_READ));
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

static int64_t
carry_both(struct sockd_conn a, struct sockd_conn b)
{
	struct sockd_fake *x = fake_of(a.ref), *y = fake_of(b.ref);
	struct direction there = { .from = x, .to = y }, back = { .from = y, .to = x };

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

int64_t
fake_relay(struct sockd_conn a, struct sockd_conn b)
{
	struct sockd_fake *x = fake_usable(a.ref, SOCKD_FAKE_READ), *y;
	int64_t total;

	if (x == NULL)
		return -1;
	if (fake_is_of_datagrams(x))
		return fake_refuse(ENOTSUP);
	if (sockd_null(b))
		return fake_refuse(EBADF);
	y = fake_usable(b.ref, SOCKD_FAKE_READ);
	if (y == NULL)
		return -1;
	if (!fake_on_fiber(x) || x == y)
		return fake_refuse(x == y && fake_on_fiber(x) ? EINVAL : EDEADLK);
	if (fake_is_datagram(x) || fake_is_datagram(y))
		return fake_refuse(ENOTSUP);
	if (x->relayed || y->relayed || x->awaited || y->awaited)
		return fake_refuse(EBUSY);
	x->relayed = y->relayed = true;
	total = carry_both(a, b);
	x->relayed = y->relayed = false;
	return total;
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
