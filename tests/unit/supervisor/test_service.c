/* supervisor/service.c, with a worker that only remembers its orders. */
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>

#include "base/fdutil.h"
#include "base/log.h"
#include "supervisor/service.h"
#include "unit.h"

/* The worker's side: what it was told, in letters, and when it counts as done. */
static struct fake {
	char told[64];
	int done[2];
	bool stuck;
	int64_t open;
} fake;

static void
told(char letter)
{
	size_t n = strlen(fake.told);

	ck_assert_uint_lt(n, sizeof fake.told - 1);
	fake.told[n] = letter;
}

static void
end(void)
{
	if (!fake.stuck)
		ck_assert_int_eq(write(fake.done[1], "", 1), 1);
}

static void
fake_drain(void *worker, int64_t timeout_ms, int64_t spread_ms)
{
	ck_assert_ptr_eq(worker, &fake);
	ck_assert_int_eq(spread_ms, 7);
	(void)timeout_ms;
	told('d');
	if (fake.open == 0)
		end();
}

static void
fake_shutdown(void *worker)
{
	(void)worker;
	told('s');
	end();
}

static void
fake_reopen(void *worker)
{
	(void)worker;
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
	return (struct supervisor_counts){ .open = fake.open };
}

static int
fake_done_fd(void *worker)
{
	(void)worker;
	return fake.done[0];
}

static const struct supervisor_worker_ops fake_ops = {
	.drain = fake_drain,
	.shutdown = fake_shutdown,
	.reopen = fake_reopen,
	.tell = fake_tell,
	.counts = fake_counts,
	.done_fd = fake_done_fd,
};

static struct config config = { .daemon = { .log_target = "stderr", .shutdown_spread_ms = 7 } };
static struct event_base *base;
static struct service *service;

static void
prepare(int64_t open, int64_t timeout_ms)
{
	struct err e = { 0 };

	fake = (struct fake){ .open = open };
	config.daemon.shutdown_timeout_ms = timeout_ms;
	config.listener_count = 3;
	ck_assert_int_eq(pipe2(fake.done, O_CLOEXEC), 0);
	base = event_base_new();
	ck_assert_int_eq(service_new(&(struct service_options){ .base = base,
					     .config = &config,
					     .ops = &fake_ops,
					     .worker = &fake,
					     .grace_ms = 200 },
				 &service, &e),
		0);
}

static void
finish(void)
{
	service_free(service);
	event_base_free(base);
	close(fake.done[0]);
	close(fake.done[1]);
}

/* The orders of a test, given one by one once the service runs. */
static const enum signal_order *script;
static size_t script_left;

static void
give_order(evutil_socket_t fd, short what, void *arg)
{
	(void)fd;
	(void)what;
	(void)arg;
	service_order(service, *script++, "SIGTEST");
	if (--script_left > 0)
		event_base_once(base, -1, EV_TIMEOUT, give_order, NULL, &(struct timeval){ 0 });
}

static int
run(const enum signal_order *orders, size_t count)
{
	script = orders;
	script_left = count;
	event_base_once(base, -1, EV_TIMEOUT, give_order, NULL, &(struct timeval){ 0 });
	return service_run(service);
}
#define RUN(...)                                        \
	run((const enum signal_order[]){ __VA_ARGS__ }, \
		sizeof((const enum signal_order[]){ __VA_ARGS__ }) / sizeof(enum signal_order))

START_TEST(a_drain_without_connections_is_over_at_once)
{
	prepare(0, 25000);

	ck_assert_int_eq(RUN(SIGNAL_DRAIN), 0);

	ck_assert_str_eq(fake.told, "RDd");
	finish();
}
END_TEST

START_TEST(a_second_signal_stops_now)
{
	prepare(2, 25000);

	ck_assert_int_eq(RUN(SIGNAL_DRAIN, SIGNAL_DRAIN), 0);

	ck_assert_str_eq(fake.told, "RDdSs");
	finish();
}
END_TEST

START_TEST(quit_stops_without_a_drain)
{
	prepare(2, 25000);

	ck_assert_int_eq(RUN(SIGNAL_STOP), 0);

	ck_assert_str_eq(fake.told, "RSs");
	finish();
}
END_TEST

START_TEST(other_signals_change_nothing)
{
	prepare(2, 25000);

	ck_assert_int_eq(RUN(SIGNAL_RELOAD, SIGNAL_UPGRADE, SIGNAL_REOPEN, SIGNAL_STOP), 0);

	ck_assert_str_eq(fake.told, "RrSs");
	finish();
}
END_TEST

START_TEST(a_worker_that_never_ends_is_given_up_after_its_grace)
{
	prepare(1, 0);
	fake.stuck = true;

	ck_assert_int_eq(RUN(SIGNAL_DRAIN, SIGNAL_DRAIN), -ETIMEDOUT);
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

	prepare(2, 25000);
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
	prepare(0, 0);
	config.daemon.log_target = "/nonexistent/folder/log";

	ck_assert_int_eq(RUN(SIGNAL_REOPEN, SIGNAL_DRAIN), 0);

	ck_assert_str_eq(fake.told, "RrDd");
	finish();
}
END_TEST

UNIT_TESTS("service", a_drain_without_connections_is_over_at_once, a_second_signal_stops_now,
	quit_stops_without_a_drain, other_signals_change_nothing,
	a_worker_that_never_ends_is_given_up_after_its_grace, the_service_manager_learns_each_step,
	a_log_that_cannot_be_reopened_is_survived)
