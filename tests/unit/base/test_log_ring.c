/* The ring of one logging thread: order, full rings, the end of the memory, two threads at once. */
#include "base/log_ring.h"

#include <string.h>

#include "unit.h"

static struct log_rings rings = { .lock = PTHREAD_MUTEX_INITIALIZER };

static bool
put(struct log_ring *r, uint64_t number, size_t size)
{
	unsigned char *to = log_ring_reserve(r, size);

	if (to == NULL)
		return false;
	memset(to, (int)(number & 0xff), size);
	memcpy(to, &number, sizeof number);
	log_ring_commit(r, size);
	return true;
}

static uint64_t
number_of(const void *record)
{
	uint64_t number;

	memcpy(&number, record, sizeof number);
	return number;
}

START_TEST(records_come_out_in_order_across_the_end_of_the_memory)
{
	struct log_ring *r = log_rings_add(&rings);
	uint64_t written = 0, read = 0;

	while (read < 5000) {
		size_t size = 8 + written * 37 % 3000;
		const unsigned char *record;

		ck_assert(put(r, written++, size));
		ck_assert(put(r, written++, 13));
		ck_assert(log_ring_mark(r));
		record = log_ring_peek(r);
		ck_assert_uint_eq(number_of(record), read);
		if (size > 8)
			ck_assert_uint_eq(record[size - 1], read & 0xff);
		log_ring_pop(r);
		read++;
		ck_assert_uint_eq(number_of(log_ring_peek(r)), read);
		log_ring_pop(r);
		read++;
	}

	ck_assert(!log_ring_mark(r));
	ck_assert_ptr_null(log_ring_peek(r));
	atomic_store(&r->closed, true);
	ck_assert_uint_eq(log_rings_sweep(&rings), 0);
}
END_TEST

START_TEST(a_full_ring_refuses_and_counts_and_takes_again_after_a_read)
{
	struct log_ring *r = log_rings_add(&rings);
	uint64_t count = 0;

	while (put(r, count, 200))
		count++;
	ck_assert(!put(r, count, 200));

	ck_assert_uint_gt(count, LOG_RING_SIZE / 256);
	ck_assert_uint_eq(atomic_load(&r->dropped), 2);
	ck_assert(log_ring_mark(r));
	ck_assert_uint_eq(number_of(log_ring_peek(r)), 0);
	log_ring_pop(r);
	ck_assert(put(r, count, 200));
	for (uint64_t i = 1; i <= count; i++) {
		log_ring_mark(r);
		ck_assert_uint_eq(number_of(log_ring_peek(r)), i);
		log_ring_pop(r);
	}
	atomic_store(&r->closed, true);
	ck_assert_uint_eq(log_rings_sweep(&rings), 2);
}
END_TEST

START_TEST(only_what_was_there_at_the_mark_is_read)
{
	struct log_ring *r = log_rings_add(&rings);

	put(r, 1, 16);
	log_ring_mark(r);
	put(r, 2, 16);

	ck_assert_uint_eq(number_of(log_ring_peek(r)), 1);
	log_ring_pop(r);
	ck_assert_ptr_null(log_ring_peek(r));
	log_ring_mark(r);
	ck_assert_uint_eq(number_of(log_ring_peek(r)), 2);
	log_ring_pop(r);
	atomic_store(&r->closed, true);
	log_rings_sweep(&rings);
}
END_TEST

START_TEST(half_full_is_told_from_the_readers_real_place)
{
	struct log_ring *r = log_rings_add(&rings);

	ck_assert(!log_ring_is_half_full(r));
	for (int i = 0; i < 20; i++)
		ck_assert(put(r, 0, 4000));
	ck_assert(log_ring_is_half_full(r));
	log_ring_mark(r);
	while (log_ring_peek(r) != NULL)
		log_ring_pop(r);
	ck_assert(!log_ring_is_half_full(r));
	atomic_store(&r->closed, true);
	log_rings_sweep(&rings);
}
END_TEST

START_TEST(a_closed_ring_stays_until_it_was_read)
{
	struct log_ring *r = log_rings_add(&rings);

	put(r, 7, 16);
	atomic_store(&r->closed, true);

	log_rings_sweep(&rings);
	ck_assert_ptr_eq(rings.first, r);
	log_ring_mark(r);
	ck_assert_uint_eq(number_of(log_ring_peek(r)), 7);
	log_ring_pop(r);
	log_rings_sweep(&rings);
	ck_assert_ptr_null(rings.first);
}
END_TEST

enum { NUMBERS = 200000 };

static void *
produce(void *argument)
{
	struct log_ring *r = argument;

	for (uint64_t i = 0; i < NUMBERS; i++)
		put(r, i, 8 + i % 300);
	atomic_store(&r->closed, true);
	return NULL;
}

START_TEST(two_threads_lose_nothing_but_what_is_counted)
{
	struct log_ring *r = log_rings_add(&rings);
	uint64_t read = 0, next = 0, dropped;
	pthread_t thread;

	ck_assert_int_eq(pthread_create(&thread, NULL, produce, r), 0);
	for (bool over = false; !over;) {
		const unsigned char *record;

		over = atomic_load(&r->closed);
		log_ring_mark(r);
		for (record = log_ring_peek(r); record != NULL; record = log_ring_peek(r)) {
			uint64_t number = number_of(record);

			ck_assert_uint_ge(number, next);
			if (number % 300 > 0)
				ck_assert_uint_eq(record[8 + number % 300 - 1], number & 0xff);
			next = number + 1;
			read++;
			log_ring_pop(r);
		}
	}
	pthread_join(thread, NULL);

	dropped = atomic_load(&r->dropped);
	ck_assert_uint_eq(read + dropped, NUMBERS);
	log_rings_sweep(&rings);
}
END_TEST

UNIT_TESTS("log_ring", records_come_out_in_order_across_the_end_of_the_memory,
	a_full_ring_refuses_and_counts_and_takes_again_after_a_read, only_what_was_there_at_the_mark_is_read,
	half_full_is_told_from_the_readers_real_place, a_closed_ring_stays_until_it_was_read,
	two_threads_lose_nothing_but_what_is_counted)
