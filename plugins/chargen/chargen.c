/* chargen - lines of printable characters without end (RFC 864), on all four transports.
 *
 * A stream gets them until it closes; a write waits while the client does not read, so nothing piles up. A
 * datagram of any content is answered with one of 0 to 512 characters. The RFC wants the lengths random; here
 * they take turns, each loop its own, so that every length comes and nobody has to guess which. */
#include <stdlib.h>
#include <string.h>

#include <sockd/plugin.h>

#include "../small_service.h"

enum { PRINTABLE = 95, LINE_WIDTH = 72, LINE_SIZE = LINE_WIDTH + 2, CYCLE_SIZE = PRINTABLE * LINE_SIZE };
enum { DATAGRAM_MAX = 512, LENGTH_STEP = 73 /* shares no factor with 513, so every length has its turn */ };

/* All 95 lines, each a character further than the one before. */
static int
start(struct sockd_host h, const struct sockd_settings *s, void **ret_instance, struct sockd_error *e)
{
	char *cycle = malloc(CYCLE_SIZE), *at = cycle;

	(void)h;
	(void)s;
	if (cycle == NULL)
		return sockd_error_set(e, NULL, "no memory");
	for (int line = 0; line < PRINTABLE; line++) {
		for (int i = 0; i < LINE_WIDTH; i++)
			*at++ = (char)(' ' + (line + i) % PRINTABLE);
		*at++ = '\r';
		*at++ = '\n';
	}
	*ret_instance = cycle;
	return 0;
}

static void
stop(void *instance)
{
	free(instance);
}

/* The length of a loop's next datagram. */
static int
thread_start(struct sockd_host h, void *instance, void **ret_state, struct sockd_error *e)
{
	size_t *length = calloc(1, sizeof *length);

	(void)h;
	(void)instance;
	if (length == NULL)
		return sockd_error_set(e, NULL, "no memory");
	*ret_state = length;
	return 0;
}

static void
thread_stop(void *instance, void *state)
{
	(void)instance;
	free(state);
}

static void
on_datagram(struct sockd_conn c, struct sockd_reader r, struct sockd_writer w)
{
	size_t *length = sockd_conn_thread_state(c);

	(void)r; /* what it says does not matter; unread, it is dropped */
	if (is_from_service(c))
		return;
	(void)sockd_write(w, sockd_conn_instance(c), *length);
	*length = (*length + LENGTH_STEP) % (DATAGRAM_MAX + 1);
}

static void
serve(struct sockd_conn c, struct sockd_reader r, struct sockd_writer w)
{
	(void)sockd_close_read(r); /* here it does not matter either */
	while (sockd_conn_draining(c) == 0 && sockd_write(w, sockd_conn_instance(c), CYCLE_SIZE) >= 0)
		;
}

SOCKD_EXPORT const struct sockd_plugin sockd_plugin = {
	SOCKD_PLUGIN_INIT,
	.name = "chargen",
	.version = "1.0",
	.summary = "Sends printable characters without end (RFC 864)",
	.license = "MIT",
	.start = start,
	.stop = stop,
	.thread_start = thread_start,
	.thread_stop = thread_stop,
	.serve = serve,
	.datagram = on_datagram,
};
