/* discard - reads and throws away (RFC 863), on all four transports. It answers nothing. */
#include <stdint.h>

#include <sockd/plugin.h>

static void
throw_away(struct sockd_conn c, struct sockd_reader r, struct sockd_writer w)
{
	(void)c;
	(void)w;
	(void)sockd_discard(r, SIZE_MAX); /* how much it was is in sockd's own counters */
}

SOCKD_EXPORT const struct sockd_plugin sockd_plugin = {
	SOCKD_PLUGIN_INIT,
	.name = "discard",
	.version = "1.0",
	.summary = "Reads and throws away (RFC 863)",
	.license = "MIT",
	.data = throw_away,
	.datagram = throw_away,
};
