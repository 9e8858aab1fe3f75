/* Datagrams that carry descriptors. They leave by themselves, behind what was queued, since a batch has one
 * kind of control data. */
#include "engine/dgram.h"
#include "engine/rights.h"

void
endpoint_send_rights(struct endpoint *ep, const void *buf, size_t size, const int *fds, size_t count)
{
	_Alignas(struct cmsghdr) unsigned char control[RIGHTS_SPACE];
	struct iovec iov = { .iov_base = (void *)(uintptr_t)buf, .iov_len = size };
	struct msghdr m = {
		.msg_name = &ep->remote.sa, .msg_namelen = ep->remote.len, .msg_iov = &iov, .msg_iovlen = 1
	};
	enum metric_id id = METRIC_DATAGRAMS_WRITTEN;

	dgram_io_flush(ep->io);
	if (count > 0)
		rights_put(&m, control, fds, count);
	if (ep->remote.len == 0)
		id = METRIC_DATAGRAMS_DROPPED_UNNAMED;
	else if (sendmsg(ep->fd, &m, MSG_DONTWAIT | MSG_NOSIGNAL) < 0)
		id = METRIC_DATAGRAMS_DROPPED_SEND;
	metric_add(ep->scope->cells, id, 1);
}
