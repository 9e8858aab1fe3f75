/* What the tests of the logger share: a log in memory, and counting in it. */
#ifndef TEST_LOG_TEST_H
#define TEST_LOG_TEST_H

#include <fcntl.h>
#include <sys/mman.h>
#include <unistd.h>

#include "base/fdutil.h"
#include "base/log.h"
#include "unit.h"

static inline int
memory_file(void)
{
	int fd = memfd_create("log", MFD_CLOEXEC);

	ck_assert_int_ge(fd, 0);
	ck_assert_int_eq(fcntl(fd, F_SETFL, O_APPEND), 0);
	return fd;
}

/* The logger owns what it is given, so a test that reads keeps a duplicate. */
static inline int
start(int fd)
{
	struct log_options options = { .fd = dup(fd), .protocol = LOG_TO_STREAM, .level = LOG_LEVEL_INFO };
	struct err e = { 0 };

	ck_assert_msg(log_start(&options, &e) == 0, "%s", e.text);
	return fd;
}

/* Everything in a file. Not inlined, because gcc 12 then takes the result for a pointer to the local
 * variable. */
__attribute__((noinline, unused)) static char *
content(int fd)
{
	char *bytes = NULL;
	size_t size;

	ck_assert_int_eq(lseek(fd, 0, SEEK_SET), 0);
	ck_assert_int_eq(fd_read_all(fd, 64 << 20, &bytes, &size), 0);
	return bytes;
}

static inline size_t
count_text(const char *text, const char *what)
{
	size_t count = 0;

	for (const char *at = strstr(text, what); at != NULL; at = strstr(at + 1, what))
		count++;
	return count;
}

/* The number after @p what, summed over all places. */
static inline uint64_t
sum_after(const char *text, const char *what)
{
	uint64_t sum = 0;

	for (const char *at = strstr(text, what); at != NULL; at = strstr(at + 1, what))
		sum += strtoull(at + strlen(what), NULL, 10);
	return sum;
}

#endif
