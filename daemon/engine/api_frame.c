/* Everything here fills the input first and takes second, so that a call that fails by a timeout has taken
 * nothing, and can be repeated. */
#include "engine/api_frame.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "engine/api.h"
#include "engine/arguments.h"
#include "engine/conn_wait.h"
#include "engine/frame.h"
#include "engine/stream.h"
#include "engine/stream_ahead.h"

enum { PRINTF_SMALL = 512 };

/* ---- reading ---- */

/* Bytes up to and with the delimiter among the first @p have, 0: it is not there. */
static size_t
find_end(const unsigned char *bytes, size_t have, size_t searched, const void *delimiter, size_t size)
{
	const unsigned char *found;

	searched = searched >= size ? searched - size + 1 : 0;
	found = have > searched ? memmem(bytes + searched, have - searched, delimiter, size) : NULL;
	return found != NULL ? (size_t)(found - bytes) + size : 0;
}

ssize_t
stream_read_until(struct sockd_reader r, const void *delimiter, size_t delimiter_size, void *buf, size_t size)
{
	struct conn *c = api_find_input(r.ref, "sockd_read_until");
	size_t searched = 0;

	if (c == NULL)
		return -1;
	if (delimiter == NULL || delimiter_size == 0 || buf == NULL || size == 0)
		return api_fail(-EINVAL);
	for (;;) {
		size_t have = stream_unread(c) < size ? stream_unread(c) : size, end = 0;
		int filled;

		if (have > searched)
			end = find_end(stream_look(c, have), have, searched, delimiter, delimiter_size);
		searched = have;
		if (end == 0 && have == size)
			return api_fail(-EMSGSIZE);
		filled = end > 0 ? 1 : stream_fill(c, have + 1);
		if (filled < 0)
			return api_fail(filled);
		if (end == 0 && filled > 0)
			continue;
		end = stream_take(c, buf, end > 0 ? end : have);
		stream_resume(c);
		return (ssize_t)end;
	}
}

static int
take_frame(struct conn *c, const struct frame_span *span, void *buf, size_t *ret_size)
{
	stream_drop(c, span->before);
	stream_take(c, buf, span->size);
	stream_drop(c, span->after);
	stream_resume(c);
	*ret_size = span->size;
	return 1;
}

int
stream_read_frame(
	struct sockd_reader r, const struct sockd_framing *f, void *buf, size_t size, size_t *ret_size)
{
	struct conn *c = api_find_input(r.ref, "sockd_read_frame");
	size_t searched = 0;

	if (c == NULL)
		return -1;
	if (frame_check(f) < 0 || !arguments_can_receive(buf, size, ret_size))
		return api_fail(-EINVAL);
	for (;;) {
		size_t have = stream_unread(c);
		struct frame_span span;
		int found = frame_find(f, frame_most(f, size), stream_look(c, have), have, searched, &span);

		if (found > 0)
			return take_frame(c, &span, buf, ret_size);
		searched = have;
		if (found == 0)
			found = stream_fill(c, span.need);
		if (found < 0)
			return api_fail(found);
		if (found == 0)
			return stream_unread(c) == 0 ? 0 : api_fail(-EPIPE);
	}
}

ssize_t
stream_peek(struct sockd_reader r, const void **ret_data, size_t want)
{
	struct conn *c = api_find_input(r.ref, "sockd_peek");
	int filled;

	if (c == NULL)
		return -1;
	if (ret_data == NULL || want > (size_t)conn_cfg(c)->read_buffer)
		return api_fail(ret_data == NULL ? -EINVAL : -EMSGSIZE);
	filled = stream_fill(c, want);
	if (filled < 0)
		return api_fail(filled);
	*ret_data = stream_look(c, stream_unread(c));
	if (*ret_data == NULL)
		*ret_data = ""; /* so that nobody has to ask for NULL before memcpy() */
	return (ssize_t)stream_unread(c);
}

/* ---- writing ---- */

int
any_vprintf(struct sockd_writer w, const char *format, va_list args)
{
	char small[PRINTF_SMALL];
	auto_of(mem) char *large = NULL;
	va_list again;
	int n;

	va_copy(again, args);
	n = vsnprintf(small, sizeof small, format, args);
	if (n >= (int)sizeof small) {
		large = malloc((size_t)n + 1);
		if (large != NULL)
			vsnprintf(large, (size_t)n + 1, format, again);
	}
	va_end(again);
	if (n < 0 || (n >= (int)sizeof small && large == NULL))
		return api_fail(n < 0 ? -EINVAL : -ENOMEM);
	return (int)sockd_write(w, large != NULL ? large : small, (size_t)n);
}

ssize_t
stream_write_frame(struct sockd_writer w, const struct sockd_framing *f, const void *buf, size_t size)
{
	unsigned char head[FRAME_HEAD_MAX], delimiter;
	struct iovec parts[3] = { { head, 0 }, { (void *)(uintptr_t)buf, size }, { &delimiter, 0 } };
	int r = arguments_are_there(buf, size) ? frame_check(f) : -EINVAL;

	if (r == 0)
		r = frame_check_message(f, buf, size);
	if (r == 0)
		r = frame_head(f, size, head);
	if (r < 0)
		return api_fail(r);
	parts[0].iov_len = (size_t)r;
	delimiter = f->delimiter;
	parts[2].iov_len = f->kind == SOCKD_FRAME_DELIMITER && !f->include_delimiter;
	return sockd_writev(w, parts, 3) < 0 ? -1 : (ssize_t)size;
}

ssize_t
datagram_write_frame(struct sockd_writer w, const struct sockd_framing *f, const void *buf, size_t size)
{
	int r = frame_check(f);

	if (r == 0 && f->limit != 0 && size > f->limit)
		r = -EMSGSIZE;
	return r < 0 ? api_fail(r) : sockd_write(w, buf, size);
}
