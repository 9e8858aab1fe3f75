/* echo - sends back what it is sent (RFC 862), on all four transports, in event style.
 *
 * sockd_move() takes what is there and fits; what does not fit stays unread, sockd stops reading from that
 * client, and calls data() again when there is room. So a client that never reads costs its two buffers and
 * no more. */
#include <sockd/plugin.h>

#include "../small_service.h"

static void
on_data(struct sockd_conn c, struct sockd_reader r, struct sockd_writer w)
{
	(void)c;
	(void)sockd_move(w, r); /* a peer that is gone is told to close() */
}

static void
on_datagram(struct sockd_conn c, struct sockd_reader r, struct sockd_writer w)
{
	if (!is_from_service(c))
		(void)sockd_move(w, r); /* an empty datagram is answered with an empty one */
}

SOCKD_EXPORT const struct sockd_plugin sockd_plugin = {
	SOCKD_PLUGIN_INIT,
	.name = "echo",
	.version = "1.0",
	.summary = "Sends back what it is sent (RFC 862)",
	.license = "MIT",
	.data = on_data,
	.datagram = on_datagram,
};
