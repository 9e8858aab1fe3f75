/* supervisor/excuse.c: a thread that had no processor is told from one that did nothing with it. */
#include "supervisor/excuse.h"

#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/clock.h"
#include "unit.h"

START_TEST(what_is_ready_and_does_not_run_is_excused)
{
	struct thread_look look = { .ready = true, .cpu_ms = 5000 };
	struct excuse x = { 0 };

	excuse_look(&x, &look, 1000); /* nothing is known of the time before */
	excuse_look(&x, &look, 2000);
	look.cpu_ms += 300;
	excuse_look(&x, &look, 3000);

	ck_assert_int_eq(x.ms, 1000 + 700);
}
END_TEST

START_TEST(what_runs_or_sleeps_is_not)
{
	struct thread_look look = { .ready = true };
	struct excuse x = { 0 };

	excuse_look(&x, &look, 1000);
	look.cpu_ms += 1000; /* in circles */
	excuse_look(&x, &look, 2000);
	look.ready = false;
	excuse_look(&x, &look, 3000);
	excuse_look(&x, NULL, 4000);
	look.ready = true;
	excuse_look(&x, &look, 5000); /* that it could not be looked at excuses nothing */

	ck_assert_int_eq(x.ms, 0);
}
END_TEST

START_TEST(a_disk_is_waited_for_but_not_for_ever)
{
	struct thread_look look = { .kept = true };
	struct excuse x = { 0 };

	excuse_look(&x, &look, 1000);
	look.cpu_ms += 200;
	excuse_look(&x, &look, 2000);
	ck_assert_int_eq(x.ms, 0);
	ck_assert_int_eq(excuse_ms(&x), 800);

	excuse_look(&x, &look, 2000 + EXCUSE_KEPT_MAX_MS);
	excuse_look(&x, &look, 3000 + EXCUSE_KEPT_MAX_MS);
	ck_assert_int_eq(excuse_ms(&x), EXCUSE_KEPT_MAX_MS);
}
END_TEST

START_TEST(the_kernel_is_understood)
{
	struct thread_look before, after;
	int64_t until_ms = clock_now_ms() + 60000;
	pid_t child;

	ck_assert_int_eq(thread_look(getpid(), getpid(), &before), 0);
	do {
		ck_assert_int_lt(clock_now_ms(), until_ms);
		ck_assert_int_eq(thread_look(getpid(), getpid(), &after), 0);
	} while (after.cpu_ms < before.cpu_ms + 100);
	ck_assert(before.ready);

	child = fork();
	if (child == 0) {
		raise(SIGSTOP);
		_exit(0);
	}
	ck_assert_int_eq(waitpid(child, NULL, WUNTRACED), child);
	ck_assert_int_eq(thread_look(child, child, &after), 0);
	ck_assert(!after.ready);
	ck_assert_int_lt(thread_look(child, getpid(), &after), 0); /* no thread of its own */
	kill(child, SIGKILL);
	ck_assert_int_eq(waitpid(child, NULL, 0), child);
}
END_TEST

UNIT_TESTS("excuse", what_is_ready_and_does_not_run_is_excused, what_runs_or_sleeps_is_not,
	a_disk_is_waited_for_but_not_for_ever, the_kernel_is_understood)
