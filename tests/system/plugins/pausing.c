/* An echo in event style that takes a piece at a time and rests between them: whatever it leaves it leaves
 * paused. */
#include <sockd/plugin.h>

#include <stdlib.h>

enum { PIECE_MAX = 3000, REST_MAX_MS = 3 };

struct own {
	struct sockd_conn conn;
	unsigned seed;
};

static unsigned
roll(struct own *own, unsigned sides)
{
	return (unsigned)rand_r(&own->seed) % sides;
}

static void
go_on(struct sockd_host h, void *arg)
{
	struct own *own = arg;

	(void)h;
	(void)sockd_pause(sockd_conn_reader(own->conn), false);
}

static void
rest(struct own *own, struct sockd_reader r)
{
	(void)sockd_pause(r, true);
	(void)sockd_timer_start(sockd_conn_host(own->conn), roll(own, REST_MAX_MS), 0, go_on, own);
}

static void
on_open(struct sockd_conn c, struct sockd_reader r, struct sockd_writer w)
{
	struct own *own = malloc(sizeof *own);

	(void)w;
	if (own == NULL) {
		(void)sockd_conn_close(c);
		return;
	}
	*own = (struct own){ c, (unsigned)sockd_conn_id(c) };
	(void)sockd_conn_set_data(c, own);
	if (roll(own, 2) == 0)
		rest(own, r);
}

static void
on_close(struct sockd_conn c, int reason)
{
	(void)reason;
	free(sockd_conn_data(c));
}

static void
on_data(struct sockd_conn c, struct sockd_reader r, struct sockd_writer w)
{
	struct own *own = sockd_conn_data(c);
	const void *seen;
	ssize_t size;

	while ((size = sockd_peek(r, &seen, 0)) > 0) {
		size_t part = 1 + roll(own, PIECE_MAX);

		if ((size_t)size < part)
			part = (size_t)size;
		if (sockd_write(w, seen, part) < 0)
			return; /* it is told when there is room */
		(void)sockd_discard(r, part);
		if (roll(own, 8) == 0) {
			rest(own, r);
			return;
		}
	}
}

SOCKD_EXPORT const struct sockd_plugin sockd_plugin = {
	SOCKD_PLUGIN_INIT,
	.name = "pausing",
	.version = "1.0",
	.transports = SOCKD_STREAMS,
	.open = on_open,
	.data = on_data,
	.close = on_close,
};
