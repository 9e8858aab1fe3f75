/* What reaches the service manager. */
#include "supervisor/notify.h"

#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>

#include "unit.h"

static char *folder;
static char message[4096];

/* A socket such as a manager makes. */
static int
manager(void)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);

	folder = unit_tempdir();
	snprintf(address.sun_path, sizeof address.sun_path, "%s/notify", folder);
	ck_assert_int_eq(bind(fd, (const struct sockaddr *)&address, sizeof address), 0);
	setenv("NOTIFY_SOCKET", address.sun_path, 1);
	return fd;
}

static const char *
next_message(int fd)
{
	ssize_t n = recv(fd, message, sizeof message - 1, 0);

	message[n < 0 ? 0 : n] = '\0';
	return n < 0 ? NULL : message;
}

#ifdef HAVE_LIBSYSTEMD

START_TEST(each_step_is_told)
{
	int fd = manager();

	notify_ready();
	ck_assert_str_eq(next_message(fd), "READY=1");
	notify_status("serving %d listeners", 3);
	ck_assert_str_eq(next_message(fd), "STATUS=serving 3 listeners");
	notify_stopping();
	ck_assert_str_eq(next_message(fd), "STOPPING=1");
	notify_extend(10500);
	ck_assert_str_eq(next_message(fd), "EXTEND_TIMEOUT_USEC=10500000");
	ck_assert_ptr_null(next_message(fd));
	close(fd);
	unit_tempdir_remove(folder);
}
END_TEST

START_TEST(the_watchdog_is_asked_for_and_fed)
{
	int fd = manager();

	unsetenv("WATCHDOG_USEC");
	ck_assert_int_eq(notify_watchdog_ms(), 0);
	setenv("WATCHDOG_USEC", "30000000", 1);
	ck_assert_int_eq(notify_watchdog_ms(), 30000);
	setenv("WATCHDOG_PID", "1", 1);
	ck_assert_int_eq(notify_watchdog_ms(), 0);
	notify_alive();
	ck_assert_str_eq(next_message(fd), "WATCHDOG=1");
	close(fd);
	unit_tempdir_remove(folder);
}
END_TEST

START_TEST(sockets_are_stored_and_removed_by_name)
{
	int fd = manager(), ours = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0), theirs;
	char control[CMSG_SPACE(sizeof(int))];
	struct iovec text = { .iov_base = message, .iov_len = sizeof message - 1 };
	struct msghdr m = {
		.msg_iov = &text, .msg_iovlen = 1, .msg_control = control, .msg_controllen = sizeof control
	};
	struct stat a, b;
	ssize_t n;

	notify_store(ours, "sockd-kept.7");
	n = recvmsg(fd, &m, 0);
	ck_assert_int_gt(n, 0);
	message[n] = '\0';
	ck_assert_str_eq(message, "FDSTORE=1\nFDPOLL=0\nFDNAME=sockd-kept.7");
	ck_assert_ptr_nonnull(CMSG_FIRSTHDR(&m));
	ck_assert_int_eq(CMSG_FIRSTHDR(&m)->cmsg_type, SCM_RIGHTS);
	memcpy(&theirs, CMSG_DATA(CMSG_FIRSTHDR(&m)), sizeof theirs);
	ck_assert(fstat(ours, &a) == 0 && fstat(theirs, &b) == 0 && a.st_ino == b.st_ino);
	notify_store_remove("sockd-kept.7");
	ck_assert_str_eq(next_message(fd), "FDSTOREREMOVE=1\nFDNAME=sockd-kept.7");
	close(ours);
	close(theirs);
	close(fd);
	unit_tempdir_remove(folder);
}
END_TEST

START_TEST(without_a_manager_a_barrier_is_passed_at_once)
{
	unsetenv("NOTIFY_SOCKET");
	ck_assert(notify_barrier());
}
END_TEST

START_TEST(a_status_is_one_line_of_utf8_and_bounded)
{
	int fd = manager();
	char text[2000];

	notify_status("a\nREADY=1\xff\x7f%s", "\xc3\xa9");
	ck_assert_str_eq(next_message(fd), "STATUS=a READY=1  \xc3\xa9");
	for (size_t i = 0; i + 3 <= sizeof text; i += 3)
		memcpy(text + i, "\xe2\x82\xac", 3);
	text[sizeof text - 2] = '\0';
	for (int shift = 0; shift < 3; shift++) {
		notify_status("%s%s", &"xx"[shift], text);
		ck_assert_uint_lt(strlen(next_message(fd)), 512);
		ck_assert_uint_gt(strlen(message), 500);
		ck_assert(strspn(strrchr(message, '\xac') + 1, " ") == strlen(strrchr(message, '\xac') + 1));
	}
	close(fd);
	unit_tempdir_remove(folder);
}
END_TEST

#else

START_TEST(nothing_is_told_without_libsystemd)
{
	int fd = manager();

	notify_ready();
	notify_status("serving %d listeners", 3);
	notify_stopping();
	notify_extend(10500);
	ck_assert_ptr_null(next_message(fd));
	close(fd);
	unit_tempdir_remove(folder);
}
END_TEST

#endif

START_TEST(a_manager_that_is_gone_is_no_trouble)
{
	int fd = manager();

	close(fd);
	notify_ready();
	notify_status("%s", "still here");
	unsetenv("NOTIFY_SOCKET");
	notify_ready();
	ck_assert_int_ge(access(folder, F_OK), 0);
	unit_tempdir_remove(folder);
}
END_TEST

#ifdef HAVE_LIBSYSTEMD
UNIT_TESTS("notify", each_step_is_told, the_watchdog_is_asked_for_and_fed,
	sockets_are_stored_and_removed_by_name, without_a_manager_a_barrier_is_passed_at_once,
	a_status_is_one_line_of_utf8_and_bounded, a_manager_that_is_gone_is_no_trouble)
#else
UNIT_TESTS("notify", nothing_is_told_without_libsystemd, a_manager_that_is_gone_is_no_trouble)
#endif
