#include "engine/rights.h"

#include <string.h>
#include <unistd.h>

size_t
rights_take(struct msghdr *m, int *fds, size_t room)
{
	size_t taken = 0;

	for (struct cmsghdr *c = CMSG_FIRSTHDR(m); c != NULL; c = CMSG_NXTHDR(m, c)) {
		size_t count;

		if (c->cmsg_level != SOL_SOCKET || c->cmsg_type != SCM_RIGHTS)
			continue;
		count = (c->cmsg_len - CMSG_LEN(0)) / sizeof(int);
		for (size_t i = 0; i < count; i++) {
			int fd;

			memcpy(&fd, CMSG_DATA(c) + i * sizeof fd, sizeof fd);
			if (taken < room)
				fds[taken++] = fd;
			else
				close(fd);
		}
		c->cmsg_type = 0; /* it has been emptied */
	}
	return taken;
}

void
rights_put(struct msghdr *m, void *control, const int *fds, size_t count)
{
	struct cmsghdr *c;

	memset(control, 0, CMSG_SPACE(count * sizeof *fds));
	m->msg_control = control;
	m->msg_controllen = CMSG_SPACE(count * sizeof *fds);
	c = CMSG_FIRSTHDR(m);
	c->cmsg_level = SOL_SOCKET;
	c->cmsg_type = SCM_RIGHTS;
	c->cmsg_len = CMSG_LEN(count * sizeof *fds);
	memcpy(CMSG_DATA(c), fds, count * sizeof *fds);
}
