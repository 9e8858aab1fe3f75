/* Fibers, waits and timers, as a plugin uses them. */
#include "scenario.h"

static int
give(struct sockd_host h, void *arg)
{
	(void)h;
	return *(const int *)arg;
}

static void
join_gives_the_result(struct sockd_conn c, struct sockd_reader r, struct sockd_writer w)
{
	struct sockd_host h = sockd_conn_host(c);
	int one = 1, minus = -1;
	uint64_t a = sockd_spawn(h, give, &one), b = sockd_spawn(h, give, &minus);

	(void)r;
	(void)w;
	CHECK(a != 0 && b != 0 && a != b);
	CHECK(sockd_join(h, a) == 1);
	errno = EIO;
	CHECK(sockd_join(h, b) == -1 && errno == 0);
	CHECK(FAILS(sockd_join(h, a), ESRCH));
	CHECK(FAILS(sockd_cancel(h, a), ESRCH));
	CHECK(FAILS(sockd_join(h, 12345), ESRCH));
	CHECK(sockd_spawn(h, NULL, NULL) == 0 && errno == EINVAL);
}

static uint64_t own_id;

static int
join_oneself(struct sockd_host h, void *arg)
{
	(void)arg;
	return FAILS(sockd_join(h, own_id), EDEADLK) ? 7 : 0;
}

static void
nobody_joins_himself(struct sockd_conn c, struct sockd_reader r, struct sockd_writer w)
{
	(void)r;
	(void)w;
	own_id = sockd_spawn(sockd_conn_host(c), join_oneself, NULL);
	CHECK(own_id != 0);
	CHECK(sockd_join(sockd_conn_host(c), own_id) == 7);
}

static int
sleep_long(struct sockd_host h, void *arg)
{
	int first = sockd_sleep(h, SOCKD_FOREVER) == -1 ? errno : 0;

	(void)arg;
	/* For good: whatever may wait fails from now on. */
	if (!FAILS(sockd_sleep(h, 1), ECANCELED) || !FAILS(sockd_wait(h, &own_id, 1), ECANCELED))
		return -2;
	return first;
}

static void
cancel_ends_a_wait_for_good(struct sockd_conn c, struct sockd_reader r, struct sockd_writer w)
{
	struct sockd_host h = sockd_conn_host(c);
	uint64_t id = sockd_spawn(h, sleep_long, NULL), unborn;

	(void)r;
	(void)w;
	CHECK(sockd_sleep(h, 1) == 0);
	CHECK(sockd_cancel(h, id) == 0);
	CHECK(sockd_join(h, id) == ECANCELED);
	unborn = sockd_spawn(h, sleep_long, NULL);
	CHECK(sockd_cancel(h, unborn) == 0);
	CHECK(sockd_join(h, unborn) == ECANCELED);
}

struct chain {
	uint64_t inner;
	bool inner_over;
	int got;
};

static int
nap(struct sockd_host h, void *arg)
{
	struct chain *chain = arg;

	(void)sockd_sleep(h, 60);
	chain->inner_over = true;
	return 5;
}

static int
join_inner(struct sockd_host h, void *arg)
{
	struct chain *chain = arg;

	chain->got = sockd_join(h, chain->inner);
	return chain->inner_over ? 0 : -2;
}

static void
a_join_is_not_ended_by_cancel(struct sockd_conn c, struct sockd_reader r, struct sockd_writer w)
{
	struct sockd_host h = sockd_conn_host(c);
	struct chain chain = { 0, false, 0 };
	uint64_t outer;

	(void)r;
	(void)w;
	chain.inner = sockd_spawn(h, nap, &chain);
	outer = sockd_spawn(h, join_inner, &chain);
	CHECK(sockd_sleep(h, 1) == 0);
	CHECK(sockd_cancel(h, outer) == 0);
	CHECK(sockd_join(h, outer) == 0);
	CHECK(chain.got == 5);
}

static int flag, woken;

static int
wait_for_flag(struct sockd_host h, void *arg)
{
	(void)arg;
	while (flag == 0)
		if (sockd_wait(h, &flag, SOCKD_FOREVER) < 0)
			return -2;
	woken++;
	return 0;
}

static void
wake_reaches_all_that_wait(struct sockd_conn c, struct sockd_reader r, struct sockd_writer w)
{
	struct sockd_host h = sockd_conn_host(c);
	uint64_t ids[24];

	(void)r;
	(void)w;
	flag = woken = 0;
	for (size_t i = 0; i < 24; i++)
		ids[i] = sockd_spawn(h, wait_for_flag, NULL);
	CHECK(sockd_sleep(h, 1) == 0);
	CHECK(sockd_wake(h, &woken) == 0);
	CHECK(sockd_wake(h, &flag) == 0); /* too early: they look, and wait on */
	CHECK(sockd_sleep(h, 1) == 0);
	CHECK(woken == 0);
	flag = 1;
	CHECK(sockd_wake(h, &flag) == 0);
	for (size_t i = 0; i < 24; i++)
		CHECK(sockd_join(h, ids[i]) == 0);
	CHECK(woken == 24);
	CHECK(FAILS(sockd_wait(h, &flag, 5), ETIMEDOUT));
	CHECK(FAILS(sockd_wait(h, NULL, 5), EINVAL));
}

static int ticks, once;
static uint64_t timer;

static void
tick(struct sockd_host h, void *arg)
{
	(void)arg;
	if (++ticks == 3 && sockd_timer_stop(h, timer) < 0)
		ticks = -100;
	if (!FAILS(sockd_sleep(h, 1), EDEADLK))
		ticks = -200;
	sockd_wake(h, &ticks);
}

static void
fire_once(struct sockd_host h, void *arg)
{
	once += FAILS(sockd_timer_stop(h, *(uint64_t *)arg), ENOENT) ? 1 : 100;
	sockd_wake(h, &once);
}

static void
timers_fire_and_stop(struct sockd_conn c, struct sockd_reader r, struct sockd_writer w)
{
	struct sockd_host h = sockd_conn_host(c);
	int64_t began = sockd_now(h);
	uint64_t single, never;

	(void)r;
	(void)w;
	ticks = once = 0;
	timer = sockd_timer_start(h, 1, 2, tick, NULL);
	single = sockd_timer_start(h, 20, 0, fire_once, &single);
	never = sockd_timer_start(h, 3600000, 0, tick, NULL);
	CHECK(timer != 0 && single != 0 && never != 0);
	CHECK(sockd_timer_stop(h, never) == 0);
	CHECK(FAILS(sockd_timer_stop(h, never), ENOENT));
	while (once == 0)
		CHECK(sockd_wait(h, &once, 10000) == 0);
	CHECK(once == 1);
	CHECK(sockd_now(h) - began >= 20);
	while (ticks != 3)
		CHECK(ticks >= 0 && sockd_wait(h, &ticks, 10000) == 0);
	CHECK(FAILS(sockd_timer_stop(h, timer), ENOENT));
	CHECK(sockd_timer_start(h, -1, 0, tick, NULL) == 0 && errno == EINVAL);
	CHECK(sockd_timer_start(h, 1, 0, NULL, NULL) == 0 && errno == EINVAL);
}

static int
read_some(struct sockd_host h, void *arg)
{
	char buf[8];

	(void)h;
	return sockd_read(*(struct sockd_reader *)arg, buf, sizeof buf) < 0 ? errno : 0;
}

static void
one_fiber_reads(struct sockd_conn c, struct sockd_reader r, struct sockd_writer w)
{
	struct sockd_host h = sockd_conn_host(c);
	uint64_t id = sockd_spawn(h, read_some, &r);
	char buf[8];

	(void)w;
	CHECK(sockd_sleep(h, 1) == 0);
	CHECK(FAILS(sockd_read(r, buf, sizeof buf), EBUSY));
	CHECK(sockd_cancel(h, id) == 0);
	CHECK(sockd_join(h, id) == ECANCELED);
}

/* Not when the turn began in which it was said. */
static void
a_timeout_begins_when_it_is_set(struct sockd_conn c, struct sockd_reader r, struct sockd_writer w)
{
	struct sockd_host h = sockd_conn_host(c);
	int64_t began = sockd_now(h);
	char buf[8];

	(void)w;
	while (sockd_now(h) < began + 300)
		; /* as a handler that computes */
	began = sockd_now(h);
	CHECK(sockd_conn_set_timeout(c, SOCKD_TIMEOUT_READ, 200) == 0);
	CHECK(FAILS(sockd_read(r, buf, sizeof buf), ETIMEDOUT));
	CHECK(sockd_now(h) - began >= 200);
	CHECK(sockd_conn_set_timeout(c, SOCKD_TIMEOUT_READ, SOCKD_FOREVER) == 0);
}

static void
wake(struct sockd_host h, void *arg)
{
	sockd_wake(h, arg);
}

static void
the_largest_number_is_never(struct sockd_conn c, struct sockd_reader r, struct sockd_writer w)
{
	struct sockd_host h = sockd_conn_host(c);
	uint64_t id, never;

	(void)w;
	ticks = 0;
	CHECK(sockd_conn_set_timeout(c, SOCKD_TIMEOUT_READ, INT64_MAX) == 0);
	CHECK(sockd_conn_set_timeout(c, SOCKD_TIMEOUT_IDLE, INT64_MAX) == 0);
	CHECK(sockd_conn_set_timeout(c, SOCKD_TIMEOUT_LIFETIME, INT64_MAX) == 0);
	id = sockd_spawn(h, read_some, &r);
	never = sockd_timer_start(h, INT64_MAX, INT64_MAX, tick, NULL);
	CHECK(sockd_timer_start(h, 30, 0, wake, &once) != 0);
	CHECK(sockd_wait(h, &once, INT64_MAX) == 0);
	CHECK(sockd_cancel(h, id) == 0);
	CHECK(sockd_join(h, id) == ECANCELED);
	CHECK(ticks == 0 && sockd_timer_stop(h, never) == 0);
	CHECK(sockd_conn_set_timeout(c, SOCKD_TIMEOUT_READ, SOCKD_FOREVER) == 0);
}

struct block {
	struct sockd_writer w;
	char letter;
};

enum { BLOCK = 700000, WRITERS = 8 };

static int
write_block(struct sockd_host h, void *arg)
{
	const struct block *b = arg;
	char *bytes = malloc(BLOCK);
	ssize_t n;

	(void)h;
	if (bytes == NULL)
		return -2;
	memset(bytes, b->letter, BLOCK);
	n = sockd_write(b->w, bytes, BLOCK);
	free(bytes);
	return n == BLOCK ? 0 : errno;
}

/* Each is far larger than the buffer, and comes as one piece all the same. */
static void
writes_queue_whole(struct sockd_conn c, struct sockd_reader r, struct sockd_writer w)
{
	struct sockd_host h = sockd_conn_host(c);
	struct block blocks[WRITERS];
	uint64_t ids[WRITERS];

	(void)r;
	for (int i = 0; i < WRITERS; i++) {
		blocks[i].w = w;
		blocks[i].letter = (char)('a' + i);
		ids[i] = sockd_spawn(h, write_block, &blocks[i]);
	}
	CHECK(sockd_sleep(h, 1) == 0);
	CHECK(sockd_flush(w) == 0);
	for (int i = 0; i < WRITERS; i++)
		CHECK(sockd_join(h, ids[i]) == 0);
}

/* A writer that is cancelled in the queue leaves it to the others. */
static void
a_cancelled_writer_leaves_the_queue(struct sockd_conn c, struct sockd_reader r, struct sockd_writer w)
{
	struct sockd_host h = sockd_conn_host(c);
	struct block blocks[3] = { { w, 'x' }, { w, 'y' }, { w, 'z' } };
	uint64_t ids[3];

	(void)r;
	for (int i = 0; i < 3; i++)
		ids[i] = sockd_spawn(h, write_block, &blocks[i]);
	CHECK(sockd_sleep(h, 20) == 0); /* the client does not read yet */
	CHECK(sockd_cancel(h, ids[1]) == 0);
	CHECK(sockd_join(h, ids[1]) == ECANCELED);
	(void)sockd_log(h, SOCKD_LOG_NOTICE, "cancelled", "%s", "the client may read now");
	CHECK(sockd_join(h, ids[0]) == 0);
	CHECK(sockd_join(h, ids[2]) == 0);
}

static const struct scenario scenarios[] = { { "join_gives_the_result", join_gives_the_result },
	{ "nobody_joins_himself", nobody_joins_himself },
	{ "cancel_ends_a_wait_for_good", cancel_ends_a_wait_for_good },
	{ "a_join_is_not_ended_by_cancel", a_join_is_not_ended_by_cancel },
	{ "wake_reaches_all_that_wait", wake_reaches_all_that_wait },
	{ "a_timeout_begins_when_it_is_set", a_timeout_begins_when_it_is_set },
	{ "the_largest_number_is_never", the_largest_number_is_never },
	{ "timers_fire_and_stop", timers_fire_and_stop }, { "one_fiber_reads", one_fiber_reads },
	{ "writes_queue_whole", writes_queue_whole },
	{ "a_cancelled_writer_leaves_the_queue", a_cancelled_writer_leaves_the_queue }, { NULL, NULL } };

static void
serve(struct sockd_conn c, struct sockd_reader r, struct sockd_writer w)
{
	scenario_serve(scenarios, c, r, w);
}

SOCKD_EXPORT const struct sockd_plugin sockd_plugin = { SOCKD_PLUGIN_INIT, .name = "fibers", .version = "1.0",
	.serve = serve };
