/* Fails one allocation, or all from one on, of every process that is started with it in LD_PRELOAD. The test
 * holds the strings: it maps the file that FAIL_MALLOC names, sets the countdown, and sees whether it came to
 * pass. */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

struct control {
	int mode; /* 0: nothing fails, 1: the one that the countdown ends with, 2: that and all after it */
	int countdown;
	int failed; /* how many did */
};

static struct control *control;

void *__libc_malloc(size_t size);
void *__libc_calloc(size_t count, size_t size);
void *__libc_realloc(void *old, size_t size);
void *__libc_memalign(size_t alignment, size_t size);

__attribute__((constructor)) static void
open_control(void)
{
	const char *path = getenv("FAIL_MALLOC");
	int fd = path != NULL ? open(path, O_RDWR | O_CLOEXEC) : -1;
	void *map =
		fd >= 0 ? mmap(NULL, sizeof *control, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0) : MAP_FAILED;

	if (fd >= 0)
		close(fd);
	if (map != MAP_FAILED)
		control = map;
}

static int
fails(void)
{
	int mode = control != NULL ? __atomic_load_n(&control->mode, __ATOMIC_RELAXED) : 0;
	int left;

	if (mode == 0)
		return 0;
	left = __atomic_sub_fetch(&control->countdown, 1, __ATOMIC_RELAXED);
	if (left > 0 || (left < 0 && mode == 1))
		return 0;
	__atomic_add_fetch(&control->failed, 1, __ATOMIC_RELAXED);
	errno = ENOMEM;
	return 1;
}

void *
malloc(size_t size)
{
	return fails() ? NULL : __libc_malloc(size);
}

void *
calloc(size_t count, size_t size)
{
	return fails() ? NULL : __libc_calloc(count, size);
}

void *
realloc(void *old, size_t size)
{
	return fails() ? NULL : __libc_realloc(old, size);
}

void *
reallocarray(void *old, size_t count, size_t size)
{
	size_t total;

	if (__builtin_mul_overflow(count, size, &total)) {
		errno = ENOMEM;
		return NULL;
	}
	return realloc(old, total);
}

void *
memalign(size_t alignment, size_t size)
{
	return fails() ? NULL : __libc_memalign(alignment, size);
}

void *
aligned_alloc(size_t alignment, size_t size)
{
	return memalign(alignment, size);
}

int
posix_memalign(void **ret, size_t alignment, size_t size)
{
	void *p = memalign(alignment, size);

	if (p == NULL)
		return ENOMEM;
	*ret = p;
	return 0;
}
