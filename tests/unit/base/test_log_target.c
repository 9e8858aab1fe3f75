/* What log.target may name. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include "base/fdutil.h"
#include "base/log.h"
#include "unit.h"

START_TEST(a_file_is_made_with_mode_0640_and_appended_to)
{
	char *folder = unit_tempdir(), path[256];
	auto_of(mem) char *bytes = NULL;
	enum log_protocol protocol = LOG_TO_SYSLOG;
	struct err e = { 0 };
	struct stat st;
	size_t size;
	int fd, again;

	umask(0);
	snprintf(path, sizeof path, "%s/sockd.log", folder);
	ck_assert_int_eq(log_target_open(path, &fd, &protocol, &e), 0);
	ck_assert_int_eq(fd_write_all(fd, "one\n", 4), 0);
	ck_assert_int_eq(log_target_open(path, &again, &protocol, &e), 0);
	ck_assert_int_eq(fd_write_all(again, "two\n", 4), 0);
	ck_assert_int_eq(fd_write_all(fd, "three\n", 6), 0);

	ck_assert_int_eq(protocol, LOG_TO_STREAM);
	ck_assert_int_eq(fstat(fd, &st), 0);
	ck_assert_uint_eq(st.st_mode & 07777, 0640);
	ck_assert_int_ne(fcntl(fd, F_GETFD) & FD_CLOEXEC, 0);
	close(fd);
	close(again);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	ck_assert_int_eq(fd_read_all(fd, 1000, &bytes, &size), 0);
	ck_assert_str_eq(bytes, "one\ntwo\nthree\n");
	close(fd);
	unit_tempdir_remove(folder);
}
END_TEST

START_TEST(standard_error_is_duplicated)
{
	enum log_protocol protocol = LOG_TO_SYSLOG;
	struct err e = { 0 };
	struct stat a, b;
	int fd = -1;

	ck_assert_int_eq(log_target_open("stderr", &fd, &protocol, &e), 0);

	ck_assert_int_gt(fd, 2);
	ck_assert_int_eq(protocol, LOG_TO_STREAM);
	ck_assert_int_eq(fstat(fd, &a), 0);
	ck_assert_int_eq(fstat(2, &b), 0);
	ck_assert_uint_eq(a.st_ino, b.st_ino);
	close(fd);
}
END_TEST

START_TEST(a_file_that_cannot_be_opened_is_named)
{
	enum log_protocol protocol = LOG_TO_SYSLOG;
	struct err e = { 0 };
	int fd = -5;

	ck_assert_int_eq(log_target_open("/nowhere/sockd.log", &fd, &protocol, &e), -ENOENT);

	ck_assert_ptr_nonnull(strstr(e.text, "'/nowhere/sockd.log'"));
	ck_assert_int_eq(fd, -5);
	ck_assert_int_eq(protocol, LOG_TO_SYSLOG);
}
END_TEST

START_TEST(a_named_pipe_without_a_reader_is_refused_at_once)
{
	char *folder = unit_tempdir(), path[256];
	enum log_protocol protocol;
	struct err e = { 0 };
	int fd;

	snprintf(path, sizeof path, "%s/pipe", folder);
	ck_assert_int_eq(mkfifo(path, 0600), 0);

	ck_assert_int_eq(log_target_open(path, &fd, &protocol, &e), -ENXIO);
	unit_tempdir_remove(folder);
}
END_TEST

START_TEST(an_unknown_word_is_refused)
{
	enum log_protocol protocol;
	struct err e = { 0 };
	int fd;

	ck_assert_int_eq(log_target_open("stdout", &fd, &protocol, &e), -EINVAL);
	ck_assert_ptr_nonnull(strstr(e.text, "'stdout'"));
}
END_TEST

/* Where the machine has no journal or syslog, the other outcome is the one to be seen. */
static void
check_socket(const char *target, const char *path, enum log_protocol expected)
{
	enum log_protocol protocol = LOG_TO_STREAM;
	struct err e = { 0 };
	int fd = -1, r = log_target_open(target, &fd, &protocol, &e);

	if (r == 0) {
		ck_assert_int_ge(fd, 0);
		ck_assert_int_eq(protocol, expected);
		close(fd);
	} else {
		ck_assert_int_eq(fd, -1);
		ck_assert_ptr_nonnull(strstr(e.text, path));
	}
}

START_TEST(journal_and_syslog_are_connected_or_named)
{
	check_socket("journal", "/run/systemd/journal/socket", LOG_TO_JOURNAL);
	check_socket("syslog", "/dev/log", LOG_TO_SYSLOG);
}
END_TEST

UNIT_TESTS("log_target", a_file_is_made_with_mode_0640_and_appended_to, standard_error_is_duplicated,
	a_file_that_cannot_be_opened_is_named, a_named_pipe_without_a_reader_is_refused_at_once,
	an_unknown_word_is_refused, journal_and_syslog_are_connected_or_named)
