/* What the files of a stream's bytes know of each other. Nothing but stream*.c includes this. */
#ifndef ENGINE_STREAM_PRIVATE_H
#define ENGINE_STREAM_PRIVATE_H

#include <event2/buffer.h>

#include "engine/stream.h"
#include "engine/stream_splice.h"

/** What is unread and not in the view, and what the socket has not taken, to be added to: the bufferevent is
 * made when there is something to keep. NULL without memory, never where there is something in it. */
struct evbuffer *stream_input(struct conn *c);
struct evbuffer *stream_output(struct conn *c);

static inline size_t
stream_input_size(const struct conn *c)
{
	return c->bev != NULL ? evbuffer_get_length(bufferevent_get_input(c->bev)) : 0;
}

static inline size_t
stream_output_size(const struct conn *c)
{
	return c->bev != NULL ? evbuffer_get_length(bufferevent_get_output(c->bev)) : 0;
}

/** Bytes on their way out as they go over the wire. */
static inline size_t
stream_outgoing(const struct conn *c)
{
	return stream_output_size(c) + (c->pipe != NULL ? stream_spliced(c) : 0);
}

/** What it has unread lies in the loop's buffer. */
static inline bool
stream_has_view(const struct conn *c)
{
	return conn_loop(c)->view_owner == c;
}

/** What came in for the plugin, or to be thrown away. @return @p n */
ssize_t stream_count_read(struct conn *c, ssize_t n);

/** The output begins to hold something: the write timeout runs from here. */
void stream_watch_output(struct conn *c);

#endif
