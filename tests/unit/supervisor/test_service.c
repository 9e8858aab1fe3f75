/* supervisor/service.c, with a worker that only remembers its orders. */
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>

#include "base/fdutil.h"
#include "base/log.h"
#include "config/load.h"
#include "control/snapshot.h"
#include "supervisor/service.h"
#include "unit.h"

/* The worker's side: what it was told, in letters, and what it owes the supervisor. */
static struct fake {
	struct supervisor_start start;
	char told[64];
	bool stuck;
	int64_t open;
	int fails; /* a code: it never becomes ready */
	bool freed;
	int ended; /* how often it was told that nobody is to queue */
	bool may_return;
} fake;

static struct event_base *base;
static struct service *service;

static void
told(char letter)
{
	size_t n = strlen(fake.told);

	ck_assert_uint_lt(n, sizeof fake.told - 1);
	fake.told[n] = letter;
}

static void
later(event_callback_fn fn)
{
	ck_assert_int_eq(event_base_once(base, -1, EV_TIMEOUT, fn, NULL, &(struct timeval){ 0 }), 0);
}

static void
say_ready(evutil_socket_t fd, short what, void *arg)
{
	struct err e = { 0 };

	(void)fd, (void)what, (void)arg;
	if (fake.fails == 0) {
		fake.start.events->ready(fake.start.arg, NULL);
		return;
	}
	err_set(&e, fake.fails, "it does not start");
	fake.start.events->ended(fake.start.arg, SUPERVISOR_END_FAILED, &e);
}

static void
say_done(evutil_socket_t fd, short what, void *arg)
{
	(void)fd, (void)what, (void)arg;
	fake.start.events->done(fake.start.arg);
}

static void
say_ended(evutil_socket_t fd, short what, void *arg)
{
	(void)fd, (void)what, (void)arg;
	fake.start.events->ended(fake.start.arg, SUPERVISOR_END_ORDERED, NULL);
}

static int
fake_start(const struct supervisor_start *o, void **ret_worker, struct err *e)
{
	(void)e;
	ck_assert_uint_eq(o->generation, 1);
	ck_assert_ptr_eq(o->snapshot, service_snapshot(service));
	fake.start = *o;
	*ret_worker = &fake;
	later(say_ready);
	return 0;
}

static void
fake_drain(void *worker, int64_t timeout_ms, int64_t spread_ms)
{
	ck_assert_ptr_eq(worker, &fake);
	ck_assert_int_eq(spread_ms, 7);
	(void)timeout_ms;
	told('d');
	if (fake.open == 0 && !fake.stuck)
		later(say_done);
}

static void
fake_shutdown(void *worker)
{
	(void)worker;
	told('s');
	if (!fake.stuck)
		later(say_done);
}

static void
fake_end(void *worker)
{
	(void)worker;
	told('e');
	later(say_ended);
}

static bool
fake_kill(void *worker)
{
	(void)worker;
	return false;
}

static void
fake_free(void *worker)
{
	ck_assert_ptr_eq(worker, &fake);
	fake.freed = true;
}

static void
fake_reopen(void *worker, int log_fd)
{
	(void)worker;
	ck_assert_int_eq(log_fd, -1);
	told('r');
}

static void
fake_tell(void *worker, const char *event, const char *text)
{
	(void)worker;
	(void)text;
	told((char)(event[0] - 'a' + 'A'));
}

static struct supervisor_counts
fake_counts(void *worker)
{
	(void)worker;
	return (struct supervisor_counts){ .open = fake.open, .served = 5 };
}

static const struct supervisor_worker_ops fake_ops = {
	.start = fake_start,
	.drain = fake_drain,
	.shutdown = fake_shutdown,
	.end = fake_end,
	.kill = fake_kill,
	.free = fake_free,
	.reopen = fake_reopen,
	.tell = fake_tell,
	.counts = fake_counts,
};

static void
serves(void *arg, const bool *per_listener)
{
	ck_assert_ptr_eq(arg, &fake);
	ck_assert_ptr_null(per_listener);
	told('!');
}

static void
ends(void *arg, bool may_return)
{
	ck_assert_ptr_eq(arg, &fake);
	ck_assert_uint_eq(service_snapshot(service)->socket_count, 0);
	fake.may_return = may_return;
	fake.ended++;
}

static struct config *config;
static struct supervisor_surroundings surroundings;

static void
prepare(int64_t open, const char *daemon)
{
	static struct cfg_report report;
	struct snapshot *s = calloc(1, sizeof *s);
	struct err e = { 0 };
	char text[1024];

	fake = (struct fake){ .open = open };
	snprintf(text, sizeof text,
		"version: 1\ndaemon: {%s}\nlisteners:\n"
		"  a: {listen: 'unix:@a', handler: echo}\n  b: {listen: 'unix:@b', handler: echo}\n"
		"  c: {listen: 'unix:@c', handler: echo}\n",
		daemon);
	ck_assert_int_eq(config_parse_text("t.yaml", text, strlen(text), NULL, &config, &report), 0);
	s->config = config;
	s->loops = 1;
	base = event_base_new();
	surroundings = (struct supervisor_surroundings){ .log_fd = -1 };
	ck_assert_int_eq(service_new(&(struct service_options){ .base = base,
					     .ops = &fake_ops,
					     .surroundings = &surroundings,
					     .snapshot = s,
					     .report = &report,
					     .grace_ms = 200,
					     .ready = serves,
					     .ending = ends,
					     .arg = &fake },
				 &service, &e),
		0);
}
#define DRAIN(timeout) "shutdown: {timeout: " timeout ", spread: 7ms}"

static void
finish(void)
{
	service_free(service);
	event_base_free(base);
}

/* The orders of a test, given one by one once the service runs. */
static const enum signal_order *script;
static size_t script_left;

static void
give_order(evutil_socket_t fd, short what, void *arg)
{
	(void)fd, (void)what, (void)arg;
	service_order(service, *script++, "SIGTEST");
	if (--script_left > 0)
		later(give_order);
}

static void
begin_orders(evutil_socket_t fd, short what, void *arg)
{
	(void)fd, (void)what, (void)arg;
	if (strchr(fake.told, 'R') == NULL)
		later(begin_orders);
	else
		give_order(fd, what, arg);
}

static int
run(const enum signal_order *orders, size_t count)
{
	struct err e = { 0 };

	script = orders;
	script_left = count;
	later(begin_orders);
	return service_run(service, &e);
}
#define RUN(...)                                        \
	run((const enum signal_order[]){ __VA_ARGS__ }, \
		sizeof((const enum signal_order[]){ __VA_ARGS__ }) / sizeof(enum signal_order))

START_TEST(a_drain_without_connections_is_over_at_once)
{
	prepare(0, DRAIN("25s"));

	ck_assert_int_eq(RUN(SIGNAL_DRAIN), 0);

	ck_assert_str_eq(fake.told, "!RDdSe");
	finish();
}
END_TEST

START_TEST(who_ends_it_decides_whether_another_may_follow)
{
	prepare(0, DRAIN("25s"));
	ck_assert_int_eq(RUN(SIGNAL_DRAIN), 0);
	ck_assert(fake.ended == 1 && fake.may_return);
	finish();

	prepare(2, DRAIN("25s"));
	service_end_for_good(service);
	ck_assert_int_eq(RUN(SIGNAL_STOP), 0);
	ck_assert(fake.ended == 1 && !fake.may_return);
	finish();
}
END_TEST

START_TEST(a_second_signal_stops_now)
{
	prepare(2, DRAIN("25s"));

	ck_assert_int_eq(RUN(SIGNAL_DRAIN, SIGNAL_DRAIN), 0);

	ck_assert_str_eq(fake.told, "!RDdSsSe");
	finish();
}
END_TEST

START_TEST(quit_stops_without_a_drain)
{
	prepare(2, DRAIN("25s"));

	ck_assert_int_eq(RUN(SIGNAL_STOP), 0);

	ck_assert_str_eq(fake.told, "!RSsSe");
	finish();
}
END_TEST

START_TEST(other_signals_change_nothing)
{
	prepare(2, DRAIN("25s"));

	ck_assert_int_eq(RUN(SIGNAL_RELOAD, SIGNAL_UPGRADE, SIGNAL_REOPEN, SIGNAL_STOP), 0);

	ck_assert_str_eq(fake.told, "!RrSsSe");
	finish();
}
END_TEST

START_TEST(a_worker_that_never_ends_is_given_up_after_its_grace)
{
	prepare(1, DRAIN("7ms"));
	fake.stuck = true;

	ck_assert_int_eq(RUN(SIGNAL_DRAIN, SIGNAL_DRAIN), -ETIMEDOUT);
	finish();
}
END_TEST

START_TEST(what_was_counted_outlives_the_worker)
{
	prepare(0, DRAIN("25s"));

	ck_assert_int_eq(RUN(SIGNAL_DRAIN), 0);

	ck_assert(fake.freed);
	ck_assert_uint_eq(generations_counts(service_generations(service)).served, 5);
	finish();
}
END_TEST

START_TEST(a_worker_that_does_not_start_ends_it_and_says_why)
{
	struct err e = { 0 };

	prepare(0, DRAIN("25s"));
	fake.fails = -ENOENT;

	ck_assert_int_eq(service_run(service, &e), -ENOENT);

	ck_assert_str_eq(e.text, "it does not start");
	ck_assert_str_eq(fake.told, "");
	finish();
}
END_TEST

START_TEST(a_committed_snapshot_takes_the_place_of_the_old_one)
{
	struct snapshot *next;

	prepare(0, DRAIN("25s"));
	ck_assert_int_eq(snapshot_copy(service_snapshot(service), &next), 0);

	service_commit(service, next);

	ck_assert_ptr_eq(service_snapshot(service), next);
	finish();
}
END_TEST

#ifdef HAVE_LIBSYSTEMD
enum { with_systemd = true };
#else
enum { with_systemd = false }; /* nothing is sent */
#endif

/* A socket in NOTIFY_SOCKET's place. */
static int
notify_socket(const char *dir)
{
	struct sockaddr_un sun = { .sun_family = AF_UNIX };
	int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);

	snprintf(sun.sun_path, sizeof sun.sun_path, "%s/notify", dir);
	ck_assert_int_eq(bind(fd, (struct sockaddr *)&sun, sizeof sun), 0);
	ck_assert_int_eq(setenv("NOTIFY_SOCKET", sun.sun_path, 1), 0);
	return fd;
}

START_TEST(the_service_manager_learns_each_step)
{
	static const char *const want[] = { "READY=1", "STATUS=serving 3 listeners, 2 connections",
		"STOPPING=1", "EXTEND_TIMEOUT_USEC=10000000", "STATUS=draining 2/2, 25s left",
		"EXTEND_TIMEOUT_USEC=10000000", "STATUS=draining 2/2, 0s left" };
	char *dir = unit_tempdir();
	int fd = notify_socket(dir);

	prepare(2, DRAIN("25s"));
	ck_assert_int_eq(RUN(SIGNAL_DRAIN, SIGNAL_DRAIN), 0);

	for (size_t i = 0; with_systemd && i < array_len(want); i++) {
		char text[256];
		ssize_t n = recv(fd, text, sizeof text - 1, MSG_DONTWAIT);

		ck_assert_int_gt(n, 0);
		text[n] = '\0';
		ck_assert_str_eq(text, want[i]);
	}
	ck_assert_int_eq(recv(fd, dir, 1, MSG_DONTWAIT), -1);
	finish();
	close(fd);
	unit_tempdir_remove(dir);
}
END_TEST

START_TEST(a_log_that_cannot_be_reopened_is_survived)
{
	prepare(0, "log: /nonexistent/folder/log, " DRAIN("7ms"));

	ck_assert_int_eq(RUN(SIGNAL_REOPEN, SIGNAL_DRAIN), 0);

	ck_assert_str_eq(fake.told, "!RrDdSe");
	finish();
}
END_TEST

UNIT_TESTS("service", who_ends_it_decides_whether_another_may_follow,
	a_drain_without_connections_is_over_at_once, a_second_signal_stops_now, quit_stops_without_a_drain,
	other_signals_change_nothing, a_worker_that_never_ends_is_given_up_after_its_grace,
	the_service_manager_learns_each_step, a_log_that_cannot_be_reopened_is_survived,
	what_was_counted_outlives_the_worker, a_worker_that_does_not_start_ends_it_and_says_why,
	a_committed_snapshot_takes_the_place_of_the_old_one)
