/* Slots, generations and what a handle kept too long finds. */
#include "unit.h"

#include <stdbool.h>
#include <stdint.h>
#include <string.h>

#include "engine/slab.h"

/* A sanitizer's allocator is to say no as the real one does. */
__attribute__((visibility("default"))) const char *__asan_default_options(void);
__attribute__((visibility("default"))) const char *__tsan_default_options(void);

const char *
__asan_default_options(void)
{
	return "allocator_may_return_null=1";
}

const char *
__tsan_default_options(void)
{
	return "allocator_may_return_null=1";
}

struct thing {
	struct slot slot;
	uint64_t payload;
	char bytes[41]; /* an odd size, so that the slab has to round */
};

static uint64_t
ref_of(const struct thing *t)
{
	return ref_make(7, REF_CONN, t->slot.index, t->slot.generation);
}

START_TEST(a_ref_gives_back_what_it_was_made_of)
{
	uint64_t ref = ref_make(REF_LOOP_MAX - 1, REF_INSTANCE, REF_SLOT_MAX - 1, UINT32_MAX);

	ck_assert_uint_eq(ref, UINT64_MAX);
	ck_assert_uint_eq(ref_loop(ref), REF_LOOP_MAX - 1);
	ck_assert_int_eq(ref_kind(ref), REF_INSTANCE);
	ck_assert_uint_eq(ref_index(ref), REF_SLOT_MAX - 1);
	ref = ref_make(5, REF_ENDPOINT, 77, 3);
	ck_assert_uint_eq(ref_loop(ref), 5);
	ck_assert_int_eq(ref_kind(ref), REF_ENDPOINT);
	ck_assert_uint_eq(ref_index(ref), 77);
	ck_assert_uint_eq((uint32_t)ref, 3);
}
END_TEST

START_TEST(a_slot_that_is_taken_is_found_and_zeroed)
{
	struct slab s;
	struct thing *a, *b;

	slab_init(&s, sizeof(struct thing));
	a = slab_take(&s);
	ck_assert_ptr_nonnull(a);
	memset(&a->payload, 0xff, sizeof(*a) - offsetof(struct thing, payload));
	slab_put(&s, a);
	b = slab_take(&s);

	ck_assert_ptr_eq(a, b);
	ck_assert_uint_eq(b->payload, 0);
	for (size_t i = 0; i < sizeof(b->bytes); i++)
		ck_assert_int_eq(b->bytes[i], 0);
	ck_assert_ptr_eq(slab_find(&s, ref_of(b)), b);
	ck_assert_ptr_eq(slab_at(&s, b->slot.index), b);
	ck_assert_uint_eq(s.live_count, 1);

	slab_put(&s, b);
	slab_fini(&s);
}
END_TEST

START_TEST(a_ref_of_a_slot_that_was_given_back_finds_nothing)
{
	struct slab s;
	struct thing *t;
	uint64_t ref;

	slab_init(&s, sizeof(struct thing));
	t = slab_take(&s);
	ref = ref_of(t);
	slab_put(&s, t);

	ck_assert_ptr_null(slab_find(&s, ref));
	ck_assert_ptr_null(slab_at(&s, 0));
	ck_assert_ptr_eq(slab_take(&s), t);
	ck_assert_ptr_null(slab_find(&s, ref));
	ck_assert_ptr_null(slab_find(&s, 0));
	ck_assert_ptr_null(slab_find(&s, UINT64_MAX));
	ck_assert_ptr_null(slab_find(&s, ref_make(7, REF_CONN, 1, 1)));

	slab_put(&s, t);
	slab_fini(&s);
}
END_TEST

START_TEST(objects_are_aligned_for_any_type_and_never_move)
{
	enum { COUNT = 10 * SLAB_CHUNK + 1 };
	struct thing *things[COUNT];
	struct slab s;

	slab_init(&s, sizeof(struct thing));
	for (uint32_t i = 0; i < COUNT; i++) {
		things[i] = slab_take(&s);
		ck_assert_ptr_nonnull(things[i]);
		ck_assert_uint_eq((uintptr_t)things[i] % _Alignof(max_align_t), 0);
		ck_assert_uint_eq(things[i]->slot.index, i);
		things[i]->payload = i;
	}

	for (uint32_t i = 0; i < COUNT; i++) {
		ck_assert_ptr_eq(slab_find(&s, ref_of(things[i])), things[i]);
		ck_assert_uint_eq(things[i]->payload, i);
	}
	ck_assert_uint_eq(s.used, COUNT);

	for (uint32_t i = 0; i < COUNT; i++)
		slab_put(&s, things[i]);
	slab_fini(&s);
}
END_TEST

START_TEST(millions_of_reuses_never_bring_an_old_ref_back)
{
	enum { SLOTS = 200, OLD = 1024, ROUNDS = 3 * 1000 * 1000 };
	struct thing *things[SLOTS] = { NULL };
	uint64_t old[OLD] = { 0 };
	uint32_t random = 1;
	unsigned given_back = 0;
	struct slab s;

	slab_init(&s, sizeof(struct thing));
	for (unsigned round = 0; round < ROUNDS; round++) {
		unsigned i;

		random = random * 1664525 + 1013904223;
		i = (random >> 8) % SLOTS;
		if (things[i] == NULL) {
			things[i] = slab_take(&s);
			if (things[i] == NULL)
				ck_abort_msg("no memory");
			things[i]->payload = i;
		} else {
			if (slab_find(&s, ref_of(things[i])) != things[i] || things[i]->payload != i)
				ck_abort_msg("a live slot is not what it was, round %u", round);
			old[given_back++ % OLD] = ref_of(things[i]);
			slab_put(&s, things[i]);
			things[i] = NULL;
		}
		if (slab_find(&s, old[(random >> 4) % OLD]) != NULL)
			ck_abort_msg("a stale ref was found, round %u", round);
	}

	ck_assert_uint_gt(given_back, ROUNDS / 4);
	ck_assert_uint_le(s.used, SLOTS);
	for (unsigned i = 0; i < OLD; i++)
		ck_assert_ptr_null(slab_find(&s, old[i]));

	for (unsigned i = 0; i < SLOTS; i++)
		if (things[i] != NULL)
			slab_put(&s, things[i]);
	slab_fini(&s);
}
END_TEST

START_TEST(a_slot_whose_generations_are_used_up_is_retired)
{
	struct slab s;
	struct thing *t, *other;
	uint64_t last;

	slab_init(&s, sizeof(struct thing));
	t = slab_take(&s);
	t->slot.generation = UINT32_MAX - 1; /* as after four thousand million connections */
	slab_put(&s, t);
	ck_assert_ptr_eq(slab_take(&s), t);
	ck_assert_uint_eq(t->slot.generation, UINT32_MAX);
	last = ref_of(t);
	ck_assert_ptr_eq(slab_find(&s, last), t);
	slab_put(&s, t);

	ck_assert_ptr_null(slab_find(&s, last));
	ck_assert_ptr_null(slab_find(&s, ref_make(7, REF_CONN, 0, 0)));
	ck_assert_ptr_null(slab_find(&s, ref_make(7, REF_CONN, 0, 1)));
	other = slab_take(&s);
	ck_assert_ptr_ne(other, t);
	ck_assert_uint_eq(other->slot.index, 1);
	ck_assert_ptr_null(slab_at(&s, 0));
	ck_assert_uint_eq(s.live_count, 1);

	slab_put(&s, other);
	slab_fini(&s);
}
END_TEST

START_TEST(a_walk_meets_what_lives_and_may_give_it_back)
{
	enum { COUNT = 3 * SLAB_CHUNK };
	struct slab s;
	uint64_t sum = 0;

	slab_init(&s, sizeof(struct thing));
	for (uint32_t i = 0; i < COUNT; i++)
		((struct thing *)slab_take(&s))->payload = i;
	for (uint32_t i = 0; i < COUNT; i += 2)
		slab_put(&s, slab_at(&s, i));

	for (uint32_t i = 0; i < s.used; i++) {
		struct thing *t = slab_at(&s, i);

		if (t == NULL)
			continue;
		sum += t->payload;
		slab_put(&s, t);
	}

	ck_assert_uint_eq(sum, (uint64_t)COUNT / 2 * (COUNT / 2));
	ck_assert_uint_eq(s.live_count, 0);
	ck_assert_ptr_null(slab_at(&s, s.used));
	slab_fini(&s);
}
END_TEST

START_TEST(no_more_slots_than_a_ref_can_name)
{
	struct slot *last = NULL;
	struct slab s;

	slab_init(&s, sizeof(struct slot));
	for (uint32_t i = 0; i < REF_SLOT_MAX; i++)
		last = slab_take(&s);

	ck_assert_ptr_nonnull(last);
	ck_assert_uint_eq(last->index, REF_SLOT_MAX - 1);
	ck_assert_ptr_null(slab_take(&s));
	slab_put(&s, last);
	ck_assert_ptr_eq(slab_take(&s), last);

	for (uint32_t i = 0; i < s.used; i++)
		slab_put(&s, slab_at(&s, i));
	slab_fini(&s);
}
END_TEST

START_TEST(without_memory_there_is_no_slot)
{
	struct slab s;

	slab_init(&s, SIZE_MAX / 2);

	ck_assert_ptr_null(slab_take(&s));
	ck_assert_uint_eq(s.live_count, 0);
	ck_assert_ptr_null(slab_at(&s, 0));
	ck_assert_ptr_null(slab_take(&s));
	slab_fini(&s);
}
END_TEST

UNIT_TESTS("slab", a_ref_gives_back_what_it_was_made_of, a_slot_that_is_taken_is_found_and_zeroed,
	a_ref_of_a_slot_that_was_given_back_finds_nothing, objects_are_aligned_for_any_type_and_never_move,
	millions_of_reuses_never_bring_an_old_ref_back, a_slot_whose_generations_are_used_up_is_retired,
	a_walk_meets_what_lives_and_may_give_it_back, no_more_slots_than_a_ref_can_name,
	without_memory_there_is_no_slot)
