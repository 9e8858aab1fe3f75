/* echo-serve - the same as echo, in straight-line code: one serve() for every transport.
 *
 * Streams are copied by sockd_copy(), which needs no buffer here, so an idle connection touches one page of
 * its stack. Datagrams need a buffer for the largest one; it is allocated, because a stack should stay small.
 */
#include <errno.h>
#include <stdlib.h>

#include <sockd/plugin.h>

#include "../small_service.h"

enum { LARGEST_DATAGRAM = 65536 };

static void
serve_datagrams(struct sockd_conn c, struct sockd_reader r, struct sockd_writer w)
{
	char *buffer = malloc(LARGEST_DATAGRAM);
	size_t size;

	if (buffer == NULL) {
		(void)sockd_log(sockd_conn_host(c), SOCKD_LOG_ERROR, "no_memory",
			"cannot allocate a datagram buffer");
		return;
	}
	while (sockd_receive(r, buffer, LARGEST_DATAGRAM, &size) > 0)
		if (!is_from_service(c) && sockd_write(w, buffer, size) < 0 && errno != EMSGSIZE)
			break;
	free(buffer);
}

static void
serve(struct sockd_conn c, struct sockd_reader r, struct sockd_writer w)
{
	int transport = sockd_conn_transport(c);

	if (transport == SOCKD_UDP || transport == SOCKD_UNIXGRAM)
		serve_datagrams(c, r, w);
	else
		(void)sockd_copy(w, r); /* how it ended is in the connection's close reason */
}

SOCKD_EXPORT const struct sockd_plugin sockd_plugin = {
	SOCKD_PLUGIN_INIT,
	.name = "echo-serve",
	.version = "1.0",
	.summary = "Sends back what it is sent, written as straight-line code",
	.license = "MIT",
	.serve = serve,
};
