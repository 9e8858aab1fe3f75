/* The socket files that this process made, so that those, and no others, are removed at its end. */
#ifndef NET_FILES_H
#define NET_FILES_H

#include "base/cleanup.h"

struct net_files;

/** NULL: out of memory. */
struct net_files *net_files_new(void);

/** Make room for one more file, so that the next net_files_add() can't fail. @return 0 or -ENOMEM */
must_check int net_files_reserve(struct net_files *files, const char *path);

/**
 * Remember the file at the reserved path.
 *
 * @param pin_fd  an O_PATH descriptor of it, moves. While it is open, the kernel gives its inode number to no
 * other file, so a file that somebody put in its place is never taken for ours.
 */
void net_files_add(struct net_files *files, int pin_fd);

/** Remove those that are still ours and free the list. A path that now holds something else stays. NULL is
 * fine. Best called before the sockets are closed: a name without a socket behind it looks stale to others.
 */
void net_files_remove(struct net_files *files);

static inline void
cleanup_net_files(struct net_files **files)
{
	net_files_remove(*files);
}

#endif
