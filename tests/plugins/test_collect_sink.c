/* plugins/collect/sink.c: order over threads, a new file after a rename, a full disk, owners that come and
 * go. */
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "../../plugins/collect/sink.h"
#include "unit.h"

static char *folder, path[512];

static struct sink *
sink_here(mode_t mode)
{
	struct sink *s;

	folder = unit_tempdir();
	snprintf(path, sizeof path, "%s/log", folder);
	s = sink_new(&(struct sink_options){ .path = path, .mode = mode });
	ck_assert_ptr_nonnull(s);
	return s;
}

static void
put(struct sink *s, const char *text)
{
	struct batch *b = batch_new();

	ck_assert(batch_add(b, text, strlen(text)));
	b->records = 1;
	sink_put(s, b);
}

START_TEST(batches_are_appended_in_order)
{
	struct sink *s = sink_here(0600);
	struct stat st;

	put(s, "a\n");
	put(s, "b\n");
	ck_assert_uint_eq(sink_backlog(s), 4);
	ck_assert_int_eq(sink_write(s, NULL), 0);
	ck_assert_uint_eq(sink_backlog(s), 0);
	put(s, "c\n");
	sink_unref(s);
	unit_expect_file(path, "a\nb\nc\n");
	ck_assert_int_eq(stat(path, &st), 0);
	ck_assert_uint_eq(st.st_mode & 0777, 0600);
	unit_tempdir_remove(folder);
}
END_TEST

START_TEST(a_renamed_file_is_followed_by_a_new_one)
{
	struct sink *s = sink_here(0600);
	char old[600];

	snprintf(old, sizeof old, "%s.1", path);
	put(s, "before\n");
	ck_assert_int_eq(sink_write(s, NULL), 0);
	ck_assert_int_eq(rename(path, old), 0);
	ck_assert_int_eq(sink_reopen(s), 0);
	put(s, "after\n");
	sink_unref(s);
	unit_expect_file(old, "before\n");
	unit_expect_file(path, "after\n");
	unit_tempdir_remove(folder);
}
END_TEST

static void *
write_it(void *sink)
{
	ck_assert_int_eq(sink_write(sink, NULL), 0);
	return NULL;
}

static void *
reopen_it(void *sink)
{
	ck_assert_int_eq(sink_reopen(sink), 0);
	return NULL;
}

/* A pipe that nobody reads is a file that takes long. */
START_TEST(there_is_no_new_file_while_the_old_one_is_written)
{
	static char line[200 * 1000], back[200 * 1000];
	char fifo[600], old[600];
	pthread_t writer, reopener;
	struct sink *s;
	int fd, there = 0;
	size_t got = 0;

	folder = unit_tempdir();
	snprintf(fifo, sizeof fifo, "%s/log", folder);
	snprintf(old, sizeof old, "%s/old", folder);
	ck_assert_int_eq(mkfifo(fifo, 0600), 0);
	fd = open(fifo, O_RDWR | O_CLOEXEC);
	ck_assert_int_ge(fd, 0);
	s = sink_new(&(struct sink_options){ .path = fifo, .mode = 0600 });
	ck_assert_ptr_nonnull(s);
	memset(line, 'x', sizeof line - 2);
	line[sizeof line - 2] = '\n';
	put(s, line);
	ck_assert_int_eq(pthread_create(&writer, NULL, write_it, s), 0);
	while (there < 60000)
		ck_assert_int_eq(ioctl(fd, FIONREAD, &there), 0);
	ck_assert_int_eq(rename(fifo, old), 0);
	ck_assert_int_eq(pthread_create(&reopener, NULL, reopen_it, s), 0);

	for (int i = 0; i < 50; i++) {
		usleep(1000);
		ck_assert_int_lt(access(fifo, F_OK), 0);
	}
	while (got < sizeof line - 1)
		got += (size_t)read(fd, back + got, sizeof back - got);
	pthread_join(writer, NULL);
	pthread_join(reopener, NULL);
	ck_assert_int_eq(access(fifo, F_OK), 0);
	ck_assert_str_eq(back, line);

	sink_unref(s);
	unit_expect_file(fifo, "");
	close(fd);
	unit_tempdir_remove(folder);
}
END_TEST

START_TEST(a_file_that_cannot_be_opened_anew_leaves_the_old_one)
{
	struct sink *s = sink_here(0600);
	char old[600];

	snprintf(old, sizeof old, "%s.1", path);
	ck_assert_int_eq(rename(path, old), 0);
	ck_assert_int_eq(mkdir(path, 0700), 0);
	ck_assert_int_eq(sink_reopen(s), -1);
	ck_assert_int_eq(errno, EISDIR);
	put(s, "still\n");
	sink_unref(s);
	unit_expect_file(old, "still\n");
	unit_tempdir_remove(folder);
}
END_TEST

START_TEST(a_file_that_was_removed_is_made_anew)
{
	struct sink *s = sink_here(0600);
	char moved[600];

	put(s, "before\n");
	ck_assert_int_eq(sink_write(s, NULL), 0);
	ck_assert_int_eq(unlink(path), 0);
	put(s, "after\n");
	ck_assert_int_eq(sink_write(s, NULL), 0);
	unit_expect_file(path, "after\n");

	snprintf(moved, sizeof moved, "%s.moved", folder);
	ck_assert_int_eq(unlink(path), 0);
	ck_assert_int_eq(rename(folder, moved), 0);
	put(s, "waits\n");
	ck_assert_int_eq(sink_write(s, NULL), ENOENT);
	ck_assert_int_eq(rename(moved, folder), 0);
	ck_assert_int_eq(sink_write(s, NULL), 0);
	unit_expect_file(path, "waits\n");
	sink_unref(s);
	unit_tempdir_remove(folder);
}
END_TEST

START_TEST(a_full_disk_keeps_what_waits)
{
	struct sink *s = sink_new(&(struct sink_options){ .path = "/dev/full", .mode = 0600 });
	bool news = false;

	ck_assert_ptr_nonnull(s);
	put(s, "a\n");
	put(s, "b\n");
	ck_assert_int_eq(sink_write(s, &news), ENOSPC);
	ck_assert(news);
	ck_assert_int_eq(sink_write(s, &news), ENOSPC);
	ck_assert(!news);
	ck_assert_uint_eq(sink_backlog(s), 4);
	sink_unref(s);
}
END_TEST

START_TEST(what_cannot_be_opened_is_told)
{
	ck_assert_ptr_null(sink_new(&(struct sink_options){ .path = "/nowhere/at/all", .mode = 0600 }));
	ck_assert_int_eq(errno, ENOENT);
}
END_TEST

enum { THREADS = 4, BATCHES = 500 };

static void *
write_many(void *arg)
{
	struct sink *s = arg;
	char text[16];

	for (int i = 0; i < BATCHES; i++) {
		snprintf(text, sizeof text, "%08x\n", i);
		put(s, text);
		(void)sink_write(s, NULL);
	}
	sink_unref(s);
	return NULL;
}

START_TEST(threads_lose_nothing_and_the_last_owner_closes)
{
	struct sink *s = sink_here(0600);
	pthread_t threads[THREADS];
	struct stat st;

	for (size_t i = 0; i < THREADS; i++)
		ck_assert_int_eq(pthread_create(&threads[i], NULL, write_many, sink_ref(s)), 0);
	sink_unref(s);
	for (size_t i = 0; i < THREADS; i++)
		pthread_join(threads[i], NULL);
	ck_assert_int_eq(stat(path, &st), 0);
	ck_assert_int_eq(st.st_size, THREADS * BATCHES * 9);
	unit_tempdir_remove(folder);
}
END_TEST

UNIT_TESTS("collect_sink", batches_are_appended_in_order, a_renamed_file_is_followed_by_a_new_one,
	there_is_no_new_file_while_the_old_one_is_written,
	a_file_that_cannot_be_opened_anew_leaves_the_old_one, a_file_that_was_removed_is_made_anew,
	a_full_disk_keeps_what_waits, what_cannot_be_opened_is_told,
	threads_lose_nothing_and_the_last_owner_closes)
