/* The kernel knows a socket by its inode, which is its own as long as any descriptor of it is open; so a
 * descriptor that came once more, by whatever way, is recognised without anybody numbering sockets. */
#include "engine/bound.h"

#include <errno.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

int
bound_new(struct snapshot_socket *socket, bool passed, struct bound **ret)
{
	struct bound *b = mem_new(*b);
	struct stat st;

	if (b == NULL)
		return -ENOMEM;
	if (fstat(socket->fd, &st) < 0) {
		int code = -errno;

		free(b);
		return code;
	}
	*b = (struct bound){ .references = 1,
		.fd = socket->fd,
		.transport = socket->transport,
		.passed = passed,
		.member = socket->member,
		.local = socket->local,
		.local_size = socket->local_size,
		.device = st.st_dev,
		.inode = st.st_ino };
	socket->fd = -1;
	*ret = b;
	return 0;
}

struct bound *
bound_ref(struct bound *b)
{
	atomic_fetch_add_explicit(&b->references, 1, memory_order_relaxed);
	return b;
}

void
bound_unref(struct bound *b)
{
	if (b == NULL || atomic_fetch_sub_explicit(&b->references, 1, memory_order_acq_rel) != 1)
		return;
	if (b->fd >= 0)
		close(b->fd);
	free(b);
}

struct bound *
bound_find(struct bound *list, const struct snapshot_socket *socket)
{
	struct stat st;

	if (fstat(socket->fd, &st) < 0)
		return NULL;
	for (struct bound *b = list; b != NULL; b = b->next)
		if (b->fd >= 0 && st.st_dev == b->device && st.st_ino == b->inode)
			return b;
	return NULL;
}

void
bound_shut(struct bound *b)
{
	/* A stream socket that listens; it fails only if it was shut before. */
	if (!b->passed)
		(void)shutdown(b->fd, SHUT_RDWR);
}
