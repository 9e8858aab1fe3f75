/* supervisor/child_hear.c: a worker that says what makes no sense loses its voice, and nobody else anything.
 */
#include "child_case.h"
#include "unit.h"

static struct event_base *base;
static struct snapshot snapshot;
static struct cfg_report report;
static struct generations *all;

static void
prepare(void)
{
	base = event_base_new();
	all = case_generations(base, &snapshot, &report);
}

static void
finish(void)
{
	case_fini(base, all, &snapshot);
	cfg_report_fini(&report);
}

static void
say(enum protocol_type type, uint32_t number, const void *body, size_t size)
{
	ck_assert_int_eq(wire_send(case_worker, type, number, body, size, NULL, 0), 0);
	child_hear(case_child);
}

static void
say_ready(void)
{
	say(PROTOCOL_READY, 0, (const uint32_t[]){ 1, 0 }, 8);
}

static void
say_done(void)
{
	say(PROTOCOL_DONE, 0, (const uint64_t[]){ 3, 4 }, 16);
}

static bool
is_heard(void)
{
	return case_child->wire != NULL;
}

START_TEST(a_worker_goes_through_its_life)
{
	prepare();

	say_ready();
	generations_drain(all, 1000, 0);
	say_done();

	ck_assert_str_eq(case_told, "rd");
	ck_assert(is_heard());
	ck_assert_int_eq(generations_first(all)->state, GENERATION_ENDING);
	finish();
}
END_TEST

START_TEST(done_without_an_order_is_no_word_of_a_worker)
{
	prepare();
	say_ready();

	say_done();

	ck_assert_str_eq(case_told, "r");
	ck_assert(!is_heard());
	finish();
}
END_TEST

START_TEST(done_is_said_once)
{
	prepare();
	say_ready();
	generations_drain(all, 1000, 0);
	say_done();

	say_done();

	ck_assert_str_eq(case_told, "rd");
	ck_assert(!is_heard());
	finish();
}
END_TEST

START_TEST(ready_is_said_once_and_for_every_listener)
{
	prepare();
	say(PROTOCOL_READY, 0, (const uint32_t[]){ 2, 0, 0 }, 12);
	ck_assert(!is_heard());
	ck_assert_str_eq(case_told, "");
	finish();

	prepare();
	say_ready();
	say_ready();
	ck_assert(!is_heard());
	ck_assert_str_eq(case_told, "r");
	finish();
}
END_TEST

START_TEST(nothing_comes_after_a_failure)
{
	auto_of(strbuf) struct strbuf body = { 0 };

	prepare();
	pack_u32(&body, 22);
	pack_text(&body, "no");
	pack_u32(&body, 0);
	say(PROTOCOL_FAILED, 0, body.data, body.size);
	ck_assert(is_heard());

	say_ready();

	ck_assert(!is_heard());
	ck_assert_str_eq(case_told, "");
	finish();
}
END_TEST

START_TEST(answers_that_nobody_asked_for_and_unknown_words_are_not_taken)
{
	auto_of(strbuf) struct strbuf body = { 0 };

	prepare();
	pack_u32(&body, 0);
	pack_text(&body, "");
	pack_u32(&body, 0);
	say(PROTOCOL_REPLY, 7, body.data, body.size);
	ck_assert(!is_heard());
	finish();

	prepare();
	say((enum protocol_type)200, 0, NULL, 0);
	ck_assert(!is_heard());
	finish();
}
END_TEST

UNIT_TESTS("child_hear", a_worker_goes_through_its_life, done_without_an_order_is_no_word_of_a_worker,
	done_is_said_once, ready_is_said_once_and_for_every_listener, nothing_comes_after_a_failure,
	answers_that_nobody_asked_for_and_unknown_words_are_not_taken)
