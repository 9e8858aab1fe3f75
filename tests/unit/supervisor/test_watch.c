/* supervisor/watch.c: what is seen of files and folders. */
#include "supervisor/watch.h"

#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/fdutil.h"
#include "unit.h"

static void
put(const char *dir, const char *name, const char *text)
{
	char path[512];
	int fd;

	snprintf(path, sizeof path, "%s/%s", dir, name);
	fd = open(path, O_CREAT | O_WRONLY | O_TRUNC | O_CLOEXEC, 0600);
	ck_assert_int_ge(fd, 0);
	ck_assert_int_eq(fd_write_all(fd, text, strlen(text)), 0);
	close(fd);
}

START_TEST(a_folder_is_seen_whatever_its_name)
{
	static const char *const names[] = { "plain", "a[b]", "*", "b?\\c" };
	char *dir = unit_tempdir(), folder[400];
	const char *const paths[] = { folder };
	uint64_t before, after;

	put(dir, "other", "other"); /* what a name that is taken for a pattern would find */
	for (size_t i = 0; i < array_len(names); i++) {
		snprintf(folder, sizeof folder, "%s/%s", dir, names[i]);
		ck_assert_int_eq(mkdir(folder, 0700), 0);
		put(folder, "ca.pem", "one");
		before = watch_look(paths, 1);

		put(folder, "ca.pem", "another");

		after = watch_look(paths, 1);
		ck_assert_msg(before != after, "%s", names[i]);
		ck_assert_uint_eq(watch_look(paths, 1), after);
	}
	unit_tempdir_remove(dir);
}
END_TEST

START_TEST(a_file_that_is_gone_or_back_is_seen)
{
	char *dir = unit_tempdir(), path[400];
	const char *const paths[] = { path };
	uint64_t there, gone;

	snprintf(path, sizeof path, "%s/site.pem", dir);
	put(dir, "site.pem", "one");
	there = watch_look(paths, 1);
	ck_assert_int_eq(unlink(path), 0);
	gone = watch_look(paths, 1);
	ck_assert_uint_ne(gone, there);
	put(dir, "site.pem", "one and more");
	ck_assert_uint_ne(watch_look(paths, 1), gone);
	ck_assert_uint_ne(watch_look(paths, 1), there);
	unit_tempdir_remove(dir);
}
END_TEST

static struct {
	struct event_base *base;
	struct event *log;
	char dir[400];
} busy;

static void
write_log(evutil_socket_t fd, short what, void *arg)
{
	(void)fd, (void)what, (void)arg;
	put(busy.dir, "log", "one more line");
}

static void
on_changed(void *arg)
{
	*(bool *)arg = true;
	event_base_loopbreak(busy.base);
}

START_TEST(a_folder_that_is_never_quiet_hides_no_change)
{
	const struct timeval often = { .tv_usec = 200000 }, patience = { .tv_sec = 30 };
	char *dir = unit_tempdir(), path[450];
	const char *const paths[] = { path };
	struct err e = { 0 };
	struct watch *w;
	bool changed = false;

	busy.base = event_base_new();
	snprintf(busy.dir, sizeof busy.dir, "%s", dir);
	snprintf(path, sizeof path, "%s/site.pem", dir);
	put(dir, "site.pem", "one");
	ck_assert_int_eq(watch_new(busy.base, on_changed, &changed, &w, &e), 0);
	ck_assert_int_eq(watch_set(w, paths, 1, watch_look(paths, 1)), 0);
	busy.log = event_new(busy.base, -1, EV_PERSIST, write_log, NULL);
	event_add(busy.log, &often);

	put(dir, "site.pem", "another");
	event_base_loopexit(busy.base, &patience);
	event_base_dispatch(busy.base);

	ck_assert(changed);
	event_free(busy.log);
	watch_free(w);
	event_base_free(busy.base);
	unit_tempdir_remove(dir);
}
END_TEST

UNIT_TESTS("watch", a_folder_is_seen_whatever_its_name, a_file_that_is_gone_or_back_is_seen,
	a_folder_that_is_never_quiet_hides_no_change)
