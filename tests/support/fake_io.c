/* The reading half of the fakes. A fiber that would have to wait for input waits only if the client stays:
 * else that has said all that it will say, and the end follows. */
#include "fake.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "engine/arguments.h"
#include "engine/frame.h"

int
fake_queue_put(struct fake_queue *q, const void *bytes, size_t size)
{
	char *more = realloc(q->bytes, q->size + size + 1);
	size_t *sizes;

	if (more == NULL)
		return -1;
	q->bytes = more;
	sizes = realloc(q->sizes, (q->count + 1) * sizeof *sizes);
	if (sizes == NULL)
		return -1;
	q->sizes = sizes;
	if (size > 0)
		memcpy(q->bytes + q->size, bytes, size);
	q->size += size;
	q->sizes[q->count++] = size;
	return 0;
}

void
fake_queue_take(struct fake_queue *q, bool datagram, void *buf, size_t size, size_t drop)
{
	if (buf != NULL && size > 0)
		memcpy(buf, q->bytes, size);
	if (drop > 0)
		memmove(q->bytes, q->bytes + drop, q->size - drop);
	q->size -= drop;
	if (datagram && q->count > 0)
		memmove(q->sizes, q->sizes + 1, --q->count * sizeof *q->sizes);
}

void
fake_queue_fini(struct fake_queue *q)
{
	free(q->bytes);
	free(q->sizes);
	*q = (struct fake_queue){ 0 };
}

int
fake_refuse(int error)
{
	errno = error;
	return -1;
}

int
fake_fails(struct sockd_fake *f, int call)
{
	if (f->fail[call].count == 0)
		return 0;
	if (f->fail[call].skip > 0) {
		f->fail[call].skip--;
		return 0;
	}
	f->fail[call].count--;
	errno = f->fail[call].error;
	return -1;
}

struct sockd_fake *
fake_usable(uint64_t ref, int call)
{
	struct sockd_fake *f = fake_of(ref);

	if (f->root->in_work || !fake_is_current(ref) || f->gone) {
		errno = f->root->in_work ? EXDEV : EBADF;
		return NULL;
	}
	if (f->broken && call != 0) {
		errno = ECONNRESET;
		return NULL;
	}
	return call != 0 && fake_fails(f, call) < 0 ? NULL : f;
}

struct sockd_fake *
fake_reader_of(struct sockd_reader r, int call)
{
	struct sockd_fake *f = fake_usable(r.ref, call);

	if (f == NULL || !f->relayed)
		return f;
	errno = EBUSY;
	return NULL;
}

bool
fake_has_input(const struct sockd_fake *f)
{
	if (f->read_closed)
		return false;
	if (fake_is_datagram(f))
		return f->one_datagram ? f->has_datagram : f->in.count > 0;
	return fake_input_size(f) > 0;
}

size_t
fake_input_size(const struct sockd_fake *f)
{
	if (f->read_closed)
		return 0;
	if (fake_is_datagram(f))
		return fake_has_input(f) ? f->in.sizes[0] : 0;
	return f->segment == 0 || f->arrived > f->in.size ? f->in.size : f->arrived;
}

bool
fake_more_arrives(struct sockd_fake *f)
{
	if (fake_is_datagram(f) || f->segment == 0 || f->arrived >= f->in.size)
		return false;
	f->arrived += f->segment;
	return true;
}

bool
fake_input_is_over(const struct sockd_fake *f)
{
	return f->read_closed || f->ended || !f->stays || f->root->drain_ms > 0;
}

int
fake_more_input(struct sockd_fake *f)
{
	int waited;

	if (fake_more_arrives(f))
		return 1;
	if (!fake_on_fiber(f)) {
		if (f->ended || f->read_closed)
			return 0;
		errno = EAGAIN;
		return -1;
	}
	if (fake_is_cancelled(f)) {
		errno = ECANCELED;
		return -1;
	}
	if (fake_input_is_over(f))
		return 0;
	if (f->awaited)
		return fake_refuse(EBUSY);
	f->awaited = true;
	waited = fake_wait(f, &f->in, SOCKD_FOREVER);
	f->awaited = false;
	if (waited < 0)
		return errno == ESHUTDOWN ? 0 : -1;
	if (!f->broken)
		return 1;
	errno = ECONNRESET;
	return -1;
}

void
fake_take_input(struct sockd_fake *f, void *buf, size_t size)
{
	bool datagram = fake_is_datagram(f);

	fake_queue_take(&f->in, datagram, buf, size, datagram ? f->in.sizes[0] : size);
	f->arrived -= f->arrived < size ? f->arrived : size;
	f->has_datagram = false;
	f->met = true;
}

/* Drop datagrams that are too large. @return -1 in event style, which is told of each */
static int
drop_large(struct sockd_fake *f, size_t size)
{
	while (fake_is_datagram(f) && fake_has_input(f) && fake_input_size(f) > size) {
		fake_take_input(f, NULL, 0);
		if (!fake_on_fiber(f)) {
			errno = EMSGSIZE;
			return -1;
		}
	}
	return 0;
}

/* As sockd_receive(), also for no bytes of a stream. */
static int
receive(struct sockd_fake *f, void *buf, size_t size, size_t *ret_size)
{
	size_t n;

	if (drop_large(f, size) < 0)
		return -1;
	while (!fake_has_input(f)) {
		int more = fake_more_input(f);

		if (more <= 0 || drop_large(f, size) < 0)
			return more <= 0 ? more : -1;
	}
	n = fake_input_size(f) < size ? fake_input_size(f) : size;
	fake_take_input(f, buf, n);
	*ret_size = n;
	return 1;
}

static int
fake_receive(struct sockd_reader r, void *buf, size_t size, size_t *ret_size)
{
	struct sockd_fake *f = fake_reader_of(r, SOCKD_FAKE_READ);

	if (f == NULL)
		return -1;
	if (!arguments_can_receive(buf, size, ret_size) || (size == 0 && !fake_is_datagram(f)))
		return fake_refuse(EINVAL);
	return receive(f, buf, size, ret_size);
}

static ssize_t
fake_read(struct sockd_reader r, void *buf, size_t size)
{
	struct sockd_fake *f = fake_reader_of(r, SOCKD_FAKE_READ);
	size_t n = 0;
	int result;

	if (f == NULL)
		return -1;
	if (!arguments_are_there(buf, size))
		return fake_refuse(EINVAL);
	if (size == 0 && !fake_is_datagram(f))
		return 0;
	result = receive(f, buf, size, &n);
	return result > 0 ? (ssize_t)n : result;
}

/* One datagram has to fill the buffer. */
static int
read_full_datagram(struct sockd_fake *f, void *buf, size_t size)
{
	size_t n = 0;
	int result = receive(f, buf, size, &n);

	return result > 0 && n < size ? fake_refuse(EPIPE) : result;
}

static int
fake_read_full(struct sockd_reader r, void *buf, size_t size)
{
	struct sockd_fake *f = fake_reader_of(r, SOCKD_FAKE_READ);

	if (f == NULL)
		return -1;
	if (!arguments_are_there(buf, size))
		return fake_refuse(EINVAL);
	if (fake_is_datagram(f))
		return read_full_datagram(f, buf, size);
	while (fake_input_size(f) < size) {
		int more = fake_more_input(f);

		if (more < 0 || (more == 0 && fake_input_size(f) == 0))
			return more;
		if (more == 0)
			return fake_refuse(EPIPE);
	}
	fake_take_input(f, buf, size);
	return 1;
}

/* A datagram is a message; a delimiter at its end is its mark. */
static int
fake_read_message(
	struct sockd_reader r, const struct sockd_framing *framing, void *buf, size_t size, size_t *ret_size)
{
	size_t n = 0;
	int result = fake_receive(r, buf, frame_most(framing, size), &n);

	if (result <= 0)
		return result;
	if (framing->kind == SOCKD_FRAME_DELIMITER && !framing->include_delimiter && n > 0 &&
		((const unsigned char *)buf)[n - 1] == framing->delimiter)
		n--;
	*ret_size = n;
	return 1;
}

static ssize_t
fake_read_until(struct sockd_reader r, const void *delimiter, size_t delimiter_size, void *buf, size_t size)
{
	struct sockd_fake *f = fake_reader_of(r, SOCKD_FAKE_READ);
	const char *found = NULL;
	int more = 1;
	size_t n;

	if (f == NULL)
		return -1;
	if (fake_is_datagram(f))
		return fake_refuse(ENOTSUP);
	if (delimiter == NULL || delimiter_size == 0 || buf == NULL || size == 0)
		return fake_refuse(EINVAL);
	do {
		n = fake_input_size(f);
		found = n > 0 ? memmem(f->in.bytes, n, delimiter, delimiter_size) : NULL;
		if (found != NULL)
			n = (size_t)(found - f->in.bytes) + delimiter_size;
		if (n > size || (found == NULL && n == size))
			return fake_refuse(EMSGSIZE);
		if (found == NULL && (more = fake_more_input(f)) < 0)
			return -1;
	} while (found == NULL && more > 0);
	if (n > 0)
		fake_take_input(f, buf, n);
	return (ssize_t)n;
}

static int
fake_read_frame(
	struct sockd_reader r, const struct sockd_framing *framing, void *buf, size_t size, size_t *ret_size)
{
	struct sockd_fake *f = fake_reader_of(r, SOCKD_FAKE_READ);
	struct frame_span span;
	int found = arguments_can_receive(buf, size, ret_size) ? frame_check(framing) : -EINVAL, more = 1;

	if (f == NULL)
		return -1;
	if (found == 0 && fake_is_datagram(f))
		return fake_read_message(r, framing, buf, size, ret_size);
	while (found == 0 && more > 0) {
		found = frame_find(
			framing, frame_most(framing, size), f->in.bytes, fake_input_size(f), 0, &span);
		if (found == 0)
			more = fake_more_input(f);
	}
	if (found < 0) {
		errno = -found;
		return -1;
	}
	if (more < 0)
		return -1;
	if (found == 0) {
		errno = EPIPE;
		return fake_input_size(f) == 0 ? 0 : -1;
	}
	fake_take_input(f, NULL, span.before);
	fake_take_input(f, buf, span.size);
	fake_take_input(f, NULL, span.after);
	*ret_size = span.size;
	return 1;
}

static ssize_t
fake_peek(struct sockd_reader r, const void **ret_data, size_t want)
{
	struct sockd_fake *f = fake_reader_of(r, SOCKD_FAKE_READ);

	if (f == NULL)
		return -1;
	if (ret_data == NULL || want > f->read_buffer)
		return fake_refuse(ret_data == NULL ? EINVAL : EMSGSIZE);
	while (!(fake_is_datagram(f) ? fake_has_input(f) : fake_input_size(f) >= want)) {
		int more = fake_more_input(f);

		if (more < 0)
			return -1;
		if (more == 0)
			break;
	}
	*ret_data = f->in.bytes;
	return (ssize_t)fake_input_size(f);
}

static ssize_t
fake_discard(struct sockd_reader r, size_t size)
{
	struct sockd_fake *f = fake_reader_of(r, 0);
	size_t n;

	if (f == NULL)
		return -1;
	n = fake_input_size(f);
	if (n > size && !fake_is_datagram(f))
		n = size;
	if (fake_has_input(f))
		fake_take_input(f, NULL, n);
	return (ssize_t)n;
}

static size_t
fake_readable(struct sockd_reader r)
{
	struct sockd_fake *f = fake_reader_of(r, 0);

	return f != NULL ? fake_input_size(f) : 0;
}

static int
fake_pause(struct sockd_reader r, bool paused)
{
	struct sockd_fake *f = fake_usable(r.ref, 0);

	if (f == NULL)
		return -1;
	f->paused = paused;
	return 0;
}

static int
fake_close_read(struct sockd_reader r)
{
	struct sockd_fake *f = fake_usable(r.ref, 0);

	if (f == NULL)
		return -1;
	if (fake_is_of_datagrams(f))
		return fake_refuse(ENOTSUP);
	f->read_closed = true;
	fake_wake_readers(f, 0);
	return 0;
}

const struct sockd_reader_ops fake_reader_ops = {
	.size = sizeof fake_reader_ops,
	.read = fake_read,
	.receive = fake_receive,
	.read_full = fake_read_full,
	.read_until = fake_read_until,
	.read_frame = fake_read_frame,
	.peek = fake_peek,
	.discard = fake_discard,
	.readable = fake_readable,
	.pause = fake_pause,
	.close_read = fake_close_read,
};
