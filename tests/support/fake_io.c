/* The reading and writing half of the fakes. A call that would wait in serve() never does: there the client
 * has said all that it will say, so the end follows. */
#include "fake.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

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

static struct sockd_fake *
usable(uint64_t ref, int call)
{
	struct sockd_fake *f = fake_of(ref);

	if (!f->open || f->gone) {
		errno = EBADF;
		return NULL;
	}
	return call != 0 && fake_fails(f, call) < 0 ? NULL : f;
}

/* ---- reader ---- */

static bool
has_input(const struct sockd_fake *f)
{
	if (f->read_closed)
		return false;
	if (fake_is_datagram(f))
		return f->one_datagram ? f->has_datagram : f->in.count > 0;
	return f->in.size > 0;
}

static size_t
input_size(const struct sockd_fake *f)
{
	if (!has_input(f))
		return 0;
	return fake_is_datagram(f) ? f->in.sizes[0] : f->in.size;
}

/* Nothing is there: the end, or not yet. */
static int
no_input(const struct sockd_fake *f)
{
	if (f->in_serve || f->ended || f->read_closed)
		return 0;
	errno = EAGAIN;
	return -1;
}

static void
take_input(struct sockd_fake *f, void *buf, size_t size)
{
	bool datagram = fake_is_datagram(f);

	fake_queue_take(&f->in, datagram, buf, size, datagram ? f->in.sizes[0] : size);
	f->has_datagram = false;
}

static int
fake_receive(struct sockd_reader r, void *buf, size_t size, size_t *ret_size)
{
	struct sockd_fake *f = usable(r.ref, SOCKD_FAKE_READ);
	size_t n;

	if (f == NULL)
		return -1;
	while (has_input(f) && fake_is_datagram(f) && input_size(f) > size) {
		take_input(f, NULL, 0);
		if (!f->in_serve) {
			errno = EMSGSIZE;
			return -1;
		}
	}
	if (!has_input(f))
		return no_input(f);
	n = input_size(f) < size ? input_size(f) : size;
	take_input(f, buf, n);
	*ret_size = n;
	return 1;
}

static ssize_t
fake_read(struct sockd_reader r, void *buf, size_t size)
{
	size_t n = 0;
	int result = fake_receive(r, buf, size, &n);

	return result > 0 ? (ssize_t)n : result;
}

static int
fake_read_full(struct sockd_reader r, void *buf, size_t size)
{
	struct sockd_fake *f = usable(r.ref, SOCKD_FAKE_READ);

	if (f == NULL)
		return -1;
	if (input_size(f) >= size) {
		take_input(f, buf, size);
		return 1;
	}
	if (no_input(f) < 0)
		return -1;
	if (input_size(f) == 0)
		return 0;
	errno = EPIPE;
	return -1;
}

static ssize_t
fake_read_until(struct sockd_reader r, const void *delimiter, size_t delimiter_size, void *buf, size_t size)
{
	struct sockd_fake *f = usable(r.ref, SOCKD_FAKE_READ);
	const char *found;
	size_t n;

	if (f == NULL)
		return -1;
	n = input_size(f);
	found = n > 0 ? memmem(f->in.bytes, n, delimiter, delimiter_size) : NULL;
	if (found != NULL)
		n = (size_t)(found - f->in.bytes) + delimiter_size;
	if (n > size) {
		errno = EMSGSIZE;
		return -1;
	}
	if (found == NULL && no_input(f) < 0)
		return -1;
	if (n > 0)
		take_input(f, buf, n);
	return (ssize_t)n;
}

static ssize_t
fake_peek(struct sockd_reader r, const void **ret_data, size_t want)
{
	struct sockd_fake *f = usable(r.ref, SOCKD_FAKE_READ);

	if (f == NULL)
		return -1;
	if (want > f->read_buffer) {
		errno = EMSGSIZE;
		return -1;
	}
	if (input_size(f) < want && no_input(f) < 0)
		return -1;
	*ret_data = f->in.bytes;
	return (ssize_t)input_size(f);
}

static ssize_t
fake_discard(struct sockd_reader r, size_t size)
{
	struct sockd_fake *f = usable(r.ref, 0);
	size_t n;

	if (f == NULL)
		return -1;
	n = input_size(f);
	if (n > size && !fake_is_datagram(f))
		n = size;
	if (has_input(f))
		take_input(f, NULL, n);
	return (ssize_t)n;
}

static size_t
fake_readable(struct sockd_reader r)
{
	struct sockd_fake *f = usable(r.ref, 0);

	return f != NULL ? input_size(f) : 0;
}

static int
fake_pause(struct sockd_reader r, bool paused)
{
	struct sockd_fake *f = usable(r.ref, 0);

	if (f == NULL)
		return -1;
	f->paused = paused;
	return 0;
}

static int
fake_close_read(struct sockd_reader r)
{
	struct sockd_fake *f = usable(r.ref, 0);

	if (f == NULL)
		return -1;
	f->read_closed = true;
	return 0;
}

const struct sockd_reader_ops fake_reader_ops = {
	.size = sizeof fake_reader_ops,
	.read = fake_read,
	.receive = fake_receive,
	.read_full = fake_read_full,
	.read_until = fake_read_until,
	.peek = fake_peek,
	.discard = fake_discard,
	.readable = fake_readable,
	.pause = fake_pause,
	.close_read = fake_close_read,
};

/* ---- writer ---- */

static size_t
room(const struct sockd_fake *f)
{
	if (f->in_serve || fake_is_datagram(f))
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
	if (size > most && !(f->in_serve && !fake_is_datagram(f))) {
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
	struct sockd_fake *f = usable(w.ref, SOCKD_FAKE_WRITE);

	return f != NULL ? put(f, buf, size) : -1;
}

static ssize_t
fake_writev(struct sockd_writer w, const struct iovec *iov, int count)
{
	struct sockd_fake *f = usable(w.ref, SOCKD_FAKE_WRITE);
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

static int
fake_flush(struct sockd_writer w)
{
	struct sockd_fake *f = usable(w.ref, 0);

	if (f == NULL)
		return -1;
	if (!f->in_serve) {
		errno = EDEADLK;
		return -1;
	}
	return 0;
}

static size_t
fake_writable(struct sockd_writer w)
{
	struct sockd_fake *f = usable(w.ref, 0);

	return f != NULL ? room(f) : 0;
}

static int
fake_close_write(struct sockd_writer w)
{
	struct sockd_fake *f = usable(w.ref, 0);

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
	struct sockd_fake *f = usable(r.ref, SOCKD_FAKE_READ), *to = usable(w.ref, SOCKD_FAKE_WRITE);
	size_t n;

	if (f == NULL || to == NULL)
		return -1;
	if (!has_input(f))
		return 0;
	n = input_size(f);
	if (n > room(to)) {
		to->armed = true;
		n = room(to);
	}
	if (n == 0 && !fake_is_datagram(f))
		return 0;
	if (put(to, f->in.bytes, n) < 0)
		return -1;
	take_input(f, NULL, n);
	return (ssize_t)n;
}

static int64_t
fake_copy(struct sockd_writer w, struct sockd_reader r)
{
	int64_t total = 0;

	if (fake_flush(w) < 0)
		return -1;
	while (has_input(fake_of(r.ref))) {
		ssize_t n = fake_move(w, r);

		if (n < 0)
			return -1;
		total += n;
	}
	return total;
}

const struct sockd_writer_ops fake_writer_ops = {
	.size = sizeof fake_writer_ops,
	.write = fake_write,
	.writev = fake_writev,
	.vprintf = fake_vprintf,
	.write_to = fake_write_to,
	.flush = fake_flush,
	.writable = fake_writable,
	.close_write = fake_close_write,
	.copy = fake_copy,
	.move = fake_move,
};
