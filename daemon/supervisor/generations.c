/* A list, youngest first; it is short. Numbers go up for ever, so that a log line says which worker is meant.
 */
#include "supervisor/generations.h"

#include <assert.h>
#include <errno.h>

#include "control/snapshot.h"
#include "supervisor/generations_private.h"
#include "supervisor/post_mortem.h"

static const struct supervisor_worker_ops *
ops_of(const struct generation *g)
{
	return g->all->options.ops;
}

int
generations_new(const struct generations_options *options, struct generations **ret, struct err *e)
{
	struct generations *all = mem_new(*all);
	int code;

	if (all == NULL)
		return err_set(e, -ENOMEM, "out of memory");
	all->options = *options;
	all->counters = counters_new();
	code = all->counters == NULL ? err_set(e, -ENOMEM, "out of memory")
				     : seats_new(COUNTERS_ROWS, &all->seats, e);
	if (code < 0) {
		generations_free(all);
		return code;
	}
	*ret = all;
	return 0;
}

struct generation *
generations_first(const struct generations *all)
{
	return all->first;
}

unsigned
generations_last_number(const struct generations *all)
{
	return all->last_number;
}

struct generation *
generations_serving(const struct generations *all)
{
	for (struct generation *g = all->first; g != NULL; g = g->next)
		if (g->state == GENERATION_SERVING)
			return g;
	return NULL;
}

bool
generations_starting(const struct generations *all)
{
	for (struct generation *g = all->first; g != NULL; g = g->next)
		if (g->state == GENERATION_STARTING)
			return true;
	return false;
}

static void
add_counts(struct supervisor_counts *to, const struct supervisor_counts *n)
{
	to->open += n->open;
	to->served += n->served;
	to->drained += n->drained;
	to->forced += n->forced;
}

static struct log_health
log_of(const struct generation *g)
{
	const struct supervisor_worker_ops *ops = ops_of(g);

	return ops->log != NULL && g->worker != NULL ? ops->log(g->worker) : (struct log_health){ 0 };
}

static void
leave_seat(struct generation *g)
{
	if (g->occupancy.rows != NULL)
		seats_leave(g->all->seats, &g->occupancy, counters_rows(g->all->counters));
	g->occupancy.rows = NULL;
}

static void
unlink_and_free(struct generation *g)
{
	struct generation **link = &g->all->first;

	while (*link != g)
		link = &(*link)->next;
	*link = g->next;
	if (g->worker != NULL)
		ops_of(g)->free(g->worker);
	leave_seat(g);
	if (g->counters != NULL)
		counters_fold(g->all->counters, g->counters);
	post_mortem_free(g->post_mortem);
	free(g);
}

/* ---- what workers tell ---- */

static void
on_ready(void *arg, const bool *serves)
{
	struct generation *g = arg;

	if (g->state == GENERATION_STARTING)
		g->state = GENERATION_SERVING;
	g->all->options.events->ready(g->all->options.arg, g, serves);
}

static void
on_done(void *arg)
{
	struct generation *g = arg;

	assert(g->state == GENERATION_DRAINING);
	g->all->options.events->done(g->all->options.arg, g);
	g->state = GENERATION_ENDING;
	ops_of(g)->end(g->worker);
}

static void
on_ended(void *arg, enum supervisor_end how, const struct err *e)
{
	struct generation *g = arg;
	struct generations *all = g->all;

	g->counts = ops_of(g)->counts(g->worker);
	g->counts.open = 0;
	leave_seat(g); /* whoever hears of its end finds its places free */
	add_counts(&all->ended, &g->counts);
	all->log_lost += log_of(g).lost;
	g->counts = (struct supervisor_counts){ 0 };
	g->state = GENERATION_STATE_COUNT;
	all->options.events->ended(all->options.arg, g, how, e);
	unlink_and_free(g);
}

static void
on_hello(void *arg)
{
	struct generation *g = arg;

	g->all->options.events->hello(g->all->options.arg, g);
}

static const struct supervisor_worker_events worker_events = {
	.hello = on_hello,
	.ready = on_ready,
	.done = on_done,
	.ended = on_ended,
};

/* ---- orders ---- */

struct supervisor_start
generation_start_of(struct generation *g)
{
	const struct generations_options *o = &g->all->options;

	return (struct supervisor_start){
		.base = o->base,
		.surroundings = o->surroundings,
		.counters = g->counters,
		.all_counters = g->all->counters,
		.occupancy = g->occupancy,
		.occupancy_fd = seats_fd(g->all->seats),
		.post_mortem = g->post_mortem,
		.generation = g->number,
		.exec_fd = -1,
		.events = &worker_events,
		.arg = g,
	};
}

int
generations_start(struct generations *all, struct snapshot *snapshot, int exec_fd, struct cfg_report *report,
	struct err *e)
{
	struct generation *g = mem_new(*g);
	int code;

	if (g == NULL)
		return err_set(e, -ENOMEM, "out of memory");
	g->all = all;
	g->number = ++all->last_number;
	g->next = all->first;
	all->first = g;
	code = counters_assign(all->counters, snapshot, e);
	if (code == 0)
		code = counters_block_new(all->counters, snapshot->loops, &g->counters, e);
	if (code == 0)
		code = seats_take(all->seats, &g->occupancy, e);
	if (code == 0)
		code = post_mortem_new(snapshot->loops, &g->post_mortem, e);
	if (code == 0) {
		struct supervisor_start o = generation_start_of(g);

		o.snapshot = snapshot;
		o.exec_fd = exec_fd;
		o.report = report;
		code = all->options.ops->start(&o, &g->worker, e);
	}
	if (code < 0)
		unlink_and_free(g);
	return code;
}

struct counters *
generations_counters(struct generations *all)
{
	return all->counters;
}

/* Whether orders still mean something to it. */
static bool
is_alive(const struct generation *g)
{
	return g->state < GENERATION_ENDING;
}

void
generation_drain(struct generation *g, int64_t timeout_ms, int64_t spread_ms)
{
	if (!is_alive(g))
		return;
	g->state = GENERATION_DRAINING;
	ops_of(g)->drain(g->worker, timeout_ms, spread_ms);
}

void
generations_drain(struct generations *all, int64_t timeout_ms, int64_t spread_ms)
{
	for (struct generation *g = all->first; g != NULL; g = g->next)
		generation_drain(g, timeout_ms, spread_ms);
}

void
generations_shutdown(struct generations *all)
{
	for (struct generation *g = all->first; g != NULL; g = g->next) {
		if (!is_alive(g))
			continue;
		g->state = GENERATION_DRAINING;
		ops_of(g)->shutdown(g->worker);
	}
}

void
generations_reopen(struct generations *all, int log_fd)
{
	for (struct generation *g = all->first; g != NULL; g = g->next)
		if (is_alive(g))
			ops_of(g)->reopen(g->worker, log_fd);
}

void
generations_tell(struct generations *all, const char *event, const char *text)
{
	for (struct generation *g = all->first; g != NULL; g = g->next)
		if (is_alive(g))
			ops_of(g)->tell(g->worker, event, text);
}

void
generations_watch(struct generations *all, int64_t now_ms, int64_t limit_ms)
{
	for (struct generation *g = all->first; g != NULL; g = g->next) {
		const struct post_mortem_watch watch = {
			.generation = g->number,
			.now_ms = now_ms,
			.limit_ms = limit_ms,
			.look = ops_of(g)->look,
			.worker = g->worker,
		};
		pid_t tid;

		if (g->state == GENERATION_STATE_COUNT || ops_of(g)->abort == NULL)
			continue;
		if (post_mortem_is_stuck(g->post_mortem, &watch, &tid))
			ops_of(g)->abort(g->worker, tid);
		else if (g->state == GENERATION_SERVING || g->state == GENERATION_DRAINING)
			pulse_feel(g, ops_of(g), now_ms, limit_ms);
	}
}

bool
generations_kill(struct generations *all)
{
	bool all_killed = true;

	for (struct generation *g = all->first; g != NULL; g = g->next)
		if (g->state != GENERATION_STATE_COUNT)
			all_killed &= ops_of(g)->kill(g->worker);
	return all_killed;
}

struct supervisor_counts
generations_counts(struct generations *all)
{
	struct supervisor_counts sum = all->ended;

	for (struct generation *g = all->first; g != NULL; g = g->next) {
		if (g->state != GENERATION_STATE_COUNT)
			g->counts = ops_of(g)->counts(g->worker);
		add_counts(&sum, &g->counts);
	}
	return sum;
}

struct log_health
generations_log(const struct generations *all)
{
	struct log_health sum = { .lost = all->log_lost };

	for (const struct generation *g = all->first; g != NULL; g = g->next) {
		struct log_health h =
			g->state != GENERATION_STATE_COUNT ? log_of(g) : (struct log_health){ 0 };

		sum.lost += h.lost;
		if (h.error != 0 && h.for_ms >= sum.for_ms) {
			sum.error = h.error;
			sum.for_ms = h.for_ms;
		}
	}
	return sum;
}

void
generations_free(struct generations *all)
{
	if (all == NULL)
		return;
	while (all->first != NULL)
		unlink_and_free(all->first);
	counters_free(all->counters);
	seats_free(all->seats);
	free(all);
}
