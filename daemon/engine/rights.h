/* Descriptors that travel over unix sockets (SCM_RIGHTS). Whatever comes is either handed to the plugin or
 * closed: a peer must not be able to fill our table. */
#ifndef ENGINE_RIGHTS_H
#define ENGINE_RIGHTS_H

#include <stddef.h>
#include <sys/socket.h>

/** As many as the kernel lets travel with one message. */
enum { RIGHTS_MAX = 253 };

/** Take the descriptors out of a received message: at most @p room into @p fds, the others are closed.
 * @return how many were taken. A second call finds none. */
size_t rights_take(struct msghdr *m, int *fds, size_t room);

/** Close what a message brought. */
static inline void
rights_drop(struct msghdr *m)
{
	if (m->msg_controllen > 0)
		(void)rights_take(m, NULL, 0); /* none can be taken */
}

/** Control data that carries @p count descriptors, in memory of at least RIGHTS_SPACE bytes, aligned. */
#define RIGHTS_SPACE CMSG_SPACE(RIGHTS_MAX * sizeof(int))
void rights_put(struct msghdr *m, void *control, const int *fds, size_t count);

#endif
