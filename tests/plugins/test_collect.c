/* plugins/collect on fakes: what becomes a record, and what happens when something fails: the pool, a timer,
 * the disk. The disk is a real file under RLIMIT_FSIZE, by which the kernel cuts one write short and refuses
 * those after it, as on a full disk. */
#include <errno.h>
#include <signal.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>

#include "plugin_case.h"

enum { GATHER_MS = 50, RETRY_MS = 1000, BACKLOG = 16 << 20 };

static char *folder, path[512];

static void
begin(void)
{
	folder = unit_tempdir();
	snprintf(path, sizeof path, "%s/log", folder);
}

static struct sockd_fake *
plain(int transport)
{
	struct sockd_fake *f = sockd_fake_new(&sockd_plugin, transport);

	ck_assert_ptr_nonnull(f);
	ck_assert_int_eq(sockd_fake_set(f, "file", path), 0);
	ck_assert_int_eq(sockd_fake_set(f, "stamp", "false"), 0);
	return f;
}

static struct sockd_fake *
collecting(int transport)
{
	struct sockd_fake *f = plain(transport);

	ck_assert_msg(sockd_fake_start(f) == 0, "%s", sockd_fake_error(f));
	return f;
}

/* From now on a file may have so many bytes. */
static void
limit_files(rlim_t bytes)
{
	struct rlimit limit;

	ck_assert_ptr_ne(signal(SIGXFSZ, SIG_IGN), SIG_ERR);
	ck_assert_int_eq(getrlimit(RLIMIT_FSIZE, &limit), 0);
	limit.rlim_cur = bytes;
	ck_assert_int_eq(setrlimit(RLIMIT_FSIZE, &limit), 0);
}

static void
send_all(struct sockd_fake *f, const char *text)
{
	feed(f, text);
	sockd_fake_turn(f);
	sockd_fake_advance(f, GATHER_MS);
}

static void
end(struct sockd_fake *f)
{
	sockd_fake_free(f);
	unit_tempdir_remove(folder);
}

/* ---- records ---- */

START_TEST(a_line_is_a_record_wherever_it_is_cut)
{
	for (size_t segment = 0; segment < 8; segment++) {
		struct sockd_fake *f;

		begin();
		f = collecting(SOCKD_TCP);
		sockd_fake_set_segment(f, segment);
		send_all(f, "one\r\ntwo\n\n\r\nthree \r four\nno end");
		unit_expect_file(path, "one\ntwo\nthree \\x0d four\n");
		sockd_fake_end(f);
		sockd_fake_turn(f);
		ck_assert_uint_eq(sockd_fake_closes(f), 1);
		sockd_fake_advance(f, GATHER_MS);
		unit_expect_file(path, "one\ntwo\nthree \\x0d four\nno end\n");
		end(f);
	}
}
END_TEST

/* No byte of it is lost where it is cut, a CR before the cut neither. */
START_TEST(a_long_line_becomes_several_records)
{
	struct sockd_fake *f;

	begin();
	f = plain(SOCKD_TCP);
	ck_assert_int_eq(sockd_fake_set(f, "max_line", "16"), 0);
	ck_assert_int_eq(sockd_fake_start(f), 0);
	send_all(f, "0123456789abcde\rfghi\n0123456789abcdef\r\nend\n");
	unit_expect_file(path, "0123456789abcde\\x0d\nfghi\n0123456789abcdef\nend\n");
	end(f);
}
END_TEST

START_TEST(control_characters_are_written_in_hex)
{
	struct sockd_fake *f;

	begin();
	f = collecting(SOCKD_UDP);
	ck_assert_int_eq(sockd_fake_feed(f, "a\0b\nc\x1b[2J\td\x7f\xc3\xa4\xff\xc2\x9b\xc2\xa0", 20), 0);
	sockd_fake_turn(f);
	sockd_fake_advance(f, GATHER_MS);
	unit_expect_file(path, "a\\x00b\\x0ac\\x1b[2J\td\\x7f\xc3\xa4\xff\xc2\\x9b\xc2\xa0\n");
	end(f);
}
END_TEST

START_TEST(a_datagram_is_a_record_the_empty_one_too)
{
	struct sockd_fake *f;

	begin();
	f = collecting(SOCKD_UNIXGRAM);
	feed(f, "first\n");
	feed(f, "");
	send_all(f, "second\n\n");
	unit_expect_file(path, "first\n\nsecond\n");
	end(f);
}
END_TEST

START_TEST(a_stamp_tells_time_and_sender)
{
	struct sockd_addr who = { .len = sizeof(sa_family_t) };
	struct sockd_fake *f;

	begin();
	f = sockd_fake_new(&sockd_plugin, SOCKD_UDP);
	ck_assert_int_eq(sockd_fake_set(f, "file", path), 0);
	ck_assert_int_eq(sockd_fake_start(f), 0);
	sockd_fake_set_remote(f, &who, "192.0.2.7:4711");
	sockd_fake_advance(f, 1234);
	send_all(f, "hello");
	unit_expect_file(path, "1970-01-01T00:00:01.234Z 192.0.2.7:4711 hello\n");
	end(f);
}
END_TEST

START_TEST(the_last_records_are_written_when_it_stops)
{
	struct sockd_fake *f;

	begin();
	f = collecting(SOCKD_TCP);
	feed(f, "last\n");
	sockd_fake_turn(f);
	unit_expect_file(path, "");
	sockd_fake_free(f);
	unit_expect_file(path, "last\n");
	unit_tempdir_remove(folder);
}
END_TEST

/* ---- failures ---- */

START_TEST(a_pool_that_is_full_is_asked_again)
{
	struct sockd_fake *f;

	begin();
	f = collecting(SOCKD_TCP);
	sockd_fake_fail(f, SOCKD_FAKE_OFFLOAD, EAGAIN, 0, 3);
	send_all(f, "patience\n");
	sockd_fake_advance(f, GATHER_MS);
	unit_expect_file(path, "");
	sockd_fake_advance(f, 2 * GATHER_MS);
	unit_expect_file(path, "patience\n");
	end(f);
}
END_TEST

START_TEST(without_a_timer_it_does_not_start_and_later_says_so)
{
	struct sockd_fake *f;

	begin();
	f = plain(SOCKD_TCP);
	sockd_fake_fail(f, SOCKD_FAKE_TIMER, EAGAIN, 0, 1);
	ck_assert_int_eq(sockd_fake_start(f), -1);
	ck_assert_str_eq(sockd_fake_error(f), "cannot start a timer");
	end(f);

	begin();
	f = plain(SOCKD_TCP);
	sockd_fake_fail(f, SOCKD_FAKE_TIMER, EAGAIN, 2, 1);
	ck_assert_int_eq(sockd_fake_start(f), 0);
	sockd_fake_advance(f, GATHER_MS);
	ck_assert_str_eq(sockd_fake_log(f), "");
	sockd_fake_advance(f, GATHER_MS);
	ck_assert_ptr_nonnull(strstr(sockd_fake_log(f), "collect_no_timer"));
	feed(f, "written at the end\n");
	sockd_fake_turn(f);
	sockd_fake_free(f);
	unit_expect_file(path, "written at the end\n");
	unit_tempdir_remove(folder);
}
END_TEST

/* The last line of the log, with the file in the place of %s. */
static void
expect_log(struct sockd_fake *f, const char *wanted)
{
	const char *at = strstr(wanted, "%s");
	char text[1024];

	snprintf(text, sizeof text, "%.*s%s%s", (int)(at - wanted), wanted, path, at + 2);
	ck_assert_str_eq(sockd_fake_log(f), text);
}

/* Its second write is cut short, the third and those of two retries are refused. */
START_TEST(a_full_disk_cuts_no_record_that_is_written_later)
{
	struct sockd_fake *f;

	begin();
	f = collecting(SOCKD_TCP);
	send_all(f, "fits\n");
	limit_files(9);
	send_all(f, "does not\n");
	expect_log(
		f, "collect_stopped cannot write %s: File too large; records wait, and then their senders");
	unit_expect_file(path, "fits\ndoes");
	send_all(f, "waits\n");
	sockd_fake_advance(f, RETRY_MS);
	unit_expect_file(path, "fits\ndoes");
	limit_files(RLIM_INFINITY);
	sockd_fake_advance(f, RETRY_MS);
	expect_log(f, "collect_resumed what waited for %s has been written");
	unit_expect_file(path, "fits\ndoes not\nwaits\n");
	end(f);
}
END_TEST

/* SIGUSR1 */
static void
reopen(struct sockd_fake *f)
{
	sockd_plugin.reopen(sockd_conn_instance(sockd_fake_conn(f)));
}

START_TEST(a_new_file_after_a_full_disk_begins_with_a_whole_record)
{
	struct sockd_fake *f;
	char old[600];

	begin();
	snprintf(old, sizeof old, "%s.1", path);
	f = collecting(SOCKD_TCP);
	limit_files(8);
	send_all(f, "one\ntwo is cut\nthree\n");
	ck_assert_int_eq(rename(path, old), 0);
	limit_files(RLIM_INFINITY);
	reopen(f);
	sockd_fake_advance(f, RETRY_MS);
	unit_expect_file(old, "one\ntwo ");
	unit_expect_file(path, "two is cut\nthree\n");
	end(f);
}
END_TEST

START_TEST(a_folder_that_is_gone_is_told_and_the_old_file_goes_on)
{
	struct sockd_fake *f;
	char moved[512];

	begin();
	snprintf(moved, sizeof moved, "%s.moved", folder);
	f = collecting(SOCKD_TCP);
	sockd_fake_turn(f);
	ck_assert_int_eq(rename(folder, moved), 0);
	reopen(f);
	expect_log(f,
		"collect_not_reopened cannot open %s: No such file or directory; what was open before is "
		"still written to");
	send_all(f, "still\n");
	ck_assert_int_eq(rename(moved, folder), 0);
	unit_expect_file(path, "still\n");
	reopen(f);
	send_all(f, "and on\n");
	unit_expect_file(path, "still\nand on\n");
	end(f);
}
END_TEST

/* Nothing is read beyond what may wait, and all of it is written once there is room. */
START_TEST(when_too_much_waits_reading_stops_until_it_is_written)
{
	static char block[64 * 1024];
	size_t fed = 0;
	struct sockd_fake *f;
	struct stat st;

	memset(block, 'x', sizeof block);
	for (size_t i = 1023; i < sizeof block; i += 1024)
		block[i] = '\n';
	begin();
	f = collecting(SOCKD_TCP);
	limit_files(0);
	for (; fed < BACKLOG + 4 * sizeof block; fed += sizeof block) {
		ck_assert_int_eq(sockd_fake_feed(f, block, sizeof block), 0);
		sockd_fake_turn(f);
	}
	ck_assert_uint_ge(sockd_readable(sockd_conn_reader(sockd_fake_conn(f))), 3 * sizeof block);
	limit_files(RLIM_INFINITY);
	sockd_fake_advance(f, 2 * RETRY_MS);
	sockd_fake_turn(f);
	sockd_fake_advance(f, GATHER_MS);
	ck_assert_uint_eq(sockd_readable(sockd_conn_reader(sockd_fake_conn(f))), 0);
	ck_assert_int_eq(stat(path, &st), 0);
	ck_assert_uint_eq((size_t)st.st_size, fed);
	end(f);
}
END_TEST

/* The log is gone with the fake, so the plugin is stopped by hand. */
START_TEST(what_is_lost_at_the_end_is_told)
{
	struct sockd_plugin kept = sockd_plugin;
	struct sockd_fake *f;
	void *instance;

	begin();
	kept.thread_stop = NULL;
	kept.stop = NULL;
	f = sockd_fake_new(&kept, SOCKD_TCP);
	ck_assert_int_eq(sockd_fake_set(f, "file", path), 0);
	ck_assert_int_eq(sockd_fake_set(f, "stamp", "false"), 0);
	ck_assert_int_eq(sockd_fake_start(f), 0);
	limit_files(7);
	send_all(f, "one\ntwo\nthree\n");
	feed(f, "four\n");
	sockd_fake_turn(f);
	instance = sockd_conn_instance(sockd_fake_conn(f));
	sockd_plugin.thread_stop(instance, sockd_conn_thread_state(sockd_fake_conn(f)));
	sockd_plugin.stop(instance);
	expect_log(f, "collect_lost 3 records: cannot write %s: File too large");
	limit_files(RLIM_INFINITY);
	end(f);
}
END_TEST

START_TEST(settings_that_do_not_go_together_are_refused)
{
	static const char *const cases[][4] = { { "file", "/x", "journal", "true" },
		{ "journal", "false", "stamp", "true" }, { "file", "/x", "mode", "abcd" },
		{ "file", "/nowhere/log", "mode", "0600" } };
	static const char *const said[] = { "file: give either a file or `journal: true`",
		"file: give either a file or `journal: true`", "mode: a mode is written like \"0640\"",
		"file: cannot open /nowhere/log: No such file or directory" };

	for (size_t i = 0; i < 4; i++) {
		struct sockd_fake *f = sockd_fake_new(&sockd_plugin, SOCKD_TCP);

		ck_assert_int_eq(sockd_fake_set(f, cases[i][0], cases[i][1]), 0);
		ck_assert_int_eq(sockd_fake_set(f, cases[i][2], cases[i][3]), 0);
		ck_assert_int_eq(sockd_fake_start(f), -1);
		ck_assert_str_eq(sockd_fake_error(f), said[i]);
		sockd_fake_free(f);
	}
}
END_TEST

UNIT_TESTS("collect", a_line_is_a_record_wherever_it_is_cut, a_long_line_becomes_several_records,
	control_characters_are_written_in_hex, a_datagram_is_a_record_the_empty_one_too,
	a_stamp_tells_time_and_sender, the_last_records_are_written_when_it_stops,
	a_pool_that_is_full_is_asked_again, without_a_timer_it_does_not_start_and_later_says_so,
	a_full_disk_cuts_no_record_that_is_written_later,
	a_new_file_after_a_full_disk_begins_with_a_whole_record,
	a_folder_that_is_gone_is_told_and_the_old_file_goes_on,
	when_too_much_waits_reading_stops_until_it_is_written, what_is_lost_at_the_end_is_told,
	settings_that_do_not_go_together_are_refused)
