/* The descriptor helpers that more than one floor needs. */
#include "base/fdutil.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>

void
cleanup_fd(int *fd)
{
	int saved = errno;

	if (*fd >= 0)
		close(*fd);
	*fd = -1;
	errno = saved;
}

int
fd_write_all(int fd, const void *bytes, size_t size)
{
	const char *at = bytes;

	while (size > 0) {
		ssize_t n = write(fd, at, size);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return -errno;
		at += n;
		size -= (size_t)n;
	}
	return 0;
}

int
fd_read_all(int fd, size_t limit, char **ret_bytes, size_t *ret_size)
{
	auto_of(mem) char *bytes = NULL;
	size_t size = 0, capacity = 0;

	for (;;) {
		ssize_t n;

		if (capacity - size < 2) {
			size_t more = capacity != 0 ? capacity * 2 : 8192;
			char *grown = realloc(bytes, more);

			if (grown == NULL)
				return -ENOMEM;
			bytes = grown;
			capacity = more;
		}
		n = read(fd, bytes + size, capacity - size - 1);
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return -errno;
		if (n == 0)
			break;
		size += (size_t)n;
		if (size > limit)
			return -EFBIG;
	}
	bytes[size] = '\0';
	*ret_bytes = mem_take(bytes);
	*ret_size = size;
	return 0;
}

int
fd_memfd(const char *name, const void *bytes, size_t size, int *ret_fd)
{
	auto_of(fd) int fd = memfd_create(name, MFD_CLOEXEC | MFD_ALLOW_SEALING);
	int r;

	if (fd < 0)
		return -errno;
	r = fd_write_all(fd, bytes, size);
	if (r < 0)
		return r;
	if (lseek(fd, 0, SEEK_SET) < 0)
		return -errno;
	if (fcntl(fd, F_ADD_SEALS, F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_WRITE | F_SEAL_SEAL) < 0)
		return -errno;
	*ret_fd = fd_take(&fd);
	return 0;
}

bool
fd_is_sealed(int fd, int seals)
{
	int has = fcntl(fd, F_GET_SEALS);

	return has >= 0 && (has & seals) == seals;
}

int
fd_shared_memory(const char *name, size_t size, int *ret_fd)
{
	auto_of(fd) int fd = memfd_create(name, MFD_CLOEXEC | MFD_ALLOW_SEALING);

	if (fd < 0 || ftruncate(fd, (off_t)size) < 0 ||
		fcntl(fd, F_ADD_SEALS, F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_SEAL) < 0)
		return -errno;
	*ret_fd = fd_take(&fd);
	return 0;
}

void *
fd_map_shared(int fd, size_t size, bool writable)
{
	struct stat st;
	void *memory;

	if (size == 0 || !fd_is_sealed(fd, F_SEAL_SHRINK) || fstat(fd, &st) < 0 ||
		(size_t)st.st_size < size) {
		errno = EBADMSG; /* beyond its end an access would be a SIGBUS */
		return NULL;
	}
	memory = mmap(NULL, size, writable ? PROT_READ | PROT_WRITE : PROT_READ, MAP_SHARED, fd, 0);
	return memory != MAP_FAILED ? memory : NULL;
}

bool
fd_has_same_bytes(int a, int b)
{
	struct stat x, y;
	size_t size;
	void *p, *q;
	bool same;

	if (fstat(a, &x) < 0 || fstat(b, &y) < 0 || x.st_size != y.st_size)
		return false;
	if (x.st_size == 0 || (x.st_dev == y.st_dev && x.st_ino == y.st_ino))
		return true;
	size = (size_t)x.st_size;
	p = mmap(NULL, size, PROT_READ, MAP_PRIVATE, a, 0);
	q = mmap(NULL, size, PROT_READ, MAP_PRIVATE, b, 0);
	same = p != MAP_FAILED && q != MAP_FAILED && memcmp(p, q, size) == 0;
	if (p != MAP_FAILED)
		munmap(p, size);
	if (q != MAP_FAILED)
		munmap(q, size);
	return same;
}

static int
compare_numbers(const void *a, const void *b)
{
	int left = *(const int *)a, right = *(const int *)b;

	return (left > right) - (left < right);
}

int
fd_close_others(int *keep, size_t count)
{
	unsigned from = STDERR_FILENO + 1;

	qsort(keep, count, sizeof *keep, compare_numbers);
	for (size_t i = 0; i < count; i++) {
		unsigned fd = (unsigned)keep[i];

		if (keep[i] < (int)from)
			continue;
		if (fd > from && close_range(from, fd - 1, 0) < 0)
			return -errno;
		from = fd + 1;
	}
	return close_range(from, ~0U, 0) < 0 ? -errno : 0;
}

int
fd_count_open(void)
{
	DIR *dir = opendir("/proc/self/fd");
	int count = -1; /* the folder's own descriptor */

	if (dir == NULL)
		return -1;
	for (struct dirent *d = readdir(dir); d != NULL; d = readdir(dir))
		count += d->d_name[0] != '.';
	closedir(dir);
	return count;
}
