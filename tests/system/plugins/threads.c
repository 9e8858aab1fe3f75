/* Work on other threads, and messages from them. */
#include "scenario.h"

#include <pthread.h>
#include <stdatomic.h>
#include <time.h>
#include <unistd.h>

static void
nap(int ms)
{
	struct timespec t = { ms / 1000, ms % 1000 * 1000000L };

	nanosleep(&t, NULL);
}

static int
square(void *arg)
{
	int *n = arg;

	*n *= *n;
	errno = ENOENT;
	return 7;
}

static int
slow(void *arg)
{
	nap(40);
	atomic_fetch_add((atomic_int *)arg, 1);
	return 0;
}

static int
offload_slow(struct sockd_host h, void *arg)
{
	return sockd_offload(h, NULL, slow, arg);
}

static void
offload_gives_the_result(struct sockd_conn c, struct sockd_reader r, struct sockd_writer w)
{
	struct sockd_host h = sockd_conn_host(c);
	atomic_int count = 0;
	uint64_t id;
	int n = 6;

	(void)r;
	(void)w;
	CHECK(sockd_offload(h, NULL, square, &n) == 7 && errno == ENOENT && n == 36);
	CHECK(FAILS(sockd_offload(h, NULL, NULL, &n), EINVAL));
	/* One that is cancelled while its function runs comes back after it. */
	id = sockd_spawn(h, offload_slow, &count);
	CHECK(sockd_sleep(h, 5) == 0);
	CHECK(sockd_cancel(h, id) == 0);
	CHECK(sockd_join(h, id) == 0 && atomic_load(&count) == 1);
}

struct serial {
	int running, most, order[40], count;
	struct sockd_host h;
	int done, sum;
};

static struct serial serial;

static int
one_at_a_time(void *arg)
{
	int running = __atomic_add_fetch(&serial.running, 1, __ATOMIC_SEQ_CST);

	if (running > serial.most)
		serial.most = running;
	serial.order[serial.count++] = (int)(intptr_t)arg;
	nap(1);
	__atomic_sub_fetch(&serial.running, 1, __ATOMIC_SEQ_CST);
	return (int)(intptr_t)arg;
}

static void
count_done(struct sockd_host h, int result, void *arg)
{
	serial.sum += result - (int)(intptr_t)arg;
	serial.done++;
	if (!sockd_null(h))
		(void)sockd_wake(h, &serial);
}

static void
serial_work_keeps_its_order(struct sockd_conn c, struct sockd_reader r, struct sockd_writer w)
{
	struct sockd_host h = sockd_conn_host(c);

	(void)r;
	(void)w;
	memset(&serial, 0, sizeof serial);
	for (int i = 0; i < 40; i++)
		CHECK(sockd_offload_then(h, &serial, one_at_a_time, count_done, (void *)(intptr_t)i) == 0);
	while (serial.done < 40)
		CHECK(sockd_wait(h, &serial, 10000) == 0);
	CHECK(serial.most == 1 && serial.sum == 0);
	for (int i = 0; i < 40; i++)
		CHECK(serial.order[i] == i);
}

static int
wait_a_little(void *arg)
{
	(void)arg;
	nap(20);
	return 0;
}

static void
count_full(struct sockd_host h, int result, void *arg)
{
	(void)result;
	++*(int *)arg;
	if (!sockd_null(h))
		(void)sockd_wake(h, arg);
}

/* A queue that is full says so, and what it took is done. */
static void
a_full_queue_refuses(struct sockd_conn c, struct sockd_reader r, struct sockd_writer w)
{
	struct sockd_host h = sockd_conn_host(c);
	int taken = 0, done = 0;

	(void)r;
	(void)w;
	while (taken < 5000 && sockd_offload_then(h, NULL, wait_a_little, count_full, &done) == 0)
		taken++;
	CHECK(taken >= 100 && taken < 5000 && errno == EAGAIN);
	while (done < taken)
		CHECK(sockd_wait(h, &done, 20000) == 0);
}

/* ---- messages ---- */

struct poster {
	struct sockd_host thread_host;
	uint64_t conn;
	int sent, refused;
	atomic_int got, got_null;
	int thread_got;
};

static void
on_post(struct sockd_conn c, void *arg)
{
	struct poster *p = arg;

	if (sockd_null(c)) {
		atomic_fetch_add(&p->got_null, 1);
		return;
	}
	atomic_fetch_add(&p->got, 1);
	(void)sockd_wake(sockd_conn_host(c), p);
}

static void
on_thread_post(struct sockd_host h, void *arg)
{
	struct poster *p = arg;

	p->thread_got++;
	(void)sockd_wake(h, p);
}

static void *
post_many(void *arg)
{
	struct poster *p = arg;

	for (int i = 0; i < 1000; i++) {
		if (sockd_post(p->thread_host, p->conn, on_post, p) == 0)
			p->sent++;
		else
			p->refused++;
	}
	if (sockd_post_thread(p->thread_host, on_thread_post, p) < 0)
		p->refused++;
	/* What is not for every thread says so. */
	if (!FAILS(sockd_sleep(p->thread_host, 1), EDEADLK) || sockd_spawn(p->thread_host, NULL, NULL) != 0 ||
		errno != EXDEV)
		p->refused += 10000;
	return NULL;
}

static void
posts_come_exactly_once(struct sockd_conn c, struct sockd_reader r, struct sockd_writer w)
{
	struct poster p = { *(struct sockd_host *)sockd_conn_thread_state(c), sockd_conn_id(c), 0, 0, 0, 0,
		0 };
	struct sockd_host h = sockd_conn_host(c);
	pthread_t thread;

	(void)r;
	(void)w;
	CHECK(pthread_create(&thread, NULL, post_many, &p) == 0);
	while (p.thread_got == 0)
		CHECK(sockd_wait(h, &p, 10000) == 0 || errno == ETIMEDOUT);
	pthread_join(thread, NULL);
	CHECK(p.refused == 0 && p.sent == 1000);
	CHECK(atomic_load(&p.got) == 1000 && atomic_load(&p.got_null) == 0);
	CHECK(FAILS(sockd_post(h, 0, on_post, &p), ESRCH));
	CHECK(FAILS(sockd_post(h, UINT64_C(1) << 60, on_post, &p), ESRCH));
	CHECK(FAILS(sockd_post(h, p.conn + 1000000, on_post, &p), ESRCH));
	CHECK(FAILS(sockd_post(h, p.conn, NULL, &p), EINVAL));
	CHECK(FAILS(sockd_post_thread(h, on_thread_post, &p), EINVAL));
}

static struct poster late;

static int
post_late(void *arg)
{
	(void)arg;
	nap(30);
	late.sent = sockd_post(late.thread_host, late.conn, on_post, &late);
	return 0;
}

static void
nothing_follows(struct sockd_host h, int result, void *arg)
{
	(void)result;
	(void)arg;
	late.refused = sockd_null(h) ? 1 : 2;
}

/* Whose connection ends before its message and before its work: asked about by the next client. */
static void
leave_work_behind(struct sockd_conn c, struct sockd_reader r, struct sockd_writer w)
{
	(void)r;
	(void)w;
	memset(&late, 0, sizeof late);
	late.thread_host = *(struct sockd_host *)sockd_conn_thread_state(c);
	late.conn = sockd_conn_id(c);
	CHECK(sockd_offload_then(sockd_conn_host(c), NULL, post_late, nothing_follows, NULL) == 0);
}

static void
work_was_left_behind(struct sockd_conn c, struct sockd_reader r, struct sockd_writer w)
{
	(void)r;
	(void)w;
	for (int i = 0; i < 500 && (late.refused == 0 || atomic_load(&late.got_null) == 0); i++)
		CHECK(sockd_sleep(sockd_conn_host(c), 10) == 0);
	CHECK(late.sent == 0 && atomic_load(&late.got_null) == 1 && atomic_load(&late.got) == 0);
	CHECK(late.refused == 1);
}

static void
fields_in_logs(struct sockd_conn c, struct sockd_reader r, struct sockd_writer w)
{
	const struct sockd_field f[2] = { { "color", "dark \"red\"\n", 11, 0 }, { "count", NULL, 0, -5 } };
	struct sockd_host h = sockd_conn_host(c);

	(void)r;
	(void)w;
	CHECK(sockd_log_fields(h, SOCKD_LOG_NOTICE, "painted", f, 2) == 0);
	CHECK(FAILS(sockd_log_fields(h, 99, "painted", f, 2), EINVAL));
	CHECK(FAILS(sockd_log_fields(h, SOCKD_LOG_NOTICE, NULL, f, 2), EINVAL));
}

struct counting {
	struct sockd_host host;
	uint64_t metric;
	int failed;
};

static void *
count_often(void *arg)
{
	struct counting *k = arg;

	for (int i = 0; i < 1000; i++)
		k->failed += sockd_metric_add(k->host, k->metric, 1) != 0;
	return NULL;
}

static void
any_thread_counts(struct sockd_conn c, struct sockd_reader r, struct sockd_writer w)
{
	struct counting k[2];
	struct sockd_host h = sockd_conn_host(c);
	pthread_t threads[2];

	(void)r, (void)w;
	for (int i = 0; i < 2; i++) {
		k[i] = (struct counting){ .host = *(struct sockd_host *)sockd_conn_thread_state(c) };
		k[i].metric = sockd_metric_register(k[i].host, 1, "counted", "By threads");
		CHECK(k[i].metric != 0);
		CHECK(pthread_create(&threads[i], NULL, count_often, &k[i]) == 0);
	}
	for (int i = 0; i < 2; i++)
		pthread_join(threads[i], NULL);
	CHECK(k[0].metric == k[1].metric && k[0].failed == 0 && k[1].failed == 0);
	CHECK(FAILS(sockd_metric_add(h, k[0].metric, -1), EINVAL));
	CHECK(FAILS(sockd_metric_add(h, 99, 1), ENOENT));
	errno = 0;
	CHECK(sockd_metric_register(h, 2, "counted", "By threads") == 0 && errno == EEXIST);
	CHECK(sockd_metric_register(h, 3, "other", "Of no kind") == 0 && errno == EINVAL);
}

static const struct scenario scenarios[] = { { "offload_gives_the_result", offload_gives_the_result },
	{ "serial_work_keeps_its_order", serial_work_keeps_its_order },
	{ "a_full_queue_refuses", a_full_queue_refuses },
	{ "posts_come_exactly_once", posts_come_exactly_once }, { "leave_work_behind", leave_work_behind },
	{ "work_was_left_behind", work_was_left_behind }, { "fields_in_logs", fields_in_logs },
	{ "any_thread_counts", any_thread_counts }, { NULL, NULL } };

static int
thread_start(struct sockd_host h, void *instance, void **ret_state, struct sockd_error *e)
{
	struct sockd_host *kept = malloc(sizeof *kept);

	(void)instance;
	if (kept == NULL)
		return sockd_error_set(e, NULL, "no memory");
	*kept = h;
	*ret_state = kept;
	return 0;
}

static void
thread_stop(void *instance, void *state)
{
	(void)instance;
	free(state);
}

static void
serve(struct sockd_conn c, struct sockd_reader r, struct sockd_writer w)
{
	scenario_serve(scenarios, c, r, w);
}

SOCKD_EXPORT const struct sockd_plugin sockd_plugin = { SOCKD_PLUGIN_INIT, .name = "threads",
	.version = "1.0", .thread_start = thread_start, .thread_stop = thread_stop, .serve = serve };
