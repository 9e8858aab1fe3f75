/* supervisor/pulse.c: a worker that answers lives; one that does not is aborted, and then killed. */
#include <sys/mman.h>

#include "base/fdutil.h"
#include "child_case.h"
#include "control/snapshot_pack.h"
#include "supervisor/post_mortem.h"
#include "unit.h"

static struct event_base *base;
static struct snapshot snapshot;
static struct cfg_report report;
static struct generations *all;
static char ended[8]; /* a letter for each order to end */

static void
note(char what)
{
	size_t n = strlen(ended);

	ck_assert_uint_lt(n, sizeof ended - 1);
	ended[n] = what;
}

static void
note_abort(void *worker, pid_t tid)
{
	ck_assert_ptr_eq(worker, case_child);
	ck_assert_int_eq(tid, 0);
	note('a');
}

static bool
note_kill(void *worker)
{
	ck_assert_ptr_eq(worker, case_child);
	note('k');
	return true;
}

static struct thread_look looks;     /* at any thread */
static int64_t cpu_ms_a_look = 1000; /* what it has had between two looks */

static int
look(void *worker, pid_t tid, struct thread_look *ret)
{
	(void)worker, (void)tid;
	looks.cpu_ms += cpu_ms_a_look;
	*ret = looks;
	return 0;
}

static void
prepare(void)
{
	const uint32_t ready[] = { 1, 0 };

	memset(ended, 0, sizeof ended);
	base = event_base_new();
	all = case_generations(base, &snapshot, &report);
	case_ops.abort = note_abort;
	case_ops.kill = note_kill;
	case_ops.look = look;
	ck_assert_int_eq(wire_send(case_worker, PROTOCOL_READY, 0, ready, sizeof ready, NULL, 0), 0);
	child_hear(case_child);
}

static void
finish(void)
{
	case_fini(base, all, &snapshot);
	cfg_report_fini(&report);
}

/* Look each second of a span; the limit is one second. */
static void
watch(int64_t from_s, int64_t to_s)
{
	for (int64_t s = from_s; s <= to_s; s++)
		generations_watch(all, s * 1000, 1000);
}

/* @return whether the worker was asked */
static bool
answer(void)
{
	struct wire_message m;
	struct strbuf body = { 0 };
	struct cfg_report none = { 0 };

	if (wire_receive(case_worker, &m) != 1)
		return false;
	ck_assert_int_eq(m.type, PROTOCOL_ASK);
	pack_u32(&body, 0);
	pack_text(&body, "{}");
	report_pack(&body, &none);
	ck_assert_int_eq(wire_send(case_worker, PROTOCOL_REPLY, m.number, body.data, body.size, NULL, 0), 0);
	strbuf_fini(&body);
	wire_message_fini(&m);
	child_hear(case_child);
	return true;
}

static struct watch_cell *
main_cell(void **ret_memory)
{
	*ret_memory = fd_map_shared(
		post_mortem_fd(generations_first(all)->post_mortem), watch_size(snapshot.loops), true);
	ck_assert_ptr_nonnull(*ret_memory);
	return &((struct watch_memory *)*ret_memory)->cells[snapshot.loops];
}

START_TEST(a_worker_that_answers_is_asked_every_five_seconds)
{
	unsigned asked = 0;

	prepare();

	for (int64_t s = 1; s <= 100; s++) {
		watch(s, s);
		asked += answer();
	}

	ck_assert_uint_eq(asked, 20);
	ck_assert_str_eq(ended, "");
	finish();
}
END_TEST

START_TEST(one_that_does_not_answer_is_aborted_and_then_killed)
{
	prepare();

	watch(1, 11);
	ck_assert_str_eq(ended, "");
	watch(12, 12);
	ck_assert_str_eq(ended, "a");
	watch(13, 13);
	ck_assert_str_eq(ended, "ak");

	ck_assert(generations_are_quiet(all)); /* an upgrade need not wait for it */
	finish();
}
END_TEST

START_TEST(a_late_answer_begins_anew)
{
	prepare();

	watch(1, 11);
	ck_assert(answer());
	watch(12, 22);
	ck_assert_str_eq(ended, "");
	ck_assert(answer());
	finish();
}
END_TEST

START_TEST(a_plugin_may_keep_the_main_thread)
{
	struct watch_cell *cell;
	void *memory;

	prepare();
	cell = main_cell(&memory);

	atomic_store(&cell->turns, 1);
	watch(1, 60);
	ck_assert_str_eq(ended, "");
	atomic_store(&cell->turns, 2);
	watch(61, 70);
	ck_assert_str_eq(ended, "");
	watch(71, 71);
	ck_assert_str_eq(ended, "a");

	munmap(memory, watch_size(snapshot.loops));
	finish();
}
END_TEST

START_TEST(one_without_a_processor_is_waited_for)
{
	prepare();
	looks.ready = true;
	cpu_ms_a_look = 20;

	watch(1, 120);
	ck_assert_str_eq(ended, "");
	cpu_ms_a_look = 1000; /* it turns in circles */
	watch(121, 126);
	ck_assert_int_eq(ended[0], 'a');

	finish();
}
END_TEST

START_TEST(so_is_a_loop_and_its_plugin_without_a_processor)
{
	struct watch_cell *cell;
	void *memory;

	prepare();
	cell = (struct watch_cell *)main_cell(&memory) - snapshot.loops;
	atomic_store(&cell->turns, 1);
	looks.ready = true;
	cpu_ms_a_look = 20;

	for (int64_t s = 1; s <= 40; s++) {
		watch(s, s);
		answer();
	}
	ck_assert_str_eq(ended, "");
	looks.ready = false; /* it sleeps */
	watch(41, 42);
	ck_assert_str_eq(ended, "a");

	munmap(memory, watch_size(snapshot.loops));
	finish();
}
END_TEST

START_TEST(one_that_waits_for_a_disk_is_ended_in_the_end)
{
	prepare();
	looks.kept = true;
	cpu_ms_a_look = 0;

	watch(1, 120);
	ck_assert_str_eq(ended, "");
	watch(121, 133);
	ck_assert_int_eq(ended[0], 'a');

	finish();
}
END_TEST

UNIT_TESTS("pulse", one_that_waits_for_a_disk_is_ended_in_the_end,
	a_worker_that_answers_is_asked_every_five_seconds,
	one_that_does_not_answer_is_aborted_and_then_killed, a_late_answer_begins_anew,
	a_plugin_may_keep_the_main_thread, one_without_a_processor_is_waited_for,
	so_is_a_loop_and_its_plugin_without_a_processor)
