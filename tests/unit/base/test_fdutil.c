/* The descriptor helpers. */
#include "base/fdutil.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>

#include "unit.h"

START_TEST(a_descriptor_is_closed_at_the_end_of_its_scope_and_errno_survives)
{
	int before = fd_count_open(), number;

	{
		auto_of(fd) int fd = open("/dev/null", O_RDONLY | O_CLOEXEC);

		number = fd;
		ck_assert_int_eq(fd_count_open(), before + 1);
		errno = EXDEV;
	}

	ck_assert_int_eq(errno, EXDEV);
	ck_assert_int_eq(fd_count_open(), before);
	ck_assert_int_eq(fcntl(number, F_GETFD), -1);
}
END_TEST

START_TEST(a_taken_descriptor_stays_open)
{
	int taken;

	{
		auto_of(fd) int fd = open("/dev/null", O_RDONLY | O_CLOEXEC);

		taken = fd_take(&fd);
		ck_assert_int_eq(fd, -1);
	}

	ck_assert_int_ge(fcntl(taken, F_GETFD), 0);
	close(taken);
}
END_TEST

struct reader {
	int fd;
	size_t size;
};

static void *
read_slowly(void *argument)
{
	struct reader *r = argument;
	char bytes[999];

	for (ssize_t n = 1; n > 0; r->size += (size_t)n) {
		n = read(r->fd, bytes, sizeof bytes);
		ck_assert_int_ge(n, 0);
	}
	return NULL;
}

START_TEST(writing_all_goes_on_after_short_writes)
{
	enum { SIZE = 1 << 20 };
	char *bytes = calloc(1, SIZE);
	struct reader r = { 0 };
	pthread_t thread;
	int p[2];

	ck_assert_int_eq(pipe2(p, O_CLOEXEC), 0);
	r.fd = p[0];
	ck_assert_int_eq(pthread_create(&thread, NULL, read_slowly, &r), 0);
	ck_assert_int_eq(fd_write_all(p[1], bytes, SIZE), 0);
	close(p[1]);
	pthread_join(thread, NULL);

	ck_assert_uint_eq(r.size, SIZE);
	close(p[0]);
	free(bytes);
}
END_TEST

START_TEST(writing_all_tells_what_failed)
{
	auto_of(fd) int full = open("/dev/full", O_WRONLY | O_CLOEXEC);

	ck_assert_int_eq(fd_write_all(full, "x", 1), -ENOSPC);
	ck_assert_int_eq(fd_write_all(-1, "x", 1), -EBADF);
	ck_assert_int_eq(fd_write_all(-1, "x", 0), 0);
}
END_TEST

START_TEST(a_file_is_read_up_to_its_limit)
{
	enum { SIZE = 100000 };
	auto_of(fd) int fd = memfd_create("test", MFD_CLOEXEC);
	char *content = malloc(SIZE), *bytes = NULL;
	size_t size = 0;

	memset(content, 'r', SIZE);
	ck_assert_int_eq(fd_write_all(fd, content, SIZE), 0);
	lseek(fd, 0, SEEK_SET);
	ck_assert_int_eq(fd_read_all(fd, SIZE - 1, &bytes, &size), -EFBIG);
	ck_assert_ptr_null(bytes);
	lseek(fd, 0, SEEK_SET);
	ck_assert_int_eq(fd_read_all(fd, SIZE, &bytes, &size), 0);
	ck_assert_uint_eq(size, SIZE);
	ck_assert_mem_eq(bytes, content, SIZE);
	ck_assert_int_eq(bytes[SIZE], '\0');
	free(bytes);
	free(content);
}
END_TEST

START_TEST(an_empty_file_is_an_empty_text)
{
	auto_of(fd) int fd = open("/dev/null", O_RDONLY | O_CLOEXEC);
	auto_of(mem) char *bytes = NULL;
	size_t size = 9;

	ck_assert_int_eq(fd_read_all(fd, 10, &bytes, &size), 0);
	ck_assert_uint_eq(size, 0);
	ck_assert_str_eq(bytes, "");
}
END_TEST

START_TEST(a_folder_is_no_file)
{
	auto_of(fd) int fd = open("/", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	char *bytes = NULL;
	size_t size;

	ck_assert_int_eq(fd_read_all(fd, 10, &bytes, &size), -EISDIR);
	ck_assert_ptr_null(bytes);
}
END_TEST

START_TEST(a_memory_file_can_be_read_and_never_changed)
{
	auto_of(fd) int fd = -1;
	char bytes[8] = { 0 };

	ck_assert_int_eq(fd_memfd("test", "hello", 5, &fd), 0);

	ck_assert_int_eq(pread(fd, bytes, sizeof bytes, 0), 5);
	ck_assert_str_eq(bytes, "hello");
	ck_assert_int_eq(pwrite(fd, "x", 1, 0), -1);
	ck_assert_int_eq(errno, EPERM);
	ck_assert_int_eq(ftruncate(fd, 0), -1);
	ck_assert_ptr_eq(mmap(NULL, 5, PROT_WRITE, MAP_SHARED, fd, 0), MAP_FAILED);
	ck_assert_int_ne(fcntl(fd, F_GETFD) & FD_CLOEXEC, 0);
}
END_TEST

START_TEST(shared_memory_is_written_by_all_and_keeps_its_size)
{
	auto_of(fd) int fd = -1, other = -1, shrinks = -1;
	char *ours, *theirs;

	ck_assert_int_eq(fd_shared_memory("test", 10000, &fd), 0);
	ours = fd_map_shared(fd, 10000, true);
	theirs = fd_map_shared(fd, 10000, false);
	ck_assert_ptr_nonnull(ours);
	ck_assert_ptr_nonnull(theirs);
	ck_assert_int_eq(theirs[9999], 0);
	ours[9999] = 'x';
	ck_assert_int_eq(theirs[9999], 'x');
	ck_assert_int_eq(ftruncate(fd, 0), -1);
	ck_assert_int_eq(ftruncate(fd, 20000), -1);
	ck_assert_int_ne(fcntl(fd, F_GETFD) & FD_CLOEXEC, 0);
	ck_assert_ptr_null(fd_map_shared(fd, 10001, true));
	ck_assert_int_eq(errno, EBADMSG);
	ck_assert_ptr_null(fd_map_shared(fd, 0, true));
	ck_assert_ptr_null(fd_map_shared(-1, 1, true));
	ck_assert_int_eq(fd_memfd("test", "hello", 5, &other), 0);
	ck_assert_ptr_null(fd_map_shared(other, 5, true)); /* it may not be written */
	shrinks = memfd_create("test", MFD_CLOEXEC | MFD_ALLOW_SEALING);
	ck_assert_int_eq(ftruncate(shrinks, 5), 0);
	ck_assert_ptr_null(fd_map_shared(shrinks, 5, true));
	ck_assert_int_eq(errno, EBADMSG);
	munmap(ours, 10000);
	munmap(theirs, 10000);
}
END_TEST

START_TEST(everything_is_closed_but_what_is_named)
{
	int fds[6], keep[3], closed = 0;

	for (size_t i = 0; i < array_len(fds); i++)
		fds[i] = open("/dev/null", O_RDONLY | O_CLOEXEC);
	keep[0] = fds[5];
	keep[1] = fds[1];
	keep[2] = fds[2];
	if (fork() == 0) {
		if (fd_close_others(keep, array_len(keep)) < 0)
			_exit(99);
		for (size_t i = 0; i < array_len(fds); i++)
			closed += fcntl(fds[i], F_GETFD) < 0 ? 1 << i : 0;
		_exit(fcntl(STDERR_FILENO, F_GETFD) < 0 ? 98 : closed);
	}

	ck_assert_int_gt(wait(&closed), 0);

	ck_assert_int_eq(WEXITSTATUS(closed), 1 << 0 | 1 << 3 | 1 << 4);
}
END_TEST

UNIT_TESTS("fdutil", a_descriptor_is_closed_at_the_end_of_its_scope_and_errno_survives,
	a_taken_descriptor_stays_open, writing_all_goes_on_after_short_writes, writing_all_tells_what_failed,
	a_file_is_read_up_to_its_limit, an_empty_file_is_an_empty_text, a_folder_is_no_file,
	a_memory_file_can_be_read_and_never_changed, shared_memory_is_written_by_all_and_keeps_its_size,
	everything_is_closed_but_what_is_named)
