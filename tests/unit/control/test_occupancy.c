/* control/occupancy.c */
#include "control/occupancy.h"

#include <signal.h>
#include <sys/mman.h>
#include <sys/wait.h>

#include "unit.h"

enum { ROWS = 3, LIMIT = 10 };

static struct occupancy_row *
shared(void)
{
	void *memory =
		mmap(NULL, occupancy_size(ROWS), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);

	ck_assert_ptr_ne(memory, MAP_FAILED);
	return memory;
}

/* How many come in until one does not. */
static int
fill(const struct occupancy *o, unsigned row)
{
	int n = 0;

	while (occupancy_enter(o, row, LIMIT))
		n++;
	return n;
}

START_TEST(the_limit_is_that_of_all_seats_together)
{
	struct occupancy_row *rows = shared();
	const struct occupancy old = { rows, 0 }, young = { rows, OCCUPANCY_SEATS - 1 };

	for (int i = 0; i < 7; i++)
		ck_assert(occupancy_enter(&old, 1, LIMIT));

	ck_assert_int_eq(fill(&young, 1), 3);

	ck_assert_int_eq(fill(&old, 1), 0);
	ck_assert_int_eq(occupancy_own(&old, 1), 7);
	ck_assert_int_eq(occupancy_own(&young, 1), 3);
	occupancy_leave(&old, 1);
	ck_assert_int_eq(fill(&young, 1), 1);
}
END_TEST

START_TEST(rows_do_not_know_of_each_other)
{
	struct occupancy_row *rows = shared();
	const struct occupancy o = { rows, 3 };

	ck_assert_int_eq(fill(&o, 0), LIMIT);
	ck_assert_int_eq(fill(&o, 2), LIMIT);
	ck_assert_int_eq(occupancy_own(&o, 1), 0);
}
END_TEST

START_TEST(a_number_that_cannot_be_counts_as_none)
{
	struct occupancy_row *rows = shared();
	const struct occupancy o = { rows, 3 };

	rows[0].open[4] = -1000;
	rows[0].open[5] = INT64_MAX;
	rows[0].open[6] = INT64_MIN;

	ck_assert_int_eq(fill(&o, 0), LIMIT);
}
END_TEST

/* Come in and leave for ever; count every time that there are too many. */
static _Noreturn void
come_and_go(struct occupancy_row *rows, unsigned seat, _Atomic int *inside, _Atomic int *worst)
{
	const struct occupancy o = { rows, seat };

	for (int i = 0; i < 20000; i++) {
		int now, was;

		if (!occupancy_enter(&o, 0, LIMIT))
			continue;
		now = atomic_fetch_add(inside, 1) + 1;
		was = atomic_load(worst);
		while (now > was && !atomic_compare_exchange_weak(worst, &was, now))
			;
		atomic_fetch_sub(inside, 1);
		occupancy_leave(&o, 0);
	}
	_exit(0);
}

START_TEST(processes_never_pass_the_limit_together)
{
	struct occupancy_row *rows = shared();
	_Atomic int *counts = (_Atomic int *)&rows[1];
	pid_t child[4];
	int status;

	for (unsigned i = 0; i < 8; i++) { /* eight stay: two places are fought for */
		const struct occupancy o = { rows, 10 + i };

		ck_assert(occupancy_enter(&o, 0, LIMIT));
	}
	for (unsigned i = 0; i < 4; i++) {
		child[i] = fork();
		if (child[i] == 0)
			come_and_go(rows, i, &counts[0], &counts[1]);
	}
	for (int i = 0; i < 4; i++)
		ck_assert_int_eq(waitpid(child[i], &status, 0), child[i]);

	ck_assert_int_ge(counts[1], 1);
	ck_assert_int_le(counts[1], 2);
}
END_TEST

UNIT_TESTS("occupancy", the_limit_is_that_of_all_seats_together, rows_do_not_know_of_each_other,
	a_number_that_cannot_be_counts_as_none, processes_never_pass_the_limit_together)
