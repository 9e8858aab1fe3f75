/* What crosses threads in sockd, on one thread: work runs within the call that hands it over, messages are
 * delivered in the next turn, in the order in which they were sent. */
#include "fake.h"

#include <errno.h>
#include <stdlib.h>

enum fake_message_kind { MESSAGE_POST, MESSAGE_THREAD, MESSAGE_DONE };

struct fake_message {
	struct fake_message *next;
	enum fake_message_kind kind;
	struct sockd_host host; /* THREAD, DONE */
	uint64_t conn_id;       /* POST; DONE: that of the scope, 0 for a thread's */
	union {
		sockd_post_fn post;
		sockd_timer_fn timer;
		sockd_done_fn done;
	} fn;
	int result;
	void *arg;
};

static int
enqueue(struct sockd_fake *root, const struct fake_message *message)
{
	struct fake_message *copy = malloc(sizeof *copy), **at = &root->messages;

	if (copy == NULL) {
		errno = EAGAIN;
		return -1;
	}
	*copy = *message;
	copy->next = NULL;
	while (*at != NULL)
		at = &(*at)->next;
	*at = copy;
	return 0;
}

/* The open connection with this id; NULL: it has ended. */
static struct sockd_fake *
find(struct sockd_fake *root, uint64_t id)
{
	for (struct sockd_fake *f = root; f != NULL; f = f->next_peer)
		if (f->open && f->id == id && !fake_is_of_datagrams(f))
			return f;
	return NULL;
}

static void
deliver(struct sockd_fake *root, const struct fake_message *m)
{
	struct sockd_fake *f = m->conn_id != 0 ? find(root, m->conn_id) : NULL;
	struct sockd_host nowhere = { NULL, 0 };

	switch (m->kind) {
	case MESSAGE_POST:
		m->fn.post(f != NULL ? sockd_fake_conn(f) : (struct sockd_conn){ NULL, 0 }, m->arg);
		break;
	case MESSAGE_THREAD:
		m->fn.timer(m->host, m->arg);
		break;
	case MESSAGE_DONE:
		m->fn.done(m->conn_id != 0 && f == NULL ? nowhere : m->host, m->result, m->arg);
		break;
	}
}

bool
fake_messages_deliver(struct sockd_fake *root)
{
	struct fake_message *m = root->messages, *next;
	bool any = m != NULL;

	root->messages = NULL; /* what is sent meanwhile waits for its turn */
	for (; m != NULL; m = next) {
		next = m->next;
		deliver(root, m);
		free(m);
	}
	return any;
}

static int
work(struct sockd_fake *root, sockd_work_fn fn, void *arg)
{
	int result;

	root->in_work = true;
	result = fn(arg);
	root->in_work = false;
	return result;
}

int
fake_offload(struct sockd_host h, const void *serial, sockd_work_fn fn, void *arg)
{
	struct sockd_fake *root = fake_scope_here(h);

	(void)serial; /* one after the other is all there is */
	if (root == NULL)
		return -1;
	root = root->root;
	if (fn == NULL || root->current == NULL)
		return fake_refuse(root->current == NULL ? EDEADLK : EINVAL);
	return fake_fails(root, SOCKD_FAKE_OFFLOAD) < 0 ? -1 : work(root, fn, arg);
}

int
fake_offload_then(struct sockd_host h, const void *serial, sockd_work_fn fn, sockd_done_fn done, void *arg)
{
	struct sockd_fake *f = fake_scope_of_loop(h);
	struct fake_message m = { .kind = MESSAGE_DONE, .host = h, .fn.done = done, .arg = arg };

	(void)serial;
	if (f == NULL)
		return -1;
	if (fn == NULL || done == NULL)
		return fake_refuse(EINVAL);
	m.conn_id = fake_is_conn_scope(h.ref) ? f->id : 0;
	if (fake_fails(f->root, SOCKD_FAKE_OFFLOAD) < 0)
		return -1;
	m.result = work(f->root, fn, arg);
	return enqueue(f->root, &m);
}

int
fake_post(struct sockd_host h, uint64_t conn_id, sockd_post_fn fn, void *arg)
{
	struct sockd_fake *root = fake_scope(h);
	const struct fake_message m = { .kind = MESSAGE_POST, .conn_id = conn_id, .fn.post = fn, .arg = arg };

	if (root == NULL)
		return -1;
	root = root->root;
	if (fn == NULL || find(root, conn_id) == NULL) {
		errno = fn == NULL ? EINVAL : ESRCH;
		return -1;
	}
	return fake_fails(root, SOCKD_FAKE_POST) < 0 ? -1 : enqueue(root, &m);
}

int
fake_post_thread(struct sockd_host h, sockd_timer_fn fn, void *arg)
{
	struct sockd_fake *root = fake_of(h.ref)->root;
	const struct fake_message m = { .kind = MESSAGE_THREAD, .host = h, .fn.timer = fn, .arg = arg };

	if (fn == NULL || (h.ref & (FAKE_SCOPE_CONN | FAKE_SCOPE_INSTANCE)) != 0) {
		errno = EINVAL;
		return -1;
	}
	return fake_fails(root, SOCKD_FAKE_POST) < 0 ? -1 : enqueue(root, &m);
}
