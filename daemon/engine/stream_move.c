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

ssize_t
stream_move(struct conn *to, struct conn *from)
{
	size_t unread = stream_unread(from), room = stream_room(to), size = unread < room ? unread : room;
	ssize_t moved;

	if (size < unread)
		to->blocked = from->blocked = true;
	if (size == 0)
		return 0;
	if (stream_has_view(from)) {
		struct iovec iov = { .iov_base = (void *)(uintptr_t)conn_loop(from)->view, .iov_len = size };
		int r = stream_write(to, &iov, 1, size);

		if (r < 0)
			return r;
		return (ssize_t)stream_drop(from, size); /* the pump is at work and will arm it */
	}
	moved = to->tls != NULL ? stream_move_tls(to, from, size) : stream_move_chains(to, from, size);
	stream_arm(from);
	return moved;
}
