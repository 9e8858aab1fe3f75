/* A message counts for the thread of the sender's handler on the loop that it goes to, from before it is sent
 * until its function has run: a handler that is to stop refuses more, and waits for those. */
#include "engine/post.h"

#include <errno.h>

#include "control/watch.h"
#include "engine/api.h"
#include "engine/conn.h"
#include "engine/engine_private.h"

enum { POSTS_MAX = 100000 }; /* that wait on one loop */

struct post {
	struct mail mail;
	struct handler_thread *thread;
	uint64_t id;
	sockd_post_fn to_conn; /* one of the two */
	sockd_timer_fn to_thread;
	void *arg;
};

static void
post_deliver(struct loop *loop, struct mail *mail)
{
	struct post *p = container_of(mail, struct post, mail);
	struct handler_thread *t = p->thread;
	uint32_t watch = instance_watch(t->handler->instance);

	if (p->to_conn != NULL) {
		const struct conn *c = conn_ids_find(&loop->conn_ids, p->id);
		bool lives = c != NULL && c->state != CONN_ENDING;

		WATCHED(watch, WATCH_POST, lives ? c->id : 0,
			p->to_conn(lives ? api_conn(c) : (struct sockd_conn){ 0 }, p->arg));
	} else {
		WATCHED(watch, WATCH_POST, 0, p->to_thread(handler_thread_host(t), p->arg));
	}
	free(p);
	atomic_fetch_sub(&loop->posts, 1);
	atomic_fetch_sub(&t->posts, 1);
	handler_thread_changed(t);
}

static int
post_send(struct handler_thread *t, const struct post *from)
{
	struct loop *loop = t->loop;
	struct post *p = malloc(sizeof *p);
	int r = p == NULL ? -ENOMEM : 0;

	atomic_fetch_add(&t->posts, 1);
	if (r == 0 && atomic_load(&t->refuses_posts))
		r = -ESRCH;
	if (r == 0 && atomic_fetch_add(&loop->posts, 1) >= POSTS_MAX) {
		atomic_fetch_sub(&loop->posts, 1);
		r = -EAGAIN;
	}
	if (r == 0) {
		*p = *from;
		p->mail.deliver = post_deliver;
		p->thread = t;
		if (mailbox_send(&loop->mailbox, &p->mail) == 0)
			return 0;
		atomic_fetch_sub(&loop->posts, 1);
		r = -ESRCH;
	}
	atomic_fetch_sub(&t->posts, 1);
	free(p);
	return r;
}

int
post_to_conn(struct engine *engine, struct handler *sender, uint64_t id, sockd_post_fn fn, void *arg)
{
	uint64_t loop = id >> 48, serial = id & ((UINT64_C(1) << 48) - 1);

	if (loop >= engine->loop_count || serial == 0 ||
		serial > atomic_load_explicit(&engine->loops[loop]->next_conn, memory_order_relaxed))
		return -ESRCH;
	return post_send(&sender->threads[loop], &(struct post){ .id = id, .to_conn = fn, .arg = arg });
}

int
post_to_thread(struct handler_thread *t, sockd_timer_fn fn, void *arg)
{
	return post_send(t, &(struct post){ .to_thread = fn, .arg = arg });
}
