/* dladdr() looks up as backtrace_symbols_fd() does, which tells what is not a plugin's. */
#include "control/watch_frames.h"

#include <dlfcn.h>
#include <execinfo.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/fdutil.h"

#define LOADED_AS "/proc/self/fd/"

enum { LIBRARIES_MAX = 256, LINE_SIZE = 600 };

/* The handler has nobody to ask. */
static struct library {
	_Atomic int number; /* its descriptor and one more; 0: free */
	const char *_Atomic path;
} libraries[LIBRARIES_MAX];

void
watch_frames_name(int fd, const char *path)
{
	for (size_t i = 0; i < array_len(libraries); i++) {
		int none = 0;

		if (!atomic_compare_exchange_strong(&libraries[i].number, &none, fd + 1))
			continue;
		atomic_store(&libraries[i].path, path);
		return;
	}
}

void
watch_frames_forget(int fd)
{
	for (size_t i = 0; i < array_len(libraries); i++)
		if (atomic_load(&libraries[i].number) == fd + 1) {
			atomic_store(&libraries[i].path, NULL);
			atomic_store(&libraries[i].number, 0);
		}
}

static const char *
path_of(const char *loaded_as)
{
	int number;

	if (loaded_as == NULL || strncmp(loaded_as, LOADED_AS, sizeof LOADED_AS - 1) != 0)
		return NULL;
	number = atoi(loaded_as + sizeof LOADED_AS - 1) + 1;
	for (size_t i = 0; i < array_len(libraries); i++)
		if (atomic_load(&libraries[i].number) == number)
			return atomic_load(&libraries[i].path);
	return NULL;
}

struct line {
	char text[LINE_SIZE];
	size_t size;
};

static void
add(struct line *l, const char *text)
{
	size_t size = strlen(text), room = sizeof l->text - l->size;

	if (size > room)
		size = room;
	memcpy(l->text + l->size, text, size);
	l->size += size;
}

static void
add_hex(struct line *l, uintptr_t n)
{
	char digits[2 + 2 * sizeof n + 1], *d = digits + sizeof digits;

	*--d = '\0';
	do
		*--d = "0123456789abcdef"[n & 15];
	while ((n >>= 4) > 0);
	*--d = 'x';
	*--d = '0';
	add(l, d);
}

/* @return false: it is not in a library that has a name */
static bool
write_named(void *frame, int to)
{
	struct line l = { .size = 0 };
	const char *path;
	Dl_info info;

	if (dladdr(frame, &info) == 0 || (path = path_of(info.dli_fname)) == NULL)
		return false;
	add(&l, path);
	l.size = l.size > LINE_SIZE - 64 ? LINE_SIZE - 64 : l.size; /* a long path leaves room for the rest */
	add(&l, "(+");
	add_hex(&l, (uintptr_t)frame - (uintptr_t)info.dli_fbase);
	add(&l, ")[");
	add_hex(&l, (uintptr_t)frame);
	add(&l, "]\n");
	return write(to, l.text, l.size) == (ssize_t)l.size;
}

void
watch_frames_write(void *const *frames, int count, int to)
{
	for (int i = 0; i < count; i++)
		if (!write_named(frames[i], to))
			backtrace_symbols_fd(&frames[i], 1, to);
}
