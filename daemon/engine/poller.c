/* A registration can outlive its connection, by a moment where a child was forked and has not called exec()
 * yet, or for as long as a plugin keeps a duplicate of a socket that it dialled by its number: then the
 * kernel goes on to tell of the open socket. So it carries the reference of a slab's slot, whose generation
 * says whether that connection lives. A later one that gets the descriptor's number is registered on its own,
 * as another socket; where it is the same one again, it takes the registration over. */
#include "engine/poller.h"

#include <errno.h>
#include <sys/epoll.h>
#include <unistd.h>

#include "engine/conn.h"
#include "engine/stream.h"

enum { EDGES_MAX = 256 };

/* Connections end in the loop's frame, so none of this batch ends meanwhile. */
static void
poller_on_ready(evutil_socket_t fd, short what, void *arg)
{
	struct loop *loop = arg;
	struct epoll_event edges[EDGES_MAX];
	int count = epoll_wait((int)fd, edges, EDGES_MAX, 0);

	(void)what; /* EV_READ */
	for (int i = 0; i < count; i++) {
		struct conn *c = slab_find(&loop->conns, edges[i].data.u64);

		if (c != NULL)
			stream_on_edge(c, (edges[i].events & ~(uint32_t)EPOLLIN) != 0);
	}
}

int
poller_init(struct poller *p, struct loop *loop, struct err *e)
{
	p->fd = epoll_create1(EPOLL_CLOEXEC);
	if (p->fd < 0)
		return err_errno(e, "cannot create the epoll of event loop %u", loop->index);
	event_assign(&p->event, loop->base, p->fd, EV_READ | EV_PERSIST, poller_on_ready, loop);
	if (event_add(&p->event, NULL) < 0)
		return err_set(e, -ENOMEM, "cannot watch the epoll of event loop %u", loop->index);
	return 0;
}

void
poller_fini(struct poller *p)
{
	if (event_initialized(&p->event))
		event_del(&p->event);
	if (p->fd >= 0)
		close(p->fd);
	*p = (struct poller){ .fd = -1 };
}

int
poller_watch(struct poller *p, const struct conn *c)
{
	struct epoll_event edge = { .events = EPOLLIN | EPOLLRDHUP | EPOLLPRI | EPOLLET,
		.data.u64 = ref_make(conn_loop(c)->index, REF_CONN, c->slot.index, c->slot.generation) };

	if (epoll_ctl(p->fd, EPOLL_CTL_ADD, c->fd, &edge) == 0)
		return 0;
	return errno == EEXIST && epoll_ctl(p->fd, EPOLL_CTL_MOD, c->fd, &edge) == 0 ? 0 : -errno;
}
