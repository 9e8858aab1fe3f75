/* Unix datagram sockets: one an address, since a name can't be shared; it is live from bind() on. */
#include "net/transport.h"

#include <sys/socket.h>
#include <unistd.h>

#include "net/peer.h"
#include "net/unix_file.h"

static int
unix_dgram_open(const struct net_request *q, struct err *e)
{
	int fd, code = unix_file_reuse(q, e);

	if (code != 0)
		return code < 0 ? code : 0;
	code = unix_file_open(q, SOCK_DGRAM, &fd, e);
	if (code < 0)
		return code;
	code = net_peer_want(fd);
	if (code < 0) {
		close(fd);
		return err_set(e, code, "cannot learn who sends to '%s'", q->listener->name);
	}
	return net_sockets_add(q, CFG_UNIXGRAM, 0, fd, e);
}

const struct net_transport net_unix_dgram = {
	.id = CFG_UNIXGRAM, .check = unix_file_check, .open = unix_dgram_open
};
