/* What the files of a stream's bytes know of each other. Nothing but stream*.c includes this. */
#ifndef ENGINE_STREAM_PRIVATE_H
#define ENGINE_STREAM_PRIVATE_H

#include "engine/stream.h"

static inline struct evbuffer *
stream_input(const struct conn *c)
{
	return bufferevent_get_input(c->bev);
}

static inline struct evbuffer *
stream_output(const struct conn *c)
{
	return bufferevent_get_output(c->bev);
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
