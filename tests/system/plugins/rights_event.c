/* In event style: sends the descriptor that came back a thousand times, as fast as there is room. */
#include <sockd/plugin.h>

#include <errno.h>
#include <stdint.h>
#include <string.h>
#include <unistd.h>

enum { COUNT = 1000 };

static int given = -1; /* the descriptor, until it has gone often enough */
static unsigned sent;

static void
go_on(struct sockd_conn c, struct sockd_reader r, struct sockd_writer w)
{
	char text[1024];

	(void)r;
	memset(text, '.', sizeof text);
	while (given >= 0) {
		if (sent + 1 == COUNT)
			text[sizeof text - 1] = '!';
		if (sockd_send_fds(w, text, sizeof text, &given, 1) < 0) {
			if (errno != EAGAIN)
				(void)sockd_conn_abort(c);
			(void)sockd_log(sockd_conn_host(c), SOCKD_LOG_NOTICE, "full", "%s", strerror(errno));
			return;
		}
		if (++sent == COUNT) {
			(void)close(given);
			given = -1;
		}
	}
}

static void
data(struct sockd_conn c, struct sockd_reader r, struct sockd_writer w)
{
	char byte;
	size_t count = 1;

	if (sockd_receive_fds(r, &byte, 1, &given, &count) == 1 && count == 1)
		go_on(c, r, w);
}

SOCKD_EXPORT const struct sockd_plugin sockd_plugin = {
	SOCKD_PLUGIN_INIT,
	.name = "rights_event",
	.version = "1.0",
	.transports = 1u << SOCKD_UNIX,
	.data = data,
	.writable = go_on,
#if SOCKD_ABI_MINOR >= 1
	.wants = SOCKD_WANTS_FDS,
#endif
};
