/* What is read ahead stands in the bufferevent's input, where a plain read takes it from. A fiber may ask for
 * more than the read buffer holds: it names what it will take, so the bound is its own. */
#include "engine/stream_ahead.h"

#include <errno.h>
#include <event2/buffer.h>

#include "engine/conn_wait.h"
#include "engine/strand.h"
#include "engine/stream.h"

static bool
cannot_wait(const struct conn *c)
{
	return strand_here(conn_loop(c)) == NULL;
}

/* One read into the input. @return as stream_recv(), or -ENOMEM */
static ssize_t
read_ahead(struct conn *c, size_t want)
{
	size_t held = stream_unread(c), most = (size_t)conn_cfg(c)->read_buffer;
	ssize_t n;

	/* whoever takes the bytes may want them */
	c->keeps_rights |= c->transport == CFG_UNIX && listener_takes_fds(c->scope->listener);
	most = (most > want ? most : want) - held;
	n = stream_recv(c, conn_loop(c)->buffer, most < LOOP_BUFFER_SIZE ? most : LOOP_BUFFER_SIZE);
	if (n > 0 && stream_keep(c, conn_loop(c)->buffer, (size_t)n) < 0) {
		conn_fail(c, ENOMEM);
		return -ENOMEM;
	}
	return n;
}

int
stream_fill(struct conn *c, size_t want)
{
	while (stream_unread(c) < want) {
		ssize_t n = -EAGAIN;
		int r;

		if (c->read_closed || c->fin_read)
			return 0;
		if (cannot_wait(c))
			return c->state != CONN_OPEN                     ? -ECANCELED
			       : want > (size_t)conn_cfg(c)->read_buffer ? -EMSGSIZE
									 : -EAGAIN;
		if (c->reader != NULL)
			return -EBUSY;
		if (c->state == CONN_OPEN && loop_share_is_spent(conn_loop(c))) {
			r = conn_yield_input(c);
			if (r < 0)
				return r;
			continue;
		}
		if (c->state == CONN_OPEN && (stream_may_read(c) || c->end_given))
			n = read_ahead(c, want);
		if (n > 0)
			continue;
		if (n == 0 || (c->end_given && c->state == CONN_OPEN))
			return 0;
		r = n != -EAGAIN ? (int)n : conn_wait_input(c);
		if (r < 0)
			return r;
	}
	return 1;
}

const void *
stream_look(struct conn *c, size_t size)
{
	const struct loop *loop = conn_loop(c);
	size_t unread = stream_unread(c);

	if (loop->view_owner == c)
		return unread > 0 ? loop->view : NULL;
	if (unread == 0)
		return NULL;
	return evbuffer_pullup(bufferevent_get_input(c->bev), (ssize_t)(size < unread ? size : unread));
}
