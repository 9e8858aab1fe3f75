/* worker/worker.c: from a snapshot to served sockets, and back to nothing. */
#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stddef.h>
#include <sys/socket.h>
#include <sys/un.h>

#include "base/fdutil.h"
#include "worker/worker.h"

#include "fixture.h"

#define ECHO                                                                                    \
	"static void data(struct sockd_conn c, struct sockd_reader r, struct sockd_writer w)\n" \
	"{ (void)c; sockd_move(w, r); }\n" MADE_DESCRIPTION(".data = data")

#define LAZY                                                                                            \
	"static int start(struct sockd_host h, const struct sockd_settings *s, void **ret,"             \
	" struct sockd_error *e)\n"                                                                     \
	"{ (void)h; (void)s; (void)ret; return sockd_error_set(e, NULL, \"not today\"); }\n" MADE_ENTRY \
		MADE_DESCRIPTION(".start = start, .data = nothing")

static int
connect_to(const struct fixture *f, const char *name)
{
	struct sockaddr_un sun = { .sun_family = AF_UNIX };
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

	snprintf(sun.sun_path, sizeof sun.sun_path, "%s/%s", f->dir, name);
	ck_assert_int_eq(connect(fd, (struct sockaddr *)&sun, sizeof sun), 0);
	return fd;
}

static struct worker *
start(struct fixture *f)
{
	struct worker *w = NULL;
	struct err e = { 0 };
	bool serves[1] = { true };

	fixture_init(f);
	made_plugin(f->dir, "echo", "", ECHO);
	ck_assert_msg(worker_new(fixture_snapshot(
					 f, HEAD "  a: {listen: \'unix://${DIR}/a\', handler: echo}\n", true),
			      NULL, &f->report, serves, &w, &e) == 0,
		"%s", e.text);
	ck_assert(!serves[0]);
	return w;
}

static void
wait_done(const struct worker *w)
{
	struct pollfd p = { .fd = worker_done_fd(w), .events = POLLIN };

	ck_assert_int_eq(poll(&p, 1, 20000), 1);
}

START_TEST(a_worker_serves_counts_and_drains)
{
	struct worker_counts n;
	struct fixture f;
	struct worker *w = start(&f);
	int fd = connect_to(&f, "a");
	char bytes[8];

	ck_assert_int_eq(write(fd, "hello", 5), 5);
	ck_assert_int_eq(recv(fd, bytes, 5, MSG_WAITALL), 5);
	n = worker_counts(w);
	ck_assert_int_eq(n.open, 1);
	ck_assert_uint_eq(n.served, 1);

	worker_drain(w, 10000, 0);
	ck_assert_int_eq(read(fd, bytes, sizeof bytes), 0);
	close(fd);
	wait_done(w);

	n = worker_counts(w);
	ck_assert_int_eq(n.open, 0);
	ck_assert_uint_eq(n.drained, 1);
	ck_assert_uint_eq(n.forced, 0);
	worker_free(w);
	fixture_fini(&f);
}
END_TEST

START_TEST(a_shutdown_cuts)
{
	struct fixture f;
	struct worker *w = start(&f);
	int fd = connect_to(&f, "a");
	char bytes[8];

	ck_assert_int_eq(write(fd, "hello", 5), 5);
	ck_assert_int_eq(recv(fd, bytes, 5, MSG_WAITALL), 5);
	worker_tell(w, "draining", "for a test");
	worker_reopen(w);
	worker_shutdown(w);
	wait_done(w);

	ck_assert_uint_eq(worker_counts(w).forced, 1);
	ck_assert_int_eq(worker_counts(w).open, 0);
	worker_free(w);
	close(fd);
	fixture_fini(&f);
}
END_TEST

START_TEST(starting_leaves_the_callers_signals_alone)
{
	sigset_t before, after;
	struct fixture f;
	struct worker *w;

	pthread_sigmask(SIG_SETMASK, NULL, &before);
	w = start(&f);
	pthread_sigmask(SIG_SETMASK, NULL, &after);

	ck_assert_int_eq(sigismember(&before, SIGTERM), sigismember(&after, SIGTERM));
	ck_assert(!sigismember(&after, SIGUSR1));
	worker_shutdown(w);
	wait_done(w);
	worker_free(w);
	fixture_fini(&f);
}
END_TEST

START_TEST(a_plugin_that_refuses_to_start_leaves_nothing_behind)
{
	struct worker *w = NULL;
	struct err e = { 0 };
	struct fixture f;
	struct snapshot *s;
	bool serves[1];
	int before;

	fixture_init(&f);
	made_plugin(f.dir, "lazy", "", LAZY);
	before = fd_count_open();
	s = fixture_snapshot(&f, HEAD "  a: {listen: \'unix://${DIR}/a\', handler: lazy}\n", true);

	ck_assert_int_lt(worker_new(s, NULL, &f.report, serves, &w, &e), 0);

	ck_assert_ptr_null(w);
	ck_assert_msg(strstr(e.text, "not today") != NULL, "%s", e.text);
	fixture_fini(&f);
	ck_assert_int_eq(fd_count_open(), before);
}
END_TEST

UNIT_TESTS("worker", a_worker_serves_counts_and_drains, a_shutdown_cuts,
	starting_leaves_the_callers_signals_alone, a_plugin_that_refuses_to_start_leaves_nothing_behind)
