/* From one connection to another without the plugin's memory between. What the pump has just read is written
 * from where it lies; what was kept changes hands in whole chains, or is read where it lies if it has to be
 * encrypted. */
#include <errno.h>
#include <event2/buffer.h>

#include "engine/stream_private.h"

/* Chains change hands without being copied; the flush is the bufferevent's. */
static ssize_t
stream_move_chains(struct conn *to, struct conn *from, size_t size)
{
	bool was_empty = stream_pending_bytes(to) == 0;
	struct evbuffer *output = stream_output(to);
	int n = output != NULL ? evbuffer_remove_buffer(stream_input(from), output, size) : -1;

	if (n < 0)
		return -ENOMEM;
	stream_count_queued(to, (size_t)n);
	if (was_empty && n > 0)
		stream_watch_output(to);
	return n;
}

/* To be encrypted, so read where it lies and dropped. */
static ssize_t
stream_move_tls(struct conn *to, struct conn *from, size_t size)
{
	struct evbuffer *input = stream_input(from);
	size_t moved = 0;

	while (moved < size) {
		struct iovec iov;
		int r;

		if (evbuffer_peek(input, -1, NULL, (struct evbuffer_iovec *)&iov, 1) < 1)
			break;
		if (iov.iov_len > size - moved)
			iov.iov_len = size - moved;
		r = stream_write(to, &iov, 1, iov.iov_len);
		if (r < 0)
			return r;
		evbuffer_drain(input, iov.iov_len);
		moved += iov.iov_len;
	}
	return (ssize_t)moved;
}

/* From the loop's buffer: the pump is at work, and will arm it. */
static ssize_t
stream_move_view(struct conn *to, struct conn *from, size_t size)
{
	struct iovec iov = { .iov_base = (void *)(uintptr_t)conn_loop(from)->view, .iov_len = size };
	int r = stream_write(to, &iov, 1, size);

	return r < 0 ? r : (ssize_t)stream_drop(from, size);
}

static ssize_t
stream_move_some(struct conn *to, struct conn *from, size_t size)
{
	ssize_t n;

	if (stream_has_view(from))
		return stream_move_view(to, from, size);
	n = to->tls != NULL ? stream_move_tls(to, from, size) : stream_move_chains(to, from, size);
	stream_resume(from);
	return n;
}

/* What is left behind has to be waited for: so it goes on while there is room, which a socket that takes all
 * at once never tells of. */
ssize_t
stream_move(struct conn *to, struct conn *from)
{
	ssize_t moved = 0, n = 1;

	while (n > 0) {
		size_t unread = stream_unread(from), room = stream_room(to);

		if (unread == 0)
			return moved;
		if (room == 0)
			break;
		n = stream_move_some(to, from, unread < room ? unread : room);
		if (n < 0)
			return n;
		moved += n;
	}
	to->blocked = from->blocked = true;
	return moved;
}
