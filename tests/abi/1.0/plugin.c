/* A plugin as it was written for ABI 1.0. It is built with the headers beside it, and has to load and serve
 * in every later sockd. */
#include <sockd/plugin.h>

#include <string.h>

static int
answer(struct sockd_host h, void *arg)
{
	return sockd_sleep(h, 1) == 0 ? (int)*(const size_t *)arg : -1;
}

static void
serve(struct sockd_conn c, struct sockd_reader r, struct sockd_writer w)
{
	const struct sockd_framing line = {
		.size = sizeof line, .kind = SOCKD_FRAME_DELIMITER, .delimiter = '\n'
	};
	const char *greeting = sockd_setting_string(sockd_host_settings(sockd_conn_host(c)), "greeting");
	char buf[256];
	size_t n;

	while (sockd_read_frame(r, &line, buf, sizeof buf, &n) > 0) {
		uint64_t fiber = sockd_spawn(sockd_conn_host(c), answer, &n);
		int length = sockd_join(sockd_conn_host(c), fiber);

		if (sockd_printf(w, "%s %d %.*s\n", greeting, length, (int)n, buf) < 0)
			return;
	}
}

static const struct sockd_option options[] = {
	{ .name = "greeting", .type = SOCKD_T_STRING, .fallback = "hello", .help = "What is said first." },
	{ 0 }
};

SOCKD_EXPORT const struct sockd_plugin sockd_plugin = { SOCKD_PLUGIN_INIT, .name = "old", .version = "1.0",
	.options = options, .serve = serve };
