/* supervisor/log_watch.c: a log that fails is told once, and what workers say of theirs is heard. */
#include "supervisor/log_watch.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/mman.h>
#include <unistd.h>

#include "base/fdutil.h"
#include "child_case.h"
#include "control/snapshot_pack.h"
#include "unit.h"

static const struct log_health well = { 0 }, full = { .error = ENOSPC, .for_ms = 7, .lost = 3 };

/* From here on standard error goes there. */
static int
catch_stderr(void)
{
	int fd = memfd_create("stderr", MFD_CLOEXEC);

	ck_assert_int_ge(dup2(fd, STDERR_FILENO), 0);
	return fd;
}

static const char *
caught(int fd)
{
	static char text[1000];
	ssize_t n = pread(fd, text, sizeof text - 1, 0);

	ck_assert_int_ge(n, 0);
	text[n] = '\0';
	return text;
}

START_TEST(a_failure_is_told_once_and_its_end_when_it_is_over)
{
	struct log_watch w = { 0 };
	int fd = catch_stderr();

	ck_assert(!log_watch_tell(&w, &well, "/l", 1000));
	ck_assert(log_watch_tell(&w, &full, "/l", 2000));
	ck_assert_int_eq(w.error, ENOSPC);
	ck_assert(!log_watch_tell(&w, &full, "/l", 3000));
	ck_assert_str_eq(caught(fd), "sockd: the log (/l) is not written: No space left on device; lines are "
				     "kept as long as there is room, then lost\n");

	ck_assert(!log_watch_tell(&w, &well, "/l", 4000));
	ck_assert(!log_watch_tell(&w, &full, "/l", 5000)); /* it worked for a moment only */
	ck_assert(!log_watch_tell(&w, &well, "/l", 6000));
	ck_assert(!log_watch_tell(&w, &well, "/l", 10999));
	ck_assert(log_watch_tell(&w, &well, "/l", 11000));
	ck_assert_int_eq(w.error, 0);
	ck_assert_ptr_nonnull(strstr(caught(fd), "lost\nsockd: the log (/l) is written again"));
	ck_assert(!log_watch_tell(&w, &well, "/l", 12000));
	close(fd);
}
END_TEST

START_TEST(standard_error_is_not_told_on_itself)
{
	struct log_watch w = { 0 };
	int fd = catch_stderr();

	ck_assert(log_watch_tell(&w, &full, "stderr", 1000));
	ck_assert_str_eq(caught(fd), "");
	close(fd);
}
END_TEST

START_TEST(metrics_tell_both)
{
	auto_of(strbuf) struct strbuf s = { 0 };

	log_watch_expose(&full, &s);

	ck_assert_ptr_nonnull(strstr(s.data, "\nsockd_log_lost_total 3\n"));
	ck_assert_ptr_nonnull(strstr(s.data, "\nsockd_log_failing 1\n"));
}
END_TEST

/* Answer as a worker does that is asked for a sign of life. */
static void
answer(struct generations *all, const char *text)
{
	struct generation *g = generations_first(all);
	struct cfg_report none = { 0 };
	struct strbuf body = { 0 };
	struct wire_message m;

	ck_assert(!case_ops.knock(g->worker));
	ck_assert_int_eq(wire_receive(case_worker, &m), 1);
	pack_u32(&body, 0);
	pack_text(&body, text);
	report_pack(&body, &none);
	ck_assert_int_eq(wire_send(case_worker, PROTOCOL_REPLY, m.number, body.data, body.size, NULL, 0), 0);
	strbuf_fini(&body);
	wire_message_fini(&m);
	child_hear(case_child);
	ck_assert_uint_eq(case_child->knock, 0);
}

START_TEST(a_worker_tells_of_its_log_with_a_sign_of_life)
{
	static const char *const nonsense[] = { "{}", "", "{\"log\":[]}",
		"{\"log\":{\"error\":-1,\"for_ms\":1,\"lost\":1}}",
		"{\"log\":{\"error\":28,\"for_ms\":1,\"lost\":-1}}" };
	struct event_base *base = event_base_new();
	struct cfg_report report = { 0 };
	struct snapshot snapshot = { 0 };
	struct generations *all = case_generations(base, &snapshot, &report);

	ck_assert_int_eq(log_watch_look(all).error, 0);
	answer(all, "{\"log\":{\"error\":28,\"for_ms\":5000,\"lost\":12}}");
	for (size_t i = 0; i < array_len(nonsense); i++)
		answer(all, nonsense[i]); /* changes nothing */

	ck_assert_int_eq(log_watch_look(all).error, ENOSPC);
	ck_assert_int_eq(log_watch_look(all).for_ms, 5000);
	ck_assert_uint_eq(log_watch_look(all).lost, 12);
	answer(all, "{\"log\":{\"error\":0,\"for_ms\":0,\"lost\":13}}");
	ck_assert_int_eq(log_watch_look(all).error, 0);
	ck_assert_uint_eq(log_watch_look(all).lost, 13);
	case_fini(base, all, &snapshot);
	cfg_report_fini(&report);
}
END_TEST

UNIT_TESTS("log_watch", a_failure_is_told_once_and_its_end_when_it_is_over,
	standard_error_is_not_told_on_itself, metrics_tell_both,
	a_worker_tells_of_its_log_with_a_sign_of_life)
