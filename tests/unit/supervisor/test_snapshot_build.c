/* supervisor/snapshot_build.c */
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/un.h>

#include "base/fdutil.h"
#include "config/load.h"
#include "control/snapshot.h"
#include "supervisor/snapshot_build.h"
#include "unit.h"

static char *dir;
static struct cfg_report report;

/* A configuration whose plugins are looked for in `dir`. */
static struct config *
load(const char *more)
{
	struct config *c = NULL;
	char text[2048];

	snprintf(text, sizeof text, "version: 1\ndaemon:\n  plugin_path: [%s]\n%s", dir, more);
	ck_assert_int_eq(config_parse_text("test.yaml", text, strlen(text), NULL, &c, &report), 0);
	return c;
}

static void
put_plugin(const char *name)
{
	char path[512];
	int fd;

	snprintf(path, sizeof path, "%s/%s.so", dir, name);
	fd = open(path, O_CREAT | O_WRONLY, 0755);
	ck_assert_int_eq(fd_write_all(fd, "shared", 6), 0);
	ck_assert_int_eq(fchmod(fd, 0755), 0);
	close(fd);
}

static void
prepare(void)
{
	dir = unit_tempdir();
	put_plugin("one");
	put_plugin("two");
}

static void
finish(struct config *c, struct snapshot *s)
{
	snapshot_free(s);
	config_unref(c);
	cfg_report_fini(&report);
	unit_tempdir_remove(dir);
}

START_TEST(each_plugin_is_copied_once)
{
	struct snapshot *s = NULL;
	struct err e = { 0 };
	struct config *c;
	char bytes[16];

	prepare();
	c = load("  threads: 3\n"
		 "  observers: [{plugin: two}]\n"
		 "listeners:\n"
		 "  a: {listen: 'tcp://127.0.0.1:0', handler: one}\n"
		 "  b: {listen: 'tcp://127.0.0.1:0', handler: one}\n");

	ck_assert_int_eq(snapshot_build_files(c, &report, &s, &e), 0);

	ck_assert_uint_eq(s->loops, 3);
	ck_assert_uint_eq(s->plugin_count, 2);
	ck_assert_ptr_eq(snapshot_plugin_find(s, "two"), &s->plugins[1]);
	ck_assert_int_eq(pread(s->plugins[0].fd, bytes, sizeof bytes, 0), 6);
	finish(c, s);
}
END_TEST

START_TEST(a_missing_plugin_is_told_wherever_it_is_named)
{
	struct snapshot *s = NULL;
	struct err e = { 0 };
	struct config *c;

	prepare();
	c = load("  threads: auto\n"
		 "listeners:\n"
		 "  a: {listen: 'tcp://127.0.0.1:0', handler: none}\n"
		 "  b: {listen: 'tcp://127.0.0.1:0', handler: one}\n"
		 "  c: {listen: 'tcp://127.0.0.1:0', handler: none}\n");

	ck_assert_int_eq(snapshot_build_files(c, &report, &s, &e), -EINVAL);

	ck_assert_uint_eq(report.errors, 2);
	ck_assert_int_ne(report.findings[0].line, report.findings[1].line);
	ck_assert_uint_ge(s->loops, 1);
	ck_assert_uint_eq(s->plugin_count, 1);
	finish(c, s);
}
END_TEST

START_TEST(sockets_are_bound_and_their_files_removed)
{
	struct snapshot_sockets *sockets = NULL;
	struct snapshot *s = NULL;
	struct err e = { 0 };
	struct config *c;
	char more[1024], path[512];

	prepare();
	snprintf(path, sizeof path, "%s/s", dir);
	snprintf(more, sizeof more,
		"  threads: 2\n"
		"listeners:\n"
		"  a: {listen: ['tcp://127.0.0.1:0', 'udp://127.0.0.1:0', 'unix://%s'], handler: one}\n",
		path);
	c = load(more);
	ck_assert_int_eq(snapshot_build_files(c, &report, &s, &e), 0);
	ck_assert_int_eq(snapshot_check_sockets(c, &report, &e), 0);
	ck_assert(cfg_report_is_ok(&report));

	ck_assert_int_eq(snapshot_build_sockets(s, &report, &sockets, &e), 0);

	ck_assert_uint_eq(s->socket_count, 4); /* udp has one a loop */
	ck_assert_int_eq(access(path, F_OK), 0);
	snapshot_sockets_free(sockets);
	ck_assert_int_eq(access(path, F_OK), -1);
	finish(c, s);
}
END_TEST

START_TEST(a_socket_that_cannot_be_bound_leaves_none_behind)
{
	struct snapshot_sockets *sockets = NULL;
	struct snapshot *s = NULL;
	struct err e = { 0 };
	struct config *c;
	char more[1024], path[512];

	prepare();
	snprintf(path, sizeof path, "%s/s", dir);
	snprintf(more, sizeof more,
		"listeners:\n"
		"  a: {listen: 'unix://%s', handler: one}\n"
		"  b: {listen: 'unix://%s/none/s', handler: one}\n",
		path, dir);
	c = load(more);
	ck_assert_int_eq(snapshot_build_files(c, &report, &s, &e), 0);

	ck_assert_int_lt(snapshot_build_sockets(s, &report, &sockets, &e), 0);

	ck_assert_uint_eq(report.errors, 1);
	ck_assert_uint_eq(s->socket_count, 0);
	ck_assert_int_eq(access(path, F_OK), -1);
	finish(c, s);
}
END_TEST

UNIT_TESTS("snapshot_build", each_plugin_is_copied_once, a_missing_plugin_is_told_wherever_it_is_named,
	sockets_are_bound_and_their_files_removed, a_socket_that_cannot_be_bound_leaves_none_behind)
