/* The socket files that this process made, so that those, and no others, are removed at its end. */
#ifndef NET_FILES_H
#define NET_FILES_H

#include <stdbool.h>
#include <stddef.h>

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

/** The O_PATH descriptor of the file that was made at @p path, borrowed; -1: none was. */
int net_files_pin(const struct net_files *files, const char *path);

/** Make room for all that @p from remembers, so that net_files_join() can't fail. @return 0 or -ENOMEM */
must_check int net_files_make_room(struct net_files *files, const struct net_files *from);

/** Take over all that @p from remembers; it is freed. There has to be room, and nothing added since. */
void net_files_join(struct net_files *files, struct net_files *from);

/** The file at place @p i, for whoever leaves the list to another process; both borrowed.
 * @return false: there are no more */
bool net_files_get(const struct net_files *files, size_t i, const char **ret_path, int *ret_pin_fd);

/** Forget all of them and free the list; the files stay. NULL is fine. */
void net_files_leave(struct net_files *files);

/** Remove those that are still ours and that @p wanted says no to, and forget them. */
void net_files_weed(
	struct net_files *files, bool (*wanted)(const void *arg, const char *path), const void *arg);

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
