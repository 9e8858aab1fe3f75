/* supervisor/admin_socket.c: where it is bound, with which rights, and what becomes of a place that can't be
 * had. */
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>

#include "base/fdutil.h"
#include "supervisor/admin_socket.h"
#include "unit.h"

static struct cfg_daemon
daemon_at(const char *listen)
{
	return (struct cfg_daemon){ .admin = { .listen = listen,
					    .listen_place = { .file = "t.yaml", .line = 2, .column = 17 },
					    .mode = 0660 } };
}

static char *
in(const char *folder, const char *prefix, const char *name)
{
	char *path = NULL;

	ck_assert_int_gt(asprintf(&path, "%s%s/%s", prefix, folder, name), 0);
	return path;
}

static void
assert_told(struct cfg_report *report, const char *what)
{
	ck_assert_uint_eq(report->errors, 1);
	ck_assert_int_eq(report->findings[0].line, 2);
	ck_assert_msg(strstr(report->findings[0].text, what) != NULL, "%s", report->findings[0].text);
	cfg_report_fini(report);
}

START_TEST(it_has_the_mode_that_was_asked_for)
{
	char *folder = unit_tempdir(), *url = in(folder, "unix://", "adm"), *path = in(folder, "", "adm");
	struct cfg_daemon d = daemon_at(url);
	struct cfg_report report = { 0 };
	struct admin_socket s;
	struct err e = { 0 };
	struct stat st;

	d.admin.mode = 0604;
	ck_assert_int_eq(admin_socket_open(&d, &report, &s, &e), 0);
	ck_assert_int_eq(stat(path, &st), 0);
	ck_assert_int_eq(st.st_mode & 07777, 0604);
	ck_assert_str_eq(s.url, url);
	admin_socket_fini(&s);
	ck_assert_int_lt(stat(path, &st), 0);
	free(url);
	free(path);
	unit_tempdir_remove(folder);
}
END_TEST

START_TEST(off_is_nowhere)
{
	struct cfg_daemon d = daemon_at(CFG_ADMIN_OFF);
	struct admin_socket s;
	struct err e = { 0 };

	ck_assert_int_eq(admin_socket_open(&d, NULL, &s, &e), 0);
	ck_assert_int_eq(s.fd, -1);
	ck_assert_ptr_null(s.url);
	admin_socket_fini(&s);
}
END_TEST

START_TEST(a_place_that_was_asked_for_and_cant_be_had_is_an_error)
{
	char *folder = unit_tempdir(), *url = in(folder, "unix://", "adm"),
	     *deep = in(folder, "unix://", "no/adm");
	struct cfg_daemon d = daemon_at(url), other = daemon_at(deep), group = daemon_at(url);
	struct cfg_report report = { 0 };
	struct admin_socket s, second = { .fd = 77 };
	struct err e = { 0 };

	ck_assert_int_eq(admin_socket_open(&d, &report, &s, &e), 0);
	ck_assert_int_eq(admin_socket_open(&d, &report, &second, &e), -EADDRINUSE);
	assert_told(&report, "'admin.listen': ");
	ck_assert_int_eq(second.fd, 77);
	admin_socket_fini(&s);
	ck_assert_int_lt(admin_socket_open(&other, &report, &s, &e), 0);
	assert_told(&report, "'admin.listen': ");
	group.admin.group = "no-such-group";
	group.admin.group_place = d.admin.listen_place;
	ck_assert_int_eq(admin_socket_open(&group, &report, &s, &e), -EINVAL);
	assert_told(&report, "there is no group 'no-such-group'");
	free(url);
	free(deep);
	unit_tempdir_remove(folder);
}
END_TEST

START_TEST(a_place_that_nobody_asked_for_is_done_without)
{
	char *folder = unit_tempdir(), *path = in(folder, "", "admin.sock"), *deep = in(folder, "", "new"),
	     *deeper = in(folder, "", "not/there");
	struct cfg_daemon d = daemon_at(CFG_ADMIN_AUTO);
	struct cfg_report report = { 0 };
	struct admin_socket first, second;
	struct err e = { 0 };
	struct stat st;

	setenv("RUNTIME_DIRECTORY", folder, 1);
	ck_assert_int_eq(admin_socket_open(&d, &report, &first, &e), 0);
	ck_assert_int_eq(stat(path, &st), 0);
	ck_assert_int_eq(admin_socket_open(&d, &report, &second, &e), 0); /* it is live */
	ck_assert_int_eq(second.fd, -1);
	ck_assert_int_eq(stat(path, &st), 0);
	admin_socket_fini(&first);
	setenv("RUNTIME_DIRECTORY", deep, 1);
	ck_assert_int_eq(admin_socket_open(&d, &report, &first, &e), 0);
	ck_assert_int_ge(first.fd, 0); /* one folder is made */
	admin_socket_fini(&first);
	setenv("RUNTIME_DIRECTORY", deeper, 1);
	ck_assert_int_eq(admin_socket_open(&d, &report, &first, &e), 0);
	ck_assert_int_eq(first.fd, -1);
	ck_assert_uint_eq(report.errors, 0);
	free(path);
	free(deep);
	free(deeper);
	unit_tempdir_remove(folder);
}
END_TEST

START_TEST(an_abstract_name_has_a_group_too)
{
	char name[64], number[16];
	struct cfg_daemon d = daemon_at(name);
	struct cfg_report report = { 0 };
	struct admin_socket s;
	struct err e = { 0 };

	snprintf(name, sizeof name, "unix:@sockd-test-admin-%d", (int)getpid());
	snprintf(number, sizeof number, "%d", (int)getegid());
	d.admin.group = number;
	ck_assert_int_eq(admin_socket_open(&d, &report, &s, &e), 0);
	ck_assert_uint_eq(s.group, getegid());
	admin_socket_fini(&s);
}
END_TEST

START_TEST(we_ourselves_are_admitted)
{
	struct admin_socket s = { .fd = -1, .group = (gid_t)-1 };
	int pair[2];

	ck_assert_int_eq(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair), 0);
	ck_assert(admin_socket_admits(&s, pair[0]));
	ck_assert(!admin_socket_admits(&s, -1));
	close(pair[0]);
	close(pair[1]);
}
END_TEST

UNIT_TESTS("admin_socket", it_has_the_mode_that_was_asked_for, off_is_nowhere,
	a_place_that_was_asked_for_and_cant_be_had_is_an_error, a_place_that_nobody_asked_for_is_done_without,
	an_abstract_name_has_a_group_too, we_ourselves_are_admitted)
