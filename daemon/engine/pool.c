/* Submitting pushes on a stack and posts a semaphore; the threads sort what they take into a queue under a
 * lock of their own. A ticket of the semaphore stands for one look at the queue: who finds only work whose
 * serial key is taken gives up, and whoever gives that key back posts another ticket.
 *
 * A loop waits for its works before it ends, so there is always somebody to deliver to. */
#include "engine/pool.h"

#include <errno.h>
#include <pthread.h>
#include <semaphore.h>
#include <stdlib.h>

#include "base/log.h"
#include "control/watch.h"
#include "engine/loop.h"

enum { POOL_THREADS = WATCH_POOL_THREADS, POOL_WAITING_MAX = 1024 };

struct pool {
	_Atomic(struct work *) submitted; /* a stack, taken whole */
	_Atomic unsigned unfinished, threads_made;
	_Atomic bool stopping;
	sem_t tickets;
	pthread_mutex_t lock; /* of what follows; never held while work runs */
	struct work *first, **last;
	const void *taken[POOL_THREADS]; /* serial keys of what runs */
	pthread_t threads[POOL_THREADS];
};

struct pool_thread {
	struct pool *pool;
	unsigned index;
};

int
pool_new(struct pool **ret, struct err *e)
{
	struct pool *p = mem_new(*p);

	if (p == NULL || sem_init(&p->tickets, 0, 0) < 0) {
		free(p);
		return err_set(e, -ENOMEM, "no memory for a pool of threads");
	}
	pthread_mutex_init(&p->lock, NULL);
	p->last = &p->first;
	*ret = p;
	return 0;
}

void
pool_free(struct pool *p)
{
	unsigned count;

	if (p == NULL)
		return;
	count = atomic_load(&p->threads_made);
	atomic_store(&p->stopping, true);
	for (unsigned i = 0; i < count; i++)
		sem_post(&p->tickets);
	for (unsigned i = 0; i < count; i++)
		pthread_join(p->threads[i], NULL);
	sem_destroy(&p->tickets);
	pthread_mutex_destroy(&p->lock);
	free(p);
}

/* Put what was submitted behind the queue, in the order of submitting. */
static void
pool_sort_in(struct pool *p)
{
	struct work *top = atomic_exchange_explicit(&p->submitted, NULL, memory_order_acquire);
	struct work *first = NULL, **last = p->last;

	while (top != NULL) {
		struct work *w = top;

		top = w->next;
		w->next = first;
		if (first == NULL)
			p->last = &w->next;
		first = w;
	}
	*last = first;
}

static bool
is_taken(const struct pool *p, const void *serial)
{
	for (unsigned i = 0; i < POOL_THREADS; i++)
		if (serial != NULL && p->taken[i] == serial)
			return true;
	return false;
}

static struct work *
pool_take(struct pool *p, unsigned thread)
{
	struct work *w = NULL;

	pthread_mutex_lock(&p->lock);
	pool_sort_in(p);
	for (struct work **at = &p->first; *at != NULL; at = &(*at)->next)
		if (!is_taken(p, (*at)->serial)) {
			w = *at;
			*at = w->next;
			if (p->last == &w->next)
				p->last = at;
			p->taken[thread] = w->serial;
			break;
		}
	pthread_mutex_unlock(&p->lock);
	return w;
}

static void
pool_give_back(struct pool *p, unsigned thread)
{
	bool others_wait;

	pthread_mutex_lock(&p->lock);
	others_wait = p->taken[thread] != NULL && p->first != NULL;
	p->taken[thread] = NULL;
	pthread_mutex_unlock(&p->lock);
	if (others_wait)
		sem_post(&p->tickets);
}

static void *
pool_main(void *arg)
{
	struct pool_thread self = *(struct pool_thread *)arg;
	struct pool *p = self.pool;

	free(arg);
	pthread_setname_np(pthread_self(), "sockd-pool");
	log_thread_attach();
	watch_pool_thread_begin(self.index);
	while (!atomic_load(&p->stopping)) {
		struct work *w;

		while (sem_wait(&p->tickets) < 0)
			; /* EINTR */
		w = pool_take(p, self.index);
		if (w == NULL)
			continue;
		w->run(w);
		pool_give_back(p, self.index);
		atomic_fetch_sub(&p->unfinished, 1);
		if (mailbox_send(&w->loop->mailbox, &w->mail) < 0)
			abort(); /* a loop does not end before its works */
	}
	watch_thread_end();
	log_thread_detach();
	return NULL;
}

/* One more thread as long as more work waits than there are threads. @return there is one at all */
static bool
pool_grow(struct pool *p)
{
	unsigned count = atomic_load(&p->threads_made);
	struct pool_thread *arg;

	if (count >= POOL_THREADS || (count > 0 && atomic_load(&p->unfinished) <= count))
		return true;
	arg = malloc(sizeof *arg);
	pthread_mutex_lock(&p->lock); /* against another loop, a few times in the life of a worker */
	count = atomic_load(&p->threads_made);
	if (arg != NULL && count < POOL_THREADS) {
		*arg = (struct pool_thread){ p, count };
		if (pthread_create(&p->threads[count], NULL, pool_main, arg) == 0) {
			atomic_store(&p->threads_made, count + 1);
			arg = NULL;
		}
	}
	count = atomic_load(&p->threads_made);
	pthread_mutex_unlock(&p->lock);
	free(arg);
	return count > 0;
}

int
pool_submit(struct pool *p, struct work *w)
{
	if (atomic_fetch_add(&p->unfinished, 1) >= POOL_WAITING_MAX || !pool_grow(p)) {
		atomic_fetch_sub(&p->unfinished, 1);
		return -EAGAIN;
	}
	w->next = atomic_load_explicit(&p->submitted, memory_order_relaxed);
	while (!atomic_compare_exchange_weak_explicit(
		&p->submitted, &w->next, w, memory_order_release, memory_order_relaxed))
		;
	sem_post(&p->tickets);
	return 0;
}
