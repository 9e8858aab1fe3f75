/* plugins/exec on fakes: real programs, on a clock that the test moves. What they write to a client is in
 * tests/system/test_exec.py; here the test speaks for them. */
#include <dirent.h>
#include <fcntl.h>
#include <limits.h>
#include <signal.h>
#include <sys/stat.h>
#include <sys/wait.h>

#include "plugin_case.h"

static struct sockd_fake *
running(const char *script)
{
	struct sockd_fake *f = sockd_fake_new(&sockd_plugin, SOCKD_TCP);

	ck_assert_ptr_nonnull(f);
	ck_assert_int_eq(sockd_fake_set(f, "command", "/bin/sh"), 0);
	ck_assert_int_eq(sockd_fake_set(f, "command", "-c"), 0);
	ck_assert_int_eq(sockd_fake_set(f, "command", script), 0);
	ck_assert_int_eq(sockd_fake_set(f, "stderr", "nowhere"), 0);
	ck_assert_int_eq(sockd_fake_set(f, "grace", "10s"), 0);
	return f;
}

static void
start(struct sockd_fake *f)
{
	ck_assert_msg(sockd_fake_start(f) == 0, "%s", sockd_fake_error(f));
}

/* The test is the program's parent, too. @return its process, which is left to be reaped */
static pid_t
wait_until(int what)
{
	siginfo_t info;

	ck_assert_int_eq(waitid(P_ALL, 0, &info, what | WNOWAIT), 0);
	return info.si_pid;
}

static void
expect_no_program(void)
{
	ck_assert_int_eq(waitpid(-1, NULL, WNOHANG), -1);
	ck_assert_int_eq(errno, ECHILD);
}

static unsigned
descriptors(void)
{
	DIR *d = opendir("/proc/self/fd");
	unsigned count = 0;

	ck_assert_ptr_nonnull(d);
	while (readdir(d) != NULL)
		count++;
	closedir(d);
	return count;
}

static void
expect_log(struct sockd_fake *f, const char *event, pid_t pid, const char *end)
{
	char text[128];

	snprintf(text, sizeof text, "%s process %ld ended %s", event, (long)pid, end);
	ck_assert_str_eq(sockd_fake_log(f), text);
}

START_TEST(client_and_program_are_joined)
{
	struct sockd_fake *f = running("exit 3"), *program = sockd_fake_peer(f, "fd:");
	unsigned before = descriptors();
	pid_t pid;

	start(f);
	sockd_fake_stay(f, true);
	sockd_fake_stay(program, true);
	feed(f, "question");
	sockd_fake_turn(f);
	expect_answer(program, "question");
	feed(program, "answer");
	sockd_fake_turn(f);
	expect_answer(f, "answer");
	sockd_fake_end(f);
	sockd_fake_turn(f);
	ck_assert(sockd_fake_write_closed(program));
	ck_assert_int_eq(sockd_fake_reason(f), 0);
	pid = wait_until(WEXITED);
	sockd_fake_end(program);
	sockd_fake_turn(f);

	ck_assert_int_eq(sockd_fake_reason(f), SOCKD_BY_HANDLER);
	expect_log(f, "exec_ended", pid, "with status 3");
	expect_no_program();
	ck_assert_uint_eq(descriptors(), before);
	ck_assert_int_eq(sockd_fake_metric(f, "exec_started"), 1);
	sockd_fake_free(f);
}
END_TEST

START_TEST(one_that_outlives_its_client_is_told_so_after_the_grace)
{
	struct sockd_fake *f = running("kill -STOP $$; exec sleep 1000");
	pid_t pid;

	(void)sockd_fake_peer(f, "fd:");
	start(f);
	sockd_fake_turn(f); /* its client has nothing to say, and the program neither */
	ck_assert_int_eq(sockd_fake_reason(f), SOCKD_BY_HANDLER);
	pid = wait_until(WSTOPPED);
	sockd_fake_advance(f, 9990);
	ck_assert_int_eq(kill(pid, SIGCONT), 0);
	ck_assert_int_eq(waitpid(pid, NULL, WNOHANG), 0);
	sockd_fake_advance(f, 200);
	ck_assert_int_eq(wait_until(WEXITED), pid);
	sockd_fake_advance(f, 200);

	expect_log(f, "exec_killed", pid, "by Terminated");
	expect_no_program();
	sockd_fake_free(f);
}
END_TEST

START_TEST(one_that_does_not_listen_is_killed)
{
	struct sockd_fake *f = running("trap '' TERM; kill -STOP $$; exec sleep 1000");
	pid_t pid;

	(void)sockd_fake_peer(f, "fd:");
	start(f);
	sockd_fake_turn(f);
	pid = wait_until(WSTOPPED);
	sockd_fake_advance(f, 10200); /* TERM, which it has no ears for, stopped or not */
	ck_assert_int_eq(kill(pid, 0), 0);
	ck_assert_int_eq(waitpid(pid, NULL, WNOHANG), 0);
	sockd_fake_advance(f, 10200);

	expect_log(f, "exec_killed", pid, "by Killed");
	expect_no_program();
	sockd_fake_free(f);
}
END_TEST

/* The shell ends by TERM, and its child is deaf. */
START_TEST(what_it_has_started_ends_with_it)
{
	struct sockd_fake *f;
	char *dir = unit_tempdir(), path[PATH_MAX], script[PATH_MAX + 128];
	int alive;

	snprintf(path, sizeof path, "%s/alive", dir);
	ck_assert_int_eq(mkfifo(path, 0600), 0);
	alive = open(path, O_RDONLY | O_NONBLOCK | O_CLOEXEC); /* at its end when nobody can write any more */
	ck_assert_int_ge(alive, 0);
	snprintf(script, sizeof script, "(trap '' TERM; kill -STOP $$; exec sleep 1000) 2>%s & wait", path);
	f = running(script);
	(void)sockd_fake_peer(f, "fd:");
	start(f);
	sockd_fake_turn(f);
	(void)wait_until(WSTOPPED);
	sockd_fake_advance(f, 10200);
	(void)kill(wait_until(WSTOPPED), SIGCONT);
	(void)wait_until(WEXITED);
	sockd_fake_advance(f, 200);

	ck_assert_int_eq(fcntl(alive, F_SETFL, 0), 0);
	ck_assert_int_eq(read(alive, path, 1), 0); /* waits for the child's end, and no longer */
	close(alive);
	sockd_fake_free(f);
	unit_tempdir_remove(dir);
}
END_TEST

START_TEST(a_client_above_the_limit_is_denied_until_a_program_is_reaped)
{
	struct sockd_fake *f = running("kill -STOP $$"), *program = sockd_fake_peer(f, "fd:");
	pid_t pid;

	ck_assert_int_eq(sockd_fake_set(f, "processes", "1"), 0);
	start(f);
	sockd_fake_turn(f);
	pid = wait_until(WSTOPPED);
	sockd_fake_turn(f);
	ck_assert_int_eq(sockd_fake_reason(f), SOCKD_BY_DENIED);
	ck_assert_str_eq(sockd_fake_log(f), "exec_refused 1 programs run already");
	ck_assert_int_eq(sockd_fake_metric(f, "exec_refused"), 1);

	ck_assert_int_eq(kill(pid, SIGCONT), 0);
	ck_assert_int_eq(wait_until(WEXITED), pid);
	sockd_fake_advance(f, 200);
	sockd_fake_stay(program, true);
	sockd_fake_turn(f);
	ck_assert_int_eq(sockd_fake_metric(f, "exec_started"), 2);
	ck_assert_int_eq(sockd_fake_reason(f), 0);
	ck_assert_int_eq(kill(wait_until(WSTOPPED), SIGKILL), 0);
	sockd_fake_free(f);
	expect_no_program();
}
END_TEST

START_TEST(a_drain_ends_its_input)
{
	struct sockd_fake *f = running("kill -STOP $$"), *program = sockd_fake_peer(f, "fd:");

	start(f);
	sockd_fake_stay(f, true);
	sockd_fake_stay(program, true);
	sockd_fake_turn(f);
	(void)wait_until(WSTOPPED);
	ck_assert(!sockd_fake_write_closed(program));
	sockd_fake_drain(f, 1000);
	sockd_fake_turn(f);

	ck_assert(sockd_fake_write_closed(program));
	sockd_fake_free(f); /* the deadline: nobody waits any more */
	expect_no_program();
}
END_TEST

/* ---- what goes wrong ---- */

static void
expect_nothing_left(struct sockd_fake *f, unsigned fds, const char *said)
{
	ck_assert_int_eq(sockd_fake_closes(f), 1);
	ck_assert_msg(strncmp(sockd_fake_log(f), said, strlen(said)) == 0, "%s", sockd_fake_log(f));
	ck_assert_uint_eq(descriptors(), fds);
	sockd_fake_free(f);
	expect_no_program();
}

START_TEST(nothing_is_left_of_one_that_does_not_start)
{
	struct sockd_fake *f = running("exit 0");
	unsigned before = descriptors();

	start(f);
	sockd_fake_fail(f, SOCKD_FAKE_OFFLOAD, EAGAIN, 0, 1);
	sockd_fake_turn(f);

	ck_assert_int_eq(sockd_fake_metric(f, "exec_started"), 0);
	expect_nothing_left(f, before, "exec_failed cannot start /bin/sh: Resource temporarily unavailable");
}
END_TEST

START_TEST(one_that_cannot_be_talked_to_is_reaped)
{
	struct sockd_fake *f = running("exit 0");
	unsigned before = descriptors();

	start(f);
	sockd_fake_fail(f, SOCKD_FAKE_DIAL, ENOMEM, 0, 1);
	sockd_fake_turn(f);

	expect_nothing_left(f, before, "exec_failed cannot talk to /bin/sh: Cannot allocate memory");
}
END_TEST

START_TEST(without_fibers_the_client_waits_for_the_reaping)
{
	for (unsigned skip = 0; skip < 2; skip++) {
		struct sockd_fake *f = running("exit 1");
		unsigned before = descriptors();

		(void)sockd_fake_peer(f, "fd:");
		start(f);
		sockd_fake_fail(f, SOCKD_FAKE_SPAWN, EAGAIN, skip, 2);
		sockd_fake_turn(f);

		expect_nothing_left(f, before, "exec_");
	}
}
END_TEST

START_TEST(settings_are_judged)
{
	static const struct {
		const char *name, *text, *said;
	} wrong[] = {
		{ "command", "cat", "command[0]: 'cat' is no absolute path" },
		{ "command", "/nowhere/cat",
			"command[0]: cannot run '/nowhere/cat': No such file or directory" },
		{ "environment", "x", "environment[0]: 'x' is not NAME=VALUE" },
		{ "environment", "=x", "environment[0]: '=x' is not NAME=VALUE" },
	};

	for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
		struct sockd_fake *f = sockd_fake_new(&sockd_plugin, SOCKD_TCP);

		ck_assert_int_eq(sockd_fake_set(f, wrong[i].name, wrong[i].text), 0);
		if (strcmp(wrong[i].name, "command") != 0)
			ck_assert_int_eq(sockd_fake_set(f, "command", "/bin/cat"), 0);
		ck_assert_int_eq(sockd_fake_start(f), -1);
		ck_assert_str_eq(sockd_fake_error(f), wrong[i].said);
		sockd_fake_free(f);
	}
}
END_TEST

START_TEST(an_environment_without_room_is_refused)
{
	static char large[9000];
	struct sockd_fake *f = running("exit 0");

	memset(large, 'x', sizeof large - 1);
	large[1] = '=';
	ck_assert_int_eq(sockd_fake_set(f, "environment", large), 0);
	ck_assert_int_eq(sockd_fake_start(f), -1);

	ck_assert_str_eq(sockd_fake_error(f),
		"environment[0]: is more than the 64 variables or 8192 bytes there is room for");
	sockd_fake_free(f);
}
END_TEST

UNIT_TESTS("exec", client_and_program_are_joined, one_that_outlives_its_client_is_told_so_after_the_grace,
	one_that_does_not_listen_is_killed, what_it_has_started_ends_with_it,
	a_client_above_the_limit_is_denied_until_a_program_is_reaped, a_drain_ends_its_input,
	nothing_is_left_of_one_that_does_not_start, one_that_cannot_be_talked_to_is_reaped,
	without_fibers_the_client_waits_for_the_reaping, settings_are_judged,
	an_environment_without_room_is_refused)
