/* A fiber's work lies on its stack, for it waits to the end. The other kind is allocated and hangs in its
 * estate, so that it learns when its scope ends before it does. */
#include "engine/offload.h"

#include <errno.h>

#include "control/watch.h"
#include "engine/api.h"
#include "engine/engine_private.h"
#include "engine/handler.h"

int
offload_begin(struct handler_thread *t, struct work *w)
{
	int r;

	w->loop = t->loop;
	r = pool_submit(t->loop->engine->pool, w);
	if (r < 0)
		return r;
	t->works++;
	t->loop->works++;
	return 0;
}

void
offload_end(struct handler_thread *t)
{
	t->works--;
	t->loop->works--;
	handler_thread_changed(t);
}

/* ---- a fiber waits ---- */

struct waited {
	struct work work;
	struct strand *strand;
	sockd_work_fn fn;
	void *arg;
	uint64_t conn;
	int result, error;
	bool done;
};

static void
waited_run(struct work *w)
{
	struct waited *o = container_of(w, struct waited, work);

	errno = 0;
	o->result = WATCHED_RESULT(
		instance_watch(o->strand->thread->handler->instance), WATCH_OFFLOAD, o->conn, o->fn(o->arg));
	o->error = errno;
}

static void
waited_deliver(struct loop *loop, struct mail *mail)
{
	struct waited *o = container_of(mail, struct waited, work.mail);

	(void)loop; /* the strand's */
	o->done = true;
	offload_end(o->strand->thread);
	strand_wake(o->strand);
}

int
offload_run(
	struct strand *self, const void *serial, sockd_work_fn fn, void *arg, int *ret_result, int *ret_errno)
{
	struct waited o = { .work = { .mail.deliver = waited_deliver, .serial = serial, .run = waited_run },
		.strand = self,
		.fn = fn,
		.arg = arg,
		.conn = self->conn != NULL ? self->conn->id : 0 };
	int r = self->cancelled ? -ECANCELED : offload_begin(self->thread, &o.work);

	while (r == 0 && !o.done)
		r = strand_wait(self, STRAND_WORKS, CLOCK_NEVER); /* nothing but that end ends it */
	*ret_result = o.result;
	*ret_errno = o.error;
	return r;
}

/* ---- a function follows ---- */

struct followed {
	struct work work;
	struct handler_thread *thread;
	struct estate *estate; /* NULL: the scope has ended */
	struct followed *next, **link;
	sockd_work_fn fn;
	sockd_done_fn done;
	void *arg;
	uint64_t conn;
	int result;
};

static void
followed_run(struct work *w)
{
	struct followed *o = container_of(w, struct followed, work);

	o->result = WATCHED_RESULT(
		instance_watch(o->thread->handler->instance), WATCH_OFFLOAD, o->conn, o->fn(o->arg));
}

static void
followed_unlink(struct followed *o)
{
	*o->link = o->next;
	if (o->next != NULL)
		o->next->link = o->link;
	o->estate = NULL;
}

static void
followed_deliver(struct loop *loop, struct mail *mail)
{
	struct followed *o = container_of(mail, struct followed, work.mail);
	struct sockd_host h = { 0 };
	uint64_t conn = 0;

	(void)loop; /* the thread's */
	if (o->estate != NULL) {
		h = estate_host(o->estate);
		conn = estate_conn_id(o->estate);
		followed_unlink(o);
	}
	WATCHED(instance_watch(o->thread->handler->instance), WATCH_OFFLOAD_DONE, conn,
		o->done(h, o->result, o->arg));
	offload_end(o->thread);
	free(o);
}

int
offload_then(struct estate *e, const void *serial, sockd_work_fn fn, sockd_done_fn done, void *arg)
{
	struct followed *o = mem_new(*o);
	int r;

	if (o == NULL)
		return -ENOMEM;
	*o = (struct followed){
		.work = { .mail.deliver = followed_deliver, .serial = serial, .run = followed_run },
		.thread = e->thread,
		.estate = e,
		.next = e->followed,
		.link = &e->followed,
		.fn = fn,
		.done = done,
		.arg = arg,
		.conn = estate_conn_id(e),
	};
	r = offload_begin(e->thread, &o->work);
	if (r < 0) {
		free(o);
		return r;
	}
	if (o->next != NULL)
		o->next->link = &o->next;
	e->followed = o;
	return 0;
}

void
offload_forget_scope(struct estate *e)
{
	while (e->followed != NULL)
		followed_unlink(e->followed);
}
