/* File descriptors: who owns one, and the few things done to them everywhere. */
#ifndef BASE_FDUTIL_H
#define BASE_FDUTIL_H

#include <stdbool.h>
#include <sys/types.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/err.h"

/** auto_of(fd): closed at the end of the scope; -1 is none. errno survives. */
void cleanup_fd(int *fd);

/** Move a descriptor out of an auto_of(fd) variable. */
static inline int
fd_take(int *fd)
{
	int taken = *fd;

	*fd = -1;
	return taken;
}

/** Write all of it, through EINTR and short writes. @return 0 or a negative errno. */
must_check int fd_write_all(int fd, const void *bytes, size_t size);

/** Everything that is in a regular file, at most @p limit bytes; the caller frees it, a NUL follows the last
 * byte.
 * @return 0, -EFBIG above the limit, -EISDIR, or another negative errno */
must_check int fd_read_all(int fd, size_t limit, char **ret_bytes, size_t *ret_size);

/** A sealed memory file with these bytes: it can be read from its start and mapped,
 * never changed (memfd_create(2)). */
must_check int fd_memfd(const char *name, const void *bytes, size_t size, int *ret_fd);

/** Whether it is memory that has all of these seals (F_SEAL_..., fcntl(2)): no other file has any that keep
 * it as it is. */
bool fd_is_sealed(int fd, int seals);

/** Memory of zeroes for several processes to write, as a file that none of them can make smaller or larger.
 */
must_check int fd_shared_memory(const char *name, size_t size, int *ret_fd);

/** Map the beginning of what fd_shared_memory() made. @return NULL with errno: EBADMSG, it is smaller than @p
 * size or may become so, or what mmap(2) says */
void *fd_map_shared(int fd, size_t size, bool writable);

/** Whether two memory files that can't change have the same bytes. Without memory to look: no. */
bool fd_has_same_bytes(int a, int b);

/** Close all descriptors but these and the three standard ones. @param keep  is sorted @return 0 or a
 * negative errno. Thread: the only one. */
must_check int fd_close_others(int *keep, size_t count);

/** How many descriptors this process has open. */
int fd_count_open(void);

#endif
