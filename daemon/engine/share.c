/* Time becomes bytes, loop by loop: at its tick a group takes its part of what the rate gave since its last
 * one, the part being its members among all. So a loop that ticks late loses nothing, and all of them
 * together come to the rate. A member that leaves its grant unused for some ticks is no member any more; what
 * it did not use goes to the others. */
#include "engine/share.h"

enum {
	TICK_MS = 10,
	BURST_MS = 50, /* what the bucket holds */
	BURST_MIN = 16384,
	GRANT_MIN =
		2048, /* fewer bytes are not worth a system call: then not everybody has a turn each tick */
	IDLE_TICKS = 3,
	CATCH_UP_MS = 500, /* a loop that was stopped for longer does not make up for it */
};

static void share_on_tick(struct loop *loop, struct loop_timer *timer);

void
share_group_init(struct share_group *g, struct share *share, struct loop *loop, int64_t rate)
{
	*g = (struct share_group){ .share = share, .loop = loop, .rate = rate, .tick.fire = share_on_tick };
}

/* ---- the bucket ---- */

static int64_t
bucket_limit(const struct share_group *g)
{
	int64_t limit = g->rate * BURST_MS / 1000;

	return limit > BURST_MIN ? limit : BURST_MIN;
}

static void
bucket_refill(struct share_group *g, int64_t now_ms)
{
	struct share *s = g->share;
	int64_t last_ms = atomic_load_explicit(&s->refilled_ms, memory_order_relaxed), more, tokens;

	if (now_ms <= last_ms || !atomic_compare_exchange_strong(&s->refilled_ms, &last_ms, now_ms))
		return; /* another loop does it */
	more = now_ms - last_ms > CATCH_UP_MS ? bucket_limit(g) : g->rate * (now_ms - last_ms) / 1000;
	tokens = atomic_fetch_add(&s->tokens, more) + more;
	if (tokens > bucket_limit(g))
		atomic_fetch_sub(&s->tokens, tokens - bucket_limit(g));
}

static size_t
bucket_take(struct share_group *g, size_t want)
{
	struct share *s = g->share;
	int64_t tokens, take;

	bucket_refill(g, loop_now_ms(g->loop));
	tokens = atomic_load_explicit(&s->tokens, memory_order_relaxed);
	do {
		if (tokens <= 0)
			return 0;
		take = tokens < (int64_t)want ? tokens : (int64_t)want;
	} while (!atomic_compare_exchange_weak(&s->tokens, &tokens, tokens - take));
	return (size_t)take;
}

/* ---- members ---- */

static void
list_remove(struct share_group *g, struct share_member *m)
{
	*(m->prev != NULL ? &m->prev->next : &g->first) = m->next;
	*(m->next != NULL ? &m->next->prev : &g->last) = m->prev;
}

static void
list_append(struct share_group *g, struct share_member *m)
{
	m->next = NULL;
	m->prev = g->last;
	*(g->last != NULL ? &g->last->next : &g->first) = m;
	g->last = m;
}

static void
join(struct share_group *g, struct share_member *m)
{
	int64_t now_ms = loop_now_ms(g->loop);

	m->joined = true;
	m->idle_ticks = 0;
	m->credit = 0;
	list_append(g, m);
	atomic_fetch_add(&g->share->members, 1);
	if (g->count++ > 0)
		return;
	g->shared_ms = now_ms;
	g->pool = g->rest = 0;
	loop_timer_set(g->loop, &g->tick, now_ms + TICK_MS);
}

void
share_leave(struct share_group *g, struct share_member *m)
{
	if (!m->joined)
		return;
	m->joined = m->waits = false;
	g->pool += m->credit;
	m->credit = 0;
	list_remove(g, m);
	if (--g->count == 0)
		loop_timer_clear(g->loop, &g->tick);
	if (atomic_fetch_sub(&g->share->members, 1) == 1) {
		/* The time of the members is not the bucket's. */
		atomic_store(&g->share->tokens, 0);
		atomic_store(&g->share->refilled_ms, loop_now_ms(g->loop));
	}
}

size_t
share_ask(struct share_group *g, struct share_member *m, size_t want)
{
	size_t taken;

	if (!m->joined && atomic_load_explicit(&g->share->members, memory_order_relaxed) == 0) {
		taken = bucket_take(g, want);
		if (taken > 0)
			return taken;
	}
	if (!m->joined)
		join(g, m);
	m->waits = m->credit == 0;
	return m->credit < (int64_t)want ? (size_t)m->credit : want;
}

void
share_used(struct share_group *g, struct share_member *m, size_t allowed, size_t used)
{
	if (m->joined) {
		m->credit -= (int64_t)used;
		m->idle_ticks = 0;
	} else {
		atomic_fetch_add(&g->share->tokens, (int64_t)(allowed - used));
	}
}

/* ---- grants ---- */

/* What the rate gave to this group since its last tick. A low rate over many members gives less than a byte
 * at a time, so thousandths are kept. */
static void
group_earn(struct share_group *g, int64_t now_ms)
{
	int64_t ms = now_ms - g->shared_ms < CATCH_UP_MS ? now_ms - g->shared_ms : CATCH_UP_MS;
	int64_t members = atomic_load_explicit(&g->share->members, memory_order_relaxed);
	int64_t all = g->rate * ms, part;

	if (members < g->count)
		members = g->count;
	part = all / members * g->count + all % members * g->count / members + g->rest;
	g->shared_ms = now_ms;
	g->pool += part / 1000;
	g->rest = part % 1000;
}

/* What nobody waited for is not saved up: a member that takes little would fill the pool for hours. */
static void
group_forget_surplus(struct share_group *g)
{
	if (g->pool > bucket_limit(g))
		g->pool = bucket_limit(g);
}

static int64_t
group_sift(struct share_group *g)
{
	struct share_member *next;
	int64_t waiting = 0;

	for (struct share_member *m = g->first; m != NULL; m = next) {
		next = m->next;
		if (m->waits)
			waiting++;
		else if (++m->idle_ticks >= IDLE_TICKS)
			share_leave(g, m);
	}
	return waiting;
}

/* Even grants for those who wait, turn by turn. */
static void
group_grant(struct share_group *g, int64_t waiting)
{
	int64_t grant = g->pool / waiting > GRANT_MIN ? g->pool / waiting : GRANT_MIN, turns = g->count;

	for (int64_t i = 0; i < turns && g->pool >= GRANT_MIN && g->first != NULL; i++) {
		struct share_member *m = g->first;

		list_remove(g, m); /* whoever had a turn stands behind the others */
		list_append(g, m);
		if (!m->waits)
			continue;
		m->credit = grant < g->pool ? grant : g->pool;
		m->waits = false;
		m->idle_ticks = 0;
		g->pool -= m->credit;
		m->granted(m);
	}
}

static void
share_on_tick(struct loop *loop, struct loop_timer *timer)
{
	struct share_group *g = container_of(timer, struct share_group, tick);
	int64_t waiting;

	loop_timer_set(loop, &g->tick, loop_now_ms(loop) + TICK_MS);
	group_earn(g, loop_now_ms(loop));
	waiting = group_sift(g);
	if (waiting > 0)
		group_grant(g, waiting);
	group_forget_surplus(g);
}
