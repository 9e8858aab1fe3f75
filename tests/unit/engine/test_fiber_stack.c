/* The stacks of fibers: what they cost, how they are kept, and what lies beneath them. */
#include "fibers.h"

#include <errno.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/wait.h>

#include "engine/fiber_stack.h"

static size_t
resident_bytes(void)
{
	unsigned long size, resident;
	FILE *f = fopen("/proc/self/statm", "re");

	ck_assert_ptr_nonnull(f);
	ck_assert_int_eq(fscanf(f, "%lu %lu", &size, &resident), 2);
	fclose(f);
	return resident * PAGE;
}

START_TEST(ten_thousand_fibers_park_and_wake_and_cost_a_page_each)
{
	struct fiber **fibers = calloc(MANY, sizeof(*fibers));
	struct fiber_set *s = new_set();
	struct counter c = { 0 };
	size_t before = resident_bytes(), each;

	ck_assert_ptr_nonnull(fibers);
	for (size_t i = 0; i < MANY; i++)
		fibers[i] = new_fiber(s, count_forever, count_ended, &c);
	fiber_run_ready(s);
	each = (resident_bytes() - before) / MANY;
	dprintf(STDOUT_FILENO, "# %u parked fibers, %zu bytes resident each\n", MANY, each);
	if (!UNIT_SANITIZED)
		ck_assert_uint_le(each, 5 * 1024);

	for (unsigned round = 2; round <= 5; round++) {
		wake_all(fibers, MANY, 0);
		ck_assert(!fiber_run_ready(s));
		ck_assert_uint_eq(c.runs, round * MANY);
	}
	ck_assert_uint_eq(fiber_count(s), MANY);
	wake_all(fibers, MANY, 1);
	fiber_run_ready(s);
	ck_assert_uint_eq(c.ended, MANY);
	ck_assert_uint_eq(fiber_count(s), 0);
	fiber_set_free(s);
	free(fibers);
}
END_TEST

/* Touch @p depth_bytes of stack, and wait down there, unless @p waits is NULL. Each frame knows the one
 * above, so that no compiler makes a loop of it. */
static __attribute__((noinline)) unsigned
go_down(size_t depth_bytes, struct fiber *waits, const volatile char *above)
{
	volatile char frame[1024];

	for (size_t i = 0; i < sizeof(frame); i += 64)
		frame[i] = (char)(above[0] + 1);
	if (depth_bytes < sizeof(frame)) {
		if (waits != NULL)
			fiber_park(waits);
		return (unsigned char)frame[0];
	}
	return go_down(depth_bytes - sizeof(frame), waits, frame) + (unsigned char)above[0];
}

struct dive {
	size_t depth;
	bool waits;
	unsigned sum;
};

static void
dive(struct fiber *self, void *arg)
{
	struct dive *d = arg;

	const volatile char top[1] = { 1 };

	d->sum = go_down(d->depth, d->waits ? self : NULL, top);
}

/* Where the stack of a fiber ends: the fiber lies in its upper page. */
static char *
upper_end(const struct fiber *f)
{
	return (char *)(((uintptr_t)f | (PAGE - 1)) + 1);
}

/* @return pages in memory of the stack that ends there, or -1 when it is not mapped any more */
static int
resident_pages(char *end)
{
	unsigned char in_memory[STACK_SIZE / PAGE];
	int count = 0;

	if (mincore(end - STACK_SIZE, STACK_SIZE, in_memory) < 0)
		return -1;
	for (size_t i = 0; i < sizeof(in_memory); i++)
		count += in_memory[i] & 1;
	return count;
}

/* A sanitizer maps memory of its own where a stack was, so there nobody can tell. */
static bool
is_unmapped(char *end)
{
	return UNIT_SANITIZED || resident_pages(end) < 0;
}

START_TEST(deep_calls_fit_and_their_pages_go_back)
{
	struct fiber_set *s = new_set();
	struct dive d = { .depth = 128 * 1024 };
	struct fiber *f = new_fiber(s, dive, NULL, &d), *again;
	char *end = upper_end(f);

	ck_assert_int_le(resident_pages(end), 1);
	fiber_run_ready(s);
	ck_assert_uint_gt(d.sum, 0);
	ck_assert_int_ge(resident_pages(end), 0); /* kept... */
	ck_assert_int_le(resident_pages(end), 3); /* ...but not what the call touched */
	again = new_fiber(s, dive, NULL, &d);
	ck_assert_ptr_eq(again, f);
	fiber_run_ready(s);
	fiber_set_free(s);
	ck_assert(is_unmapped(end));
}
END_TEST

/* @return where its stack ended */
static char *
live_and_end(struct fiber_set *s, struct dive d)
{
	char *end = upper_end(new_fiber(s, dive, NULL, &d));

	fiber_run_ready(s);
	ck_assert_uint_eq(fiber_count(s), 0);
	return end;
}

START_TEST(pages_that_were_waited_on_go_back_at_once)
{
	struct fiber_set *s = new_set();
	struct dive shallow = { .depth = 1 }, deep = { .depth = 128 * 1024, .waits = true };
	char *end = NULL;

	for (unsigned life = 0; life < 20; life++) {
		struct fiber *f = new_fiber(s, dive, NULL, &deep);

		end = upper_end(f);
		fiber_run_ready(s);
		ck_assert(UNIT_SANITIZED || resident_pages(end) >= 128 * 1024 / PAGE);
		fiber_wake(f, 0);
		fiber_run_ready(s);
		ck_assert_int_le(resident_pages(end), 3);
		ck_assert_ptr_eq(live_and_end(s, shallow), end);
	}
	fiber_set_free(s);
}
END_TEST

START_TEST(pages_of_a_deep_call_are_dragged_along_by_seven_users_at_most)
{
	struct fiber_set *s = new_set();
	struct dive shallow = { .depth = 1 }, deep = { .depth = 128 * 1024 };
	char *end = NULL;

	for (unsigned life = 0; life < 20; life++) {
		unsigned users = 0;

		end = live_and_end(s, deep);
		while (resident_pages(end) > 3 && users++ < 20)
			ck_assert_ptr_eq(live_and_end(s, shallow), end);
		ck_assert_uint_le(users, 7);
	}
	fiber_set_free(s);
}
END_TEST

START_TEST(the_pool_keeps_no_more_stacks_than_told)
{
	struct fiber_stack_pool p;
	struct fiber_stack stacks[5], again;
	char *ends[5];
	int kept = 0;

	fiber_stack_pool_init(&p, 3);
	for (unsigned i = 0; i < array_len(stacks); i++) {
		ck_assert_int_eq(fiber_stack_take(&p, STACK_SIZE, &stacks[i], NULL), 0);
		ends[i] = stacks[i].low + stacks[i].size;
	}
	for (unsigned i = 0; i < array_len(stacks); i++)
		fiber_stack_give(&p, stacks[i], ends[i]);
	for (unsigned i = 0; i < array_len(ends); i++)
		kept += resident_pages(ends[i]) >= 0;
	ck_assert(UNIT_SANITIZED || kept == 3);
	ck_assert(is_unmapped(ends[0]));
	ck_assert(is_unmapped(ends[1]));

	ck_assert_int_eq(fiber_stack_take(&p, STACK_SIZE, &again, NULL), 0);
	ck_assert_ptr_eq(again.low, stacks[4].low); /* the one given back last is the warmest */
	fiber_stack_give(&p, again, again.low);
	fiber_stack_pool_fini(&p);
	for (unsigned i = 0; i < array_len(ends); i++)
		ck_assert(is_unmapped(ends[i]));
}
END_TEST

START_TEST(a_pool_that_keeps_none_gives_all_back)
{
	struct fiber_stack_pool p;
	struct fiber_stack stack;

	fiber_stack_pool_init(&p, 0);
	ck_assert_int_eq(fiber_stack_take(&p, STACK_SIZE, &stack, NULL), 0);
	fiber_stack_give(&p, stack, stack.low);
	ck_assert(is_unmapped(stack.low + stack.size));
	fiber_stack_pool_fini(&p);
}
END_TEST

START_TEST(a_kept_stack_serves_only_its_own_size)
{
	struct fiber_set *s = new_set();
	struct story st = { .set = s };
	struct fiber *small, *large;

	ck_assert_int_eq(
		fiber_new(s, 1, just_tell, NULL, &st, &small, NULL), 0); /* rounded up until it can work */
	fiber_run_ready(s);
	large = new_fiber(s, just_tell, NULL, &st);
	ck_assert_ptr_ne(large, small);
	fiber_run_ready(s);
	ck_assert_ptr_eq(new_fiber(s, just_tell, NULL, &st), large);
	fiber_run_ready(s);

	ck_assert_str_eq(st.text, "rrr");
	fiber_set_free(s);
}
END_TEST

START_TEST(a_stack_that_cannot_be_mapped_is_an_error_with_text)
{
	struct fiber_set *s = new_set();
	struct fiber *f = NULL;
	struct err e = { 0 };

	ck_assert_int_eq(fiber_new(s, SIZE_MAX / 4, just_tell, NULL, NULL, &f, &e), -ENOMEM);
	ck_assert_ptr_nonnull(strstr(e.text, "vm.max_map_count"));
	ck_assert_int_eq(fiber_new(s, SIZE_MAX, just_tell, NULL, NULL, &f, &e), -ENOMEM);
	ck_assert_ptr_nonnull(strstr(e.text, "too large"));

	ck_assert_ptr_null(f);
	ck_assert_uint_eq(fiber_count(s), 0);
	ck_assert(!fiber_has_ready(s));
	fiber_set_free(s);
}
END_TEST

START_TEST(when_the_mappings_run_out_it_is_an_error_and_nothing_is_lost)
{
	enum { ENOUGH = 40 * 1000 }; /* the system's default allows 32,000 guarded stacks */
	struct fiber_set *s = new_set();
	struct fiber **fibers = calloc(ENOUGH, sizeof(*fibers));
	struct counter c = { 0 };
	struct err e = { 0 };
	size_t count = 0;
	int rc = 0;

	ck_assert_ptr_nonnull(fibers);
	while (!UNIT_SANITIZED && count < ENOUGH && rc == 0) {
		rc = fiber_new(s, 8 * 1024, count_forever, count_ended, &c, &fibers[count], &e);
		count += rc == 0;
	}
	if (count < ENOUGH && !UNIT_SANITIZED) {
		ck_assert_int_eq(rc, -ENOMEM);
		ck_assert_ptr_nonnull(strstr(e.text, "vm.max_map_count"));
	}
	ck_assert_uint_eq(fiber_count(s), count);
	wake_all(fibers, count, 1);
	fiber_run_ready(s);

	ck_assert_uint_eq(c.ended, count);
	fibers[0] = new_fiber(s, count_forever, count_ended, &c);
	fiber_wake(fibers[0], 1);
	fiber_run_ready(s);
	ck_assert_uint_eq(c.ended, count + 1);
	fiber_set_free(s);
	free(fibers);
}
END_TEST

/* What the crash handler of the child looks at. */
static const struct fiber_set *crash_set;
static const struct fiber *crash_fiber;

static void
on_crash(int number, siginfo_t *info, void *context)
{
	(void)number;
	(void)context;
	_exit(fiber_of_guard(crash_set, info->si_addr) == crash_fiber ? 42 : 43);
}

static void
catch_crashes_on_a_stack_of_their_own(void)
{
	struct sigaction action = { .sa_sigaction = on_crash, .sa_flags = SA_SIGINFO | SA_ONSTACK };
	stack_t own = { .ss_size = 64 * 1024, .ss_sp = malloc(64 * 1024) };

	sigaltstack(&own, NULL);
	sigaction(SIGSEGV, &action, NULL);
	sigaction(SIGBUS, &action, NULL);
}

static int
status_of_a_dive(size_t depth)
{
	struct dive d = { .depth = depth };
	struct story st = { 0 };
	pid_t child = fork();
	int status;

	ck_assert_int_ge(child, 0);
	if (child == 0) {
		struct fiber_set *s = st.set = new_set();

		new_fiber(s, park_once, NULL, &st);
		crash_fiber = new_fiber(s, dive, NULL, &d);
		new_fiber(s, park_once, NULL, &st);
		crash_set = s;
		catch_crashes_on_a_stack_of_their_own();
		fiber_run_ready(s);
		_exit(0);
	}
	ck_assert_int_eq(waitpid(child, &status, 0), child);
	ck_assert(WIFEXITED(status));
	return WEXITSTATUS(status);
}

START_TEST(an_overflow_hits_the_guard_and_the_handler_knows_whose)
{
	ck_assert_int_eq(status_of_a_dive(STACK_SIZE / 2), 0);
	ck_assert_int_eq(status_of_a_dive(2 * STACK_SIZE), 42);
}
END_TEST

START_TEST(only_addresses_beneath_a_stack_are_guarded)
{
	struct fiber_set *s = new_set();
	struct story st = { .set = s };
	struct fiber *f = new_fiber(s, park_once, NULL, &st), *g = new_fiber(s, park_once, NULL, &st);
	const char *low = upper_end(f) - STACK_SIZE;

	fiber_run_ready(s);
	ck_assert_ptr_eq(fiber_of_guard(s, low - 1), f);
	ck_assert_ptr_eq(fiber_of_guard(s, low - FIBER_GUARD_SIZE), f);
	ck_assert_ptr_ne(fiber_of_guard(s, low - FIBER_GUARD_SIZE - 1), f);
	ck_assert_ptr_null(fiber_of_guard(s, low));
	ck_assert_ptr_null(fiber_of_guard(s, &st));
	ck_assert_ptr_null(fiber_of_guard(s, NULL));
	ck_assert_ptr_eq(fiber_of_guard(s, upper_end(g) - STACK_SIZE - 1), g);

	fiber_wake(f, 0);
	fiber_wake(g, 0);
	fiber_run_ready(s);
	ck_assert_ptr_null(fiber_of_guard(s, low - 1));
	fiber_set_free(s);
}
END_TEST

UNIT_TESTS("fiber_stack", ten_thousand_fibers_park_and_wake_and_cost_a_page_each,
	deep_calls_fit_and_their_pages_go_back, pages_that_were_waited_on_go_back_at_once,
	pages_of_a_deep_call_are_dragged_along_by_seven_users_at_most,
	the_pool_keeps_no_more_stacks_than_told, a_pool_that_keeps_none_gives_all_back,
	a_kept_stack_serves_only_its_own_size, a_stack_that_cannot_be_mapped_is_an_error_with_text,
	when_the_mappings_run_out_it_is_an_error_and_nothing_is_lost,
	an_overflow_hits_the_guard_and_the_handler_knows_whose, only_addresses_beneath_a_stack_are_guarded)
