/* The bufferevent of a connection. Most of them never have one: what is read is taken at once from the loop's
 * buffer, and the socket takes what is written. So it is made when there is the first byte to keep, which
 * saves three fifths of an idle connection's memory, and three allocations of one that comes and goes. */
#include <errno.h>
#include <event2/buffer.h>

#include "engine/stream_private.h"

enum { MAX_SINGLE_WRITE = 256 * 1024 };

static void
stream_on_written(struct bufferevent *bev, void *arg)
{
	(void)bev; /* the connection's */
	stream_make_room(arg);
}

static void
stream_on_error(struct bufferevent *bev, short what, void *arg)
{
	(void)bev, (void)what; /* EV_READ is off: only a failed write comes here */
	conn_fail(arg, errno);
}

static struct bufferevent *
stream_buffers(struct conn *c)
{
	if (c->bev != NULL)
		return c->bev;
	c->bev = bufferevent_socket_new(conn_loop(c)->base, c->fd, 0);
	if (c->bev == NULL)
		return NULL;
	bufferevent_set_max_single_write(c->bev, MAX_SINGLE_WRITE);
	bufferevent_setwatermark(c->bev, EV_WRITE, (size_t)conn_cfg(c)->write_buffer / 2, 0);
	bufferevent_setcb(c->bev, NULL, stream_on_written, stream_on_error, c);
	if (c->pace != NULL)
		bufferevent_disable(c->bev, EV_WRITE); /* what is left goes out at its pace */
	return c->bev;
}

struct evbuffer *
stream_input(struct conn *c)
{
	struct bufferevent *bev = stream_buffers(c);

	return bev != NULL ? bufferevent_get_input(bev) : NULL;
}

struct evbuffer *
stream_output(struct conn *c)
{
	struct bufferevent *bev = stream_buffers(c);

	return bev != NULL ? bufferevent_get_output(bev) : NULL;
}

void
stream_free_buffers(struct conn *c)
{
	if (c->bev == NULL)
		return;
	bufferevent_disable(c->bev, EV_WRITE);
	bufferevent_free(c->bev);
}
