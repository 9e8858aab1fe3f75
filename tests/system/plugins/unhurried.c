/* Event style: a client that says "b" is held busy. At "q" it is not any more, and it hears so; the handler
 * returns when more of the client's has come, which it does not read. */
#include <sockd/plugin.h>

#include <poll.h>
#include <stdint.h>

enum { PATIENCE_MS = 10000 };

static int client_fd; /* one client at a time */

static int
tune(struct sockd_conn c, int fd)
{
	(void)c;
	client_fd = fd;
	return 0;
}

static void
on_data(struct sockd_conn c, struct sockd_reader r, struct sockd_writer w)
{
	struct pollfd more = { .fd = client_fd, .events = POLLIN };
	char order;

	while (sockd_read(r, &order, 1) == 1) {
		(void)sockd_conn_set_busy(c, order == 'b');
		(void)sockd_write(w, &order, 1);
		if (order == 'q')
			(void)poll(&more, 1, PATIENCE_MS);
	}
}

SOCKD_EXPORT const struct sockd_plugin sockd_plugin = { SOCKD_PLUGIN_INIT, .name = "unhurried",
	.version = "1.0", .transports = SOCKD_STREAMS, .tune = tune, .data = on_data };
