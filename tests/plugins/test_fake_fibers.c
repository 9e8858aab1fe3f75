/* Fibers, a client that stays, work and messages on the fakes, as a plugin's test sees them. */
#include "fake_case.h"

#include <signal.h>
#include <sys/wait.h>

/* ---- fibers ---- */

static int gate;

static int
waits(struct sockd_host h, void *arg)
{
	tell(arg);
	tell_result(arg, sockd_wait(h, &gate, SOCKD_FOREVER));
	return 7;
}

static void
serve_joins(struct sockd_conn c, struct sockd_reader r, struct sockd_writer w)
{
	static char a[] = "a", b[] = "b";
	struct sockd_host h = sockd_conn_host(c);
	uint64_t first = sockd_spawn(h, waits, a), second = sockd_spawn(h, waits, b);

	(void)r, (void)w;
	tell("serve");
	ck_assert_int_eq(sockd_sleep(h, 10), 0); /* they run, and wait */
	ck_assert_int_eq(sockd_wake(h, &gate), 0);
	ck_assert_int_eq(sockd_join(h, first), 7);
	ck_assert_int_eq(sockd_join(h, second), 7);
	ck_assert_int_eq(sockd_join(h, second), -1);
	ck_assert_int_eq(errno, ESRCH);
	ck_assert_int_eq(sockd_now(h), 10);
	ck_assert_int_eq(sockd_wait(h, &gate, 90), -1);
	ck_assert_int_eq(errno, ETIMEDOUT);
	ck_assert_int_eq(sockd_now(h), 100);
}

START_TEST(fibers_run_in_order_and_are_woken_and_joined)
{
	struct sockd_fake *f = serving(serve_joins);

	sockd_fake_turn(f);

	ck_assert_str_eq(told, "serve a b a=ok b=ok");
	ck_assert_int_eq(sockd_fake_reason(f), SOCKD_BY_HANDLER);
	sockd_fake_free(f);
}
END_TEST

static void
serve_cancels(struct sockd_conn c, struct sockd_reader r, struct sockd_writer w)
{
	static char name[] = "child";
	struct sockd_host h = sockd_conn_host(c);
	uint64_t child = sockd_spawn(h, waits, name);

	(void)r, (void)w;
	sockd_sleep(h, 1);
	tell_result("cancel", sockd_cancel(h, child));
	tell_result("join", sockd_join(h, child));
	tell_result("cancel", sockd_cancel(h, child));
	ck_assert_uint_ne(sockd_spawn(h, waits, name), 0); /* left behind */
	sockd_sleep(h, 1);
}

START_TEST(what_is_cancelled_or_left_behind_ends_with_ecanceled)
{
	struct sockd_fake *f = serving(serve_cancels);

	sockd_fake_turn(f);

	ck_assert_str_eq(told, "child cancel=ok child=ECANCELED join=ok cancel=ESRCH child child=ECANCELED");
	ck_assert_uint_eq(sockd_fake_closes(f), 1);
	sockd_fake_free(f);
}
END_TEST

static void
serve_refused(struct sockd_conn c, struct sockd_reader r, struct sockd_writer w)
{
	struct sockd_host h = sockd_conn_host(c);

	(void)r, (void)w;
	for (int i = 0; i < 3; i++)
		tell_result("spawn", sockd_spawn(h, waits, told) != 0 ? 0 : -1);
}

START_TEST(the_nth_spawn_fails_when_told_to)
{
	struct sockd_fake *f = serving(serve_refused);

	sockd_fake_fail(f, SOCKD_FAKE_SPAWN, EAGAIN, 1, 1);
	sockd_fake_turn(f);

	ck_assert_mem_eq(told, "spawn=ok spawn=EAGAIN spawn=ok", 30);
	sockd_fake_free(f);
}
END_TEST

static void
serve_waits(struct sockd_conn c, struct sockd_reader r, struct sockd_writer w)
{
	(void)r, (void)w;
	tell_result("wait", sockd_wait(sockd_conn_host(c), &gate, SOCKD_FOREVER));
	tell_result("wait", sockd_wait(sockd_conn_host(c), &gate, SOCKD_FOREVER));
}

START_TEST(a_drain_interrupts_a_wait_once_and_a_break_for_good)
{
	struct sockd_fake *f = serving(serve_waits);

	sockd_fake_turn(f);
	sockd_fake_drain(f, 1000);
	sockd_fake_turn(f);
	ck_assert_int_eq(sockd_fake_reason(f), 0);
	sockd_fake_break(f, SOCKD_BY_DRAIN_FORCED);

	ck_assert_str_eq(told, "wait=ESHUTDOWN wait=ECANCELED");
	ck_assert_int_eq(sockd_fake_reason(f), SOCKD_BY_DRAIN_FORCED);
	sockd_fake_free(f);
}
END_TEST

/* ---- a client that stays, and input in pieces ---- */

static void
serve_lines(struct sockd_conn c, struct sockd_reader r, struct sockd_writer w)
{
	char line[32];
	ssize_t n;

	(void)c;
	while ((n = sockd_read_until(r, "\n", 1, line, sizeof line)) > 0)
		sockd_printf(w, "<%.*s>", (int)n - 1, line);
	tell_result("read", n);
}

START_TEST(a_client_that_stays_is_waited_for)
{
	struct sockd_fake *f = serving(serve_lines);

	sockd_fake_stay(f, true);
	feed(f, "one\ntw");
	sockd_fake_turn(f);
	expect_taken(f, "<one>");
	feed(f, "o\n");
	sockd_fake_turn(f);
	expect_taken(f, "<two>");
	ck_assert_str_eq(told, "");
	sockd_fake_end(f);
	sockd_fake_turn(f);

	ck_assert_str_eq(told, "read=ok");
	ck_assert_int_eq(sockd_fake_reason(f), SOCKD_BY_HANDLER);
	sockd_fake_free(f);
}
END_TEST

START_TEST(a_timeout_ends_the_read_of_a_client_that_stays)
{
	struct sockd_fake *f = serving(serve_lines);

	sockd_fake_stay(f, true);
	sockd_fake_turn(f);
	sockd_fake_timeout(f, SOCKD_TIMEOUT_READ);

	ck_assert_str_eq(told, "read=ETIMEDOUT");
	sockd_fake_free(f);
}
END_TEST

START_TEST(input_can_arrive_byte_by_byte)
{
	struct sockd_fake *f = serving(serve_lines);

	sockd_fake_set_segment(f, 1);
	feed(f, "a\nbc\n");
	sockd_fake_turn(f);

	expect_taken(f, "<a><bc>");
	sockd_fake_free(f);
}
END_TEST

static size_t most_seen;

static void
on_data(struct sockd_conn c, struct sockd_reader r, struct sockd_writer w)
{
	(void)c;
	most_seen = sockd_readable(r) > most_seen ? sockd_readable(r) : most_seen;
	sockd_move(w, r);
}

START_TEST(data_is_called_for_each_piece)
{
	static const struct sockd_plugin p = { SOCKD_PLUGIN_INIT, .name = "p", .version = "1",
		.data = on_data };
	struct sockd_fake *f = sockd_fake_new(&p, SOCKD_UNIX);

	most_seen = 0;
	sockd_fake_set_segment(f, 2);
	feed(f, "abcde");
	sockd_fake_turn(f);

	expect_taken(f, "abcde");
	ck_assert_uint_eq(most_seen, 2);
	sockd_fake_free(f);
}
END_TEST

/* ---- work and messages ---- */

static struct sockd_host host_kept;

static int
work(void *arg)
{
	tell(arg);
	tell_result("log", sockd_log(host_kept, SOCKD_LOG_INFO, "works", "x"));
	tell_result("spawn", sockd_spawn(host_kept, waits, told) != 0 ? 0 : -1);
	errno = EIO;
	return -1;
}

static void
on_done(struct sockd_host h, int result, void *arg)
{
	tell(arg);
	tell(sockd_null(h) ? "nowhere" : result == -1 ? "failed" : "well");
}

static void
on_post(struct sockd_conn c, void *arg)
{
	tell(arg);
	tell(sockd_null(c) ? "nobody" : "there");
}

static void
on_thread(struct sockd_host h, void *arg)
{
	ck_assert_int_ge(sockd_now(h), 0);
	tell(arg);
}

static void
serve_works(struct sockd_conn c, struct sockd_reader r, struct sockd_writer w)
{
	static char a[] = "work", b[] = "then", d[] = "post";

	(void)r, (void)w;
	host_kept = sockd_conn_host(c);
	tell_result("offload", sockd_offload(host_kept, NULL, work, a));
	tell_result("post", sockd_post(host_kept, sockd_conn_id(c) + 1, on_post, d));
	ck_assert_int_eq(sockd_offload_then(host_kept, NULL, work, on_done, b), 0);
	ck_assert_int_eq(sockd_post(host_kept, sockd_conn_id(c), on_post, d), 0);
	tell("end");
}

START_TEST(work_runs_at_once_and_messages_come_after_the_end)
{
	struct sockd_fake *f = serving(serve_works);

	sockd_fake_turn(f);

	ck_assert_str_eq(told, "work log=ok spawn=EXDEV offload=EIO post=ESRCH then log=ok spawn=EXDEV end "
			       "then nowhere post nobody");
	sockd_fake_free(f);
}
END_TEST

START_TEST(messages_reach_who_is_there_and_can_be_refused)
{
	static const struct sockd_plugin p = { SOCKD_PLUGIN_INIT, .name = "p", .version = "1",
		.data = on_data };
	static char name[] = "message";
	struct sockd_fake *f = sockd_fake_new(&p, SOCKD_UNIX);
	struct sockd_host h;

	told[0] = '\0';
	sockd_fake_turn(f);
	h = sockd_conn_host(sockd_fake_conn(f));
	host_kept = h;
	ck_assert_int_eq(sockd_post(h, sockd_conn_id(sockd_fake_conn(f)), on_post, name), 0);
	ck_assert_int_eq(sockd_offload_then(h, NULL, work, on_done, name), 0);
	ck_assert_int_eq(sockd_post_thread(h, on_thread, name), -1); /* not a thread's scope */
	ck_assert_int_eq(errno, EINVAL);
	ck_assert_int_eq(sockd_offload(h, NULL, work, name), -1);
	ck_assert_int_eq(errno, EDEADLK);
	sockd_fake_turn(f);
	ck_assert_str_eq(told, "message log=ok spawn=EXDEV message there message failed");

	sockd_fake_fail(f, SOCKD_FAKE_OFFLOAD, EAGAIN, 0, 1);
	sockd_fake_fail(f, SOCKD_FAKE_POST, EAGAIN, 0, 1);
	ck_assert_int_eq(sockd_offload_then(h, NULL, work, on_done, name), -1);
	ck_assert_int_eq(errno, EAGAIN);
	ck_assert_int_eq(sockd_post(h, sockd_conn_id(sockd_fake_conn(f)), on_post, name), -1);
	ck_assert_int_eq(errno, EAGAIN);
	sockd_fake_free(f);
}
END_TEST

static char thread_word[] = "thread";

static int
thread_start(struct sockd_host h, void *instance, void **ret_state, struct sockd_error *e)
{
	(void)instance, (void)e;
	*ret_state = NULL;
	return sockd_post_thread(h, on_thread, thread_word);
}

static void
thread_stop(void *instance, void *state)
{
	(void)instance, (void)state;
	tell("stop");
}

START_TEST(a_message_to_a_thread_comes_before_its_end)
{
	static const struct sockd_plugin p = { SOCKD_PLUGIN_INIT, .name = "p", .version = "1",
		.data = on_data, .thread_start = thread_start, .thread_stop = thread_stop };
	struct sockd_fake *f = sockd_fake_new(&p, SOCKD_TCP);

	told[0] = '\0';
	ck_assert_int_eq(sockd_fake_start(f), 0);
	sockd_fake_free(f);

	ck_assert_str_eq(told, "thread stop");
}
END_TEST

/* ---- stacks ---- */

static void
serve_deep(struct sockd_conn c, struct sockd_reader r, struct sockd_writer w)
{
	volatile char deep[900 * 1024];

	(void)c, (void)r, (void)w;
	for (size_t i = sizeof deep; i > 0; i -= 1024)
		deep[i - 1] = (char)i;
	tell(deep[1023] == 0 ? "deep" : "spoiled");
}

START_TEST(a_stack_is_as_large_as_the_plugin_asks)
{
	static const struct sockd_plugin p = { SOCKD_PLUGIN_INIT, .name = "p", .version = "1",
		.stack_size = 1024 * 1024, .serve = serve_deep };
	struct sockd_fake *f = sockd_fake_new(&p, SOCKD_TCP);

	told[0] = '\0';
	sockd_fake_turn(f);

	ck_assert_str_eq(told, "deep");
	sockd_fake_free(f);
}
END_TEST

static void
serve_too_deep(struct sockd_conn c, struct sockd_reader r, struct sockd_writer w)
{
	volatile char deep[280 * 1024];

	(void)c, (void)r, (void)w;
	for (size_t i = sizeof deep; i > 0; i -= 1024)
		deep[i - 1] = (char)i;
}

START_TEST(a_stack_that_overflows_is_a_fault)
{
	struct sockd_fake *f = serving(serve_too_deep);
	pid_t pid = fork();
	int status;

	if (pid == 0) {
		(void)signal(SIGSEGV, SIG_DFL); /* a sanitizer would tell of it and exit */
		sockd_fake_turn(f);
		_exit(0);
	}
	ck_assert_int_eq(waitpid(pid, &status, 0), pid);
	ck_assert(WIFSIGNALED(status));
	ck_assert_int_eq(WTERMSIG(status), SIGSEGV);
	sockd_fake_free(f);
}
END_TEST

/* ---- who the client is ---- */

START_TEST(credentials_and_addresses_are_those_that_were_given)
{
	static const struct sockd_plugin p = { SOCKD_PLUGIN_INIT, .name = "p", .version = "1",
		.data = on_data };
	const struct sockd_cred cred = { .pid = 1, .uid = 2, .gid = 3 };
	const struct sockd_tls_info tls = { .version = "TLSv1.3" };
	const struct sockd_addr address = { .len = sizeof(sa_family_t), .sa.ss_family = AF_INET6 },
				asked = { .len = sizeof(sa_family_t), .sa.ss_family = AF_INET };
	struct sockd_fake *f = sockd_fake_new(&p, SOCKD_UNIX);
	struct sockd_conn c;

	sockd_fake_turn(f);
	c = sockd_fake_conn(f);
	ck_assert_ptr_null(sockd_conn_cred(c));
	ck_assert_int_eq(errno, ENOTSUP);
	ck_assert_ptr_null(sockd_conn_tls(c));
	ck_assert_int_eq(errno, 0);
	sockd_fake_set_cred(f, &cred);
	sockd_fake_set_tls(f, &tls);
	sockd_fake_set_proxy(f, &address);
	sockd_fake_set_remote(f, &address, "[2001:db8::1]:53");

	ck_assert_int_eq(sockd_conn_cred(c)->uid, 2);
	ck_assert_str_eq(sockd_conn_tls(c)->version, "TLSv1.3");
	ck_assert_int_eq(sockd_conn_proxy(c)->sa.ss_family, AF_INET6);
	ck_assert_int_eq(sockd_conn_remote(c)->sa.ss_family, AF_INET6);
	ck_assert_int_eq(sockd_conn_local(c)->sa.ss_family, AF_INET6);
	sockd_fake_set_local(f, &asked);
	ck_assert_int_eq(sockd_conn_local(c)->sa.ss_family, AF_INET);
	ck_assert_int_eq(sockd_conn_remote(c)->sa.ss_family, AF_INET6);
	ck_assert_str_eq(sockd_conn_remote_text(c), "[2001:db8::1]:53");
	sockd_fake_free(f);
}
END_TEST

UNIT_TESTS("fake_fibers", fibers_run_in_order_and_are_woken_and_joined,
	what_is_cancelled_or_left_behind_ends_with_ecanceled, the_nth_spawn_fails_when_told_to,
	a_drain_interrupts_a_wait_once_and_a_break_for_good, a_client_that_stays_is_waited_for,
	a_timeout_ends_the_read_of_a_client_that_stays, input_can_arrive_byte_by_byte,
	data_is_called_for_each_piece, work_runs_at_once_and_messages_come_after_the_end,
	messages_reach_who_is_there_and_can_be_refused, a_message_to_a_thread_comes_before_its_end,
	a_stack_is_as_large_as_the_plugin_asks, a_stack_that_overflows_is_a_fault,
	credentials_and_addresses_are_those_that_were_given)
