/* supervisor/exit_status.c */
#include <errno.h>
#include <sysexits.h>

#include "supervisor/exit_status.h"
#include "unit.h"

START_TEST(success_is_zero_in_every_phase)
{
	for (int phase = 0; phase < EXIT_PHASE_COUNT; phase++)
		ck_assert_int_eq(exit_status((enum exit_phase)phase, 0), EX_OK);
}
END_TEST

START_TEST(each_phase_has_its_status)
{
	ck_assert_int_eq(exit_status(EXIT_PHASE_FILE, -ENOENT), EX_NOINPUT);
	ck_assert_int_eq(exit_status(EXIT_PHASE_FILE, -EACCES), EX_NOINPUT);
	ck_assert_int_eq(exit_status(EXIT_PHASE_CHECK, -EINVAL), EX_CONFIG);
	ck_assert_int_eq(exit_status(EXIT_PHASE_BIND, -EADDRINUSE), EX_UNAVAILABLE);
	ck_assert_int_eq(exit_status(EXIT_PHASE_BIND, -ENOENT), EX_UNAVAILABLE);
	ck_assert_int_eq(exit_status(EXIT_PHASE_LOG, -ENOENT), EX_CONFIG);
	ck_assert_int_eq(exit_status(EXIT_PHASE_WORKER, -ECANCELED), EX_CONFIG);
	ck_assert_int_eq(exit_status(EXIT_PHASE_SYSTEM, -ENOSYS), EX_OSERR);
}
END_TEST

START_TEST(permission_lack_of_memory_and_passing_trouble_are_told_apart)
{
	ck_assert_int_eq(exit_status(EXIT_PHASE_BIND, -EACCES), EX_NOPERM);
	ck_assert_int_eq(exit_status(EXIT_PHASE_LOG, -EPERM), EX_NOPERM);
	ck_assert_int_eq(exit_status(EXIT_PHASE_WORKER, -EAGAIN), EX_TEMPFAIL);
	ck_assert_int_eq(exit_status(EXIT_PHASE_WORKER, -ENOMEM), EX_OSERR);
	ck_assert_int_eq(exit_status(EXIT_PHASE_CHECK, -ENOMEM), EX_OSERR);
	ck_assert_int_eq(exit_status(EXIT_PHASE_BIND, -EBADF), EX_SOFTWARE);
}
END_TEST

UNIT_TESTS("exit_status", success_is_zero_in_every_phase, each_phase_has_its_status,
	permission_lack_of_memory_and_passing_trouble_are_told_apart)
