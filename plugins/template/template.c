/* template - greets each client with a line from its settings, then answers every message with a count.
 *
 * It shows settings, an instance with state, a serve() that works on every transport, and where memory is
 * given back. Change what it says and does; `make check` tells whether it still works.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <sockd/plugin.h>

/* The state of one instance: one listener's. start() makes it, stop() frees it. */
struct greeter {
	const char *greeting; /* lent by the settings until stop() */
};

static const struct sockd_option options[] = {
	{ .name = "greeting",
		.type = SOCKD_T_STRING,
		.fallback = "hello",
		.min = 1,
		.max = 200,
		.help = "What a client is greeted with" },
	{ 0 },
};

static int
start(struct sockd_host h, const struct sockd_settings *s, void **ret_instance, struct sockd_error *e)
{
	struct greeter *g = malloc(sizeof *g);

	(void)h;
	if (g == NULL)
		return sockd_error_set(e, NULL, "no memory");
	g->greeting = sockd_setting_string(s, "greeting");
	*ret_instance = g;
	return 0;
}

static void
stop(void *instance)
{
	free(instance);
}

/* One message in, one line out. Returning ends the connection; sockd sends what is queued first. */
static void
serve(struct sockd_conn c, struct sockd_reader r, struct sockd_writer w)
{
	const struct greeter *g = sockd_conn_instance(c);
	int transport = sockd_conn_transport(c);
	char in[1024], out[256]; /* a datagram that is larger than this is dropped, and counted */
	unsigned long count = 0;
	size_t size;

	if (transport == SOCKD_TCP || transport == SOCKD_UNIX) {
		int n = snprintf(out, sizeof out, "%s\n", g->greeting);

		if (sockd_write(w, out, (size_t)n) < 0)
			return;
	}
	while (sockd_receive(r, in, sizeof in, &size) > 0) {
		int n = snprintf(out, sizeof out, "%s %lu: %zu bytes\n", g->greeting, ++count, size);

		if (sockd_write(w, out, (size_t)n) < 0 && errno != EMSGSIZE)
			return;
	}
}

/* Last of all, exactly once for each connection: what you kept with it by sockd_conn_set_data() is freed
 * here. */
static void
closed(struct sockd_conn c, int reason)
{
	(void)sockd_log(sockd_conn_host(c), SOCKD_LOG_DEBUG, "closed", "reason %d", reason);
}

SOCKD_EXPORT const struct sockd_plugin sockd_plugin = {
	SOCKD_PLUGIN_INIT,
	.name = "template",
	.version = "1.0",
	.summary = "Greets and counts",
	.license = "MIT",
	.options = options,
	.start = start,
	.stop = stop,
	.serve = serve,
	.close = closed,
};
