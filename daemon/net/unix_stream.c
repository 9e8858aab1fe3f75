/* Unix stream sockets: listening is the last step, when owner and mode are right. */
#include "net/transport.h"

#include <sys/socket.h>

#include "net/unix_file.h"

static int
unix_stream_open(const struct net_request *q, struct err *e)
{
	int fd, code = unix_file_reuse(q, e);

	if (code != 0)
		return code < 0 ? code : 0;
	code = unix_file_open(q, SOCK_STREAM, &fd, e);
	if (code < 0)
		return code;
	return net_sockets_add(q, CFG_UNIX, 0, fd, e);
}

const struct net_transport net_unix_stream = {
	.id = CFG_UNIX, .check = unix_file_check, .open = unix_stream_open
};
