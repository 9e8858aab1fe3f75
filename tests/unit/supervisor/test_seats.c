/* supervisor/seats.c */
#include "supervisor/seats.h"

#include <errno.h>
#include <fcntl.h>

#include "unit.h"

enum { ROWS = 4 };

static struct seats *
made(void)
{
	struct seats *s = NULL;
	struct err e = { 0 };

	ck_assert_int_eq(seats_new(ROWS, &s, &e), 0);
	return s;
}

START_TEST(whoever_leaves_leaves_an_empty_seat)
{
	struct seats *s = made();
	struct occupancy first, second, third;
	struct err e = { 0 };

	ck_assert_int_eq(seats_take(s, &first, &e), 0);
	ck_assert_int_eq(seats_take(s, &second, &e), 0);
	ck_assert_uint_ne(first.seat, second.seat);
	ck_assert(occupancy_enter(&first, 2, 10));
	ck_assert(occupancy_enter(&second, 2, 10));

	seats_leave(s, &first, ROWS);

	ck_assert_int_eq(seats_take(s, &third, &e), 0);
	ck_assert_uint_eq(third.seat, first.seat);
	ck_assert_int_eq(occupancy_own(&third, 2), 0);
	ck_assert_int_eq(occupancy_own(&second, 2), 1);
	seats_free(s);
}
END_TEST

START_TEST(there_is_an_end_of_seats)
{
	struct seats *s = made();
	struct occupancy o;
	struct err e = { 0 };

	for (int i = 0; i < OCCUPANCY_SEATS; i++)
		ck_assert_int_eq(seats_take(s, &o, &e), 0);

	ck_assert_int_eq(seats_take(s, &o, &e), -EAGAIN);
	ck_assert_str_eq(e.text, "64 workers are there already, most of them draining: wait for one to end");
	seats_free(s);
}
END_TEST

START_TEST(another_supervisor_finds_everybody_where_they_sat)
{
	struct seats *before = made(), *after = NULL;
	struct occupancy o, again, other;
	struct err e = { 0 };

	ck_assert_int_eq(seats_take(before, &o, &e), 0);
	ck_assert_int_eq(seats_take(before, &o, &e), 0);
	ck_assert(occupancy_enter(&o, 1, 10));

	ck_assert_int_eq(seats_adopt(dup(seats_fd(before)), ROWS, &after, &e), 0);
	ck_assert_int_eq(seats_take_again(after, o.seat, &again, &e), 0);

	ck_assert_int_eq(occupancy_own(&again, 1), 1);
	ck_assert_int_eq(seats_take_again(after, o.seat, &other, &e), -EBADMSG);
	ck_assert_int_eq(seats_take_again(after, OCCUPANCY_SEATS, &other, &e), -EBADMSG);
	ck_assert_int_eq(seats_take(after, &other, &e), 0);
	ck_assert_uint_ne(other.seat, again.seat);
	seats_free(before);
	seats_free(after);
}
END_TEST

START_TEST(memory_that_is_too_small_is_not_taken_over)
{
	struct seats *s = NULL;
	struct err e = { 0 };

	ck_assert_int_eq(seats_adopt(open("/dev/null", O_RDWR), ROWS, &s, &e), -EBADMSG);
	ck_assert_int_eq(seats_adopt(-1, ROWS, &s, &e), -EBADMSG);
	ck_assert_ptr_null(s);
}
END_TEST

UNIT_TESTS("seats", whoever_leaves_leaves_an_empty_seat, there_is_an_end_of_seats,
	another_supervisor_finds_everybody_where_they_sat, memory_that_is_too_small_is_not_taken_over)
