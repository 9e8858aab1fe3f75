/* What is told of a stream can outlive its connection, by a moment where a child was forked and has not
 * called exec() yet, or for as long as a plugin keeps a duplicate of a socket that it dialled by its number:
 * then the kernel goes on to tell of the open socket. So it carries the reference of a slab's slot, whose
 * generation says whether that connection lives. A later one that gets the descriptor's number is registered
 * on its own, as another socket; where it is the same one again, it takes the registration over.
 *
 * A watch is named by its address, a stream by its slot and generation, with the highest bit to tell it from
 * an address. */
#include "engine/poller.h"

#include <assert.h>
#include <errno.h>
#include <unistd.h>

#include "engine/conn.h"
#include "engine/stream.h"

enum { BATCH_MAX = 256 };

static const uint64_t STREAM = (uint64_t)1 << 63;

static uint64_t
name_of_watch(const struct poller_watch *w)
{
	return (uint64_t)(uintptr_t)w;
}

static void
tell(struct loop *loop, const struct epoll_event *event)
{
	struct poller_watch *w = (struct poller_watch *)(uintptr_t)event->data.u64;
	struct conn *c;

	if ((event->data.u64 & STREAM) == 0) {
		if (w != NULL)
			w->ready(w);
		return;
	}
	c = slab_find(&loop->conns, event->data.u64);
	if (c != NULL)
		stream_on_edge(c, (event->events & ~(uint32_t)EPOLLIN) != 0);
}

/* Connections end in the loop's frame, so none of a batch ends meanwhile; a watch may. */
void
poller_wait(struct poller *p, struct loop *loop, int timeout_ms)
{
	struct epoll_event batch[BATCH_MAX];

	p->due = false;
	p->batch = batch;
	p->count = epoll_wait(p->fd, batch, BATCH_MAX, timeout_ms);
	for (p->at = 0; p->at < p->count; p->at++)
		tell(loop, &batch[p->at]);
	p->batch = NULL;
	p->count = 0;
}

static void
poller_on_ready(evutil_socket_t fd, short what, void *arg)
{
	struct poller *p = arg;

	(void)fd, (void)what; /* the poller's, and EV_READ */
	p->due = true;
}

int
poller_init(struct poller *p, struct loop *loop, struct err *e)
{
	p->fd = epoll_create1(EPOLL_CLOEXEC);
	if (p->fd < 0)
		return err_errno(e, "cannot create the epoll of event loop %u", loop->index);
	event_assign(&p->event, loop->base, p->fd, EV_READ | EV_PERSIST, poller_on_ready, p);
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

static int
add(struct poller *p, int fd, uint64_t name)
{
	struct epoll_event event = { .events = EPOLLIN, .data.u64 = name };

	return epoll_ctl(p->fd, EPOLL_CTL_ADD, fd, &event) < 0 ? -errno : 0;
}

int
poller_try(struct poller *p, int fd)
{
	int r = add(p, fd, 0);

	if (r == 0)
		(void)epoll_ctl(p->fd, EPOLL_CTL_DEL, fd, NULL); /* it was just put in */
	return r == -EEXIST ? 0 : r;
}

int
poller_watch(struct poller *p, struct poller_watch *w)
{
	int r = w->watched ? 0 : add(p, w->fd, name_of_watch(w));

	if (r == 0)
		w->watched = true;
	return r;
}

void
poller_unwatch(struct poller *p, struct poller_watch *w)
{
	int rc;

	if (!w->watched)
		return;
	w->watched = false;
	rc = epoll_ctl(p->fd, EPOLL_CTL_DEL, w->fd, NULL);
	assert(rc == 0); /* it is in there; closing comes later, as others may have the socket too */
	(void)rc;
	for (int i = p->at + 1; i < p->count; i++)
		if (p->batch[i].data.u64 == name_of_watch(w))
			p->batch[i].data.u64 = 0;
}

int
poller_watch_stream(struct poller *p, const struct conn *c)
{
	struct epoll_event edge = { .events = EPOLLIN | EPOLLRDHUP | EPOLLPRI | EPOLLET,
		.data.u64 = STREAM | ref_make(0, REF_CONN, c->slot.index, c->slot.generation) };

	if (epoll_ctl(p->fd, EPOLL_CTL_ADD, c->fd, &edge) == 0)
		return 0;
	return errno == EEXIST && epoll_ctl(p->fd, EPOLL_CTL_MOD, c->fd, &edge) == 0 ? 0 : -errno;
}
