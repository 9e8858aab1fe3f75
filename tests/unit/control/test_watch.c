/* control/watch.c: what a crash leaves behind. The handlers are called with their signal blocked, so that
 * what they raise at their end stays pending and the test can look. */
#include "control/watch.h"

#include <signal.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "base/fdutil.h"
#include "unit.h"

enum { LOOPS = 2 };

static const struct watch_memory *
begin(void)
{
	const struct watch_memory *seen;
	struct err e = { 0 };
	int fd;

	ck_assert_int_eq(fd_shared_memory("watch", watch_size(LOOPS), &fd), 0);
	seen = fd_map_shared(fd, watch_size(LOOPS), false);
	ck_assert_ptr_nonnull(seen);
	ck_assert_msg(watch_begin(fd, LOOPS, &e) == 0, "%s", e.text);
	return seen;
}

/* As if @p number came for @p address. */
static void
crash(int number, const void *address)
{
	siginfo_t info = { .si_signo = number, .si_addr = (void *)(uintptr_t)address };
	struct sigaction action;
	sigset_t blocked, pending;

	ck_assert_int_eq(sigaction(number, NULL, &action), 0);
	ck_assert((action.sa_flags & (SA_SIGINFO | SA_ONSTACK)) == (SA_SIGINFO | SA_ONSTACK));
	/* The second crash, whoever has it, ends the process. */
	ck_assert((action.sa_flags & (int)SA_RESETHAND) != 0);
	sigemptyset(&blocked);
	sigaddset(&blocked, number);
	ck_assert_int_eq(sigprocmask(SIG_BLOCK, &blocked, NULL), 0);
	action.sa_sigaction(number, &info, NULL);
	ck_assert_int_eq(sigpending(&pending), 0);
	ck_assert_msg(sigismember(&pending, number) == 1, "the process would live on");
}

static char guard_page[16];

static bool
is_guard(const void *address)
{
	return address == guard_page;
}

START_TEST(a_crash_names_the_call_that_ran)
{
	const struct watch_memory *m = begin();
	uint32_t name = watch_name("web", "echo");
	struct watch_mark outer = watch_enter(name, WATCH_DATA, 7);

	(void)outer;
	crash(SIGSEGV, (void *)0x1234);

	ck_assert_uint_eq(m->crash.signal, SIGSEGV);
	ck_assert_uint_eq(m->crash.address, 0x1234);
	ck_assert_uint_eq(m->crash.name, name + 1);
	ck_assert_str_eq(m->names[name].listener, "web");
	ck_assert_str_eq(m->names[name].plugin, "echo");
	ck_assert_str_eq(watch_entry_name(m->crash.entry), "data");
	ck_assert_uint_eq(m->crash.conn, 7);
	ck_assert_ptr_nonnull(strchr(m->crash.backtrace, '\n'));
	ck_assert_uint_eq(m->cells[LOOPS].tid, getpid());
}
END_TEST

START_TEST(a_crash_outside_of_plugins_has_no_culprit)
{
	const struct watch_memory *m = begin();

	watch_leave(watch_enter(watch_name("web", "echo"), WATCH_OPEN, 7));
	crash(SIGABRT, NULL);

	ck_assert_uint_eq(m->crash.signal, SIGABRT);
	ck_assert_uint_eq(m->crash.name, 0);
	ck_assert_uint_eq(m->crash.conn, 0);
}
END_TEST

START_TEST(the_first_crash_is_the_one_that_is_told)
{
	const struct watch_memory *m = begin();

	crash(SIGFPE, (void *)1);
	crash(SIGBUS, (void *)2);

	ck_assert_uint_eq(m->crash.signal, SIGFPE);
	ck_assert_uint_eq(m->crash.address, 1);
}
END_TEST

START_TEST(an_access_beneath_a_stack_is_an_overflow)
{
	const struct watch_memory *m = begin();

	watch_set_stacks(is_guard, NULL);
	crash(SIGSEGV, guard_page);

	ck_assert_uint_eq(m->crash.signal, SIGSEGV | WATCH_STACK_OVERFLOW);
}
END_TEST

START_TEST(another_signal_with_that_address_is_none)
{
	const struct watch_memory *m = begin();

	watch_set_stacks(is_guard, NULL);
	crash(SIGFPE, guard_page);

	ck_assert_uint_eq(m->crash.signal, SIGFPE);
}
END_TEST

/* A plugin's own: it has no cell, and another loop's call is not blamed. */
START_TEST(a_thread_that_is_no_loop_blames_nobody)
{
	const struct watch_memory *m = begin();

	(void)watch_enter(watch_name("web", "echo"), WATCH_TIMER, 0);
	watch_thread_end();
	ck_assert_ptr_null(watch_here);
	crash(SIGILL, NULL);

	ck_assert_uint_eq(m->crash.signal, SIGILL);
	ck_assert_uint_eq(m->crash.name, 0);
}
END_TEST

START_TEST(names_are_kept_once_and_end)
{
	char listener[16];

	ck_assert_uint_eq(watch_name("web", "echo"), WATCH_NAMES); /* nobody looks */
	begin();
	ck_assert_uint_eq(watch_name("web", "echo"), 0);
	ck_assert_uint_eq(watch_name("web", "kv"), 1);
	ck_assert_uint_eq(watch_name("web", "echo"), 0);
	for (uint32_t i = 2; i < WATCH_NAMES; i++) {
		snprintf(listener, sizeof listener, "l%u", i);
		ck_assert_uint_eq(watch_name(listener, "echo"), i);
	}
	ck_assert_uint_eq(watch_name("one more", "echo"), WATCH_NAMES);
	ck_assert_str_eq(watch_entry_name(WATCH_ENTRY_COUNT), "?");
}
END_TEST

/* What it says on standard error. SIGABRT, since a sanitizer may keep others to itself. */
static const char *
said_alone(bool in_plugin, uint64_t conn)
{
	static char text[16384];
	int fd = memfd_create("said", MFD_CLOEXEC), stderr_fd = dup(STDERR_FILENO);
	struct err e = { 0 };
	ssize_t n;

	ck_assert_msg(watch_begin_alone(LOOPS, &e) == 0, "%s", e.text);
	ck_assert_int_eq(watch_begin_alone(LOOPS, &e), 0); /* once is enough */
	if (in_plugin)
		(void)watch_enter(watch_name("web", "echo"), WATCH_DATA, conn);
	ck_assert_int_ge(dup2(fd, STDERR_FILENO), 0);
	crash(SIGABRT, NULL);
	ck_assert_int_ge(dup2(stderr_fd, STDERR_FILENO), 0);
	close(stderr_fd);
	n = pread(fd, text, sizeof text - 1, 0);
	close(fd);
	ck_assert_int_gt(n, 0);
	text[n] = '\0';
	return text;
}

START_TEST(without_a_supervisor_a_crash_tells_itself)
{
	static const char line[] =
		"sockd: Aborted in data() of plugin 'echo', listener 'web', connection 4711\n";
	const char *text = said_alone(true, 4711);

	ck_assert_msg(strncmp(text, line, strlen(line)) == 0, "%s", text);
	ck_assert_msg(strstr(text, "test_watch") != NULL, "no backtrace: %s", text);
}
END_TEST

START_TEST(a_lone_crash_outside_of_plugins_has_no_culprit)
{
	ck_assert_int_eq(strncmp(said_alone(false, 0), "sockd: Aborted\n", strlen("sockd: Aborted\n")), 0);
}
END_TEST

START_TEST(memory_that_is_too_small_is_refused)
{
	int before = fd_count_open(), fd;
	struct err e = { 0 };

	ck_assert_int_eq(fd_shared_memory("watch", watch_size(LOOPS) - 1, &fd), 0);
	ck_assert_int_lt(watch_begin(fd, LOOPS, &e), 0);
	ck_assert_str_ne(e.text, "");
	ck_assert_int_eq(fd_count_open(), before);
}
END_TEST

UNIT_TESTS("watch", a_crash_names_the_call_that_ran, a_crash_outside_of_plugins_has_no_culprit,
	the_first_crash_is_the_one_that_is_told, an_access_beneath_a_stack_is_an_overflow,
	another_signal_with_that_address_is_none, a_thread_that_is_no_loop_blames_nobody,
	names_are_kept_once_and_end, without_a_supervisor_a_crash_tells_itself,
	a_lone_crash_outside_of_plugins_has_no_culprit, memory_that_is_too_small_is_refused)
