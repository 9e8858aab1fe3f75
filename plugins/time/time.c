/* time - tells the time in four bytes (RFC 868), on all four transports: the seconds since 1900 in UTC, high
 * byte first, to a stream as soon as it connects, to a datagram of any content in one.
 *
 * The number wraps in 2036; a client that compares it with its own clock still knows which turn is meant. */
#include <stdint.h>

#include <sockd/plugin.h>

#include "../small_service.h"

#define SECONDS_1900_TO_1970 2208988800U

static void
answer(struct sockd_conn c, struct sockd_writer w)
{
	uint32_t seconds = (uint32_t)(sockd_wall(sockd_conn_host(c)) / 1000) + SECONDS_1900_TO_1970;
	unsigned char bytes[4] = { (unsigned char)(seconds >> 24), (unsigned char)(seconds >> 16),
		(unsigned char)(seconds >> 8), (unsigned char)seconds };

	(void)sockd_write(w, bytes, sizeof bytes); /* a peer that is gone is told to close() */
}

static void
on_open(struct sockd_conn c, struct sockd_reader r, struct sockd_writer w)
{
	(void)r;
	answer(c, w);
	(void)sockd_conn_close(c);
}

static void
on_data(struct sockd_conn c, struct sockd_reader r, struct sockd_writer w)
{
	(void)c;
	(void)w;
	(void)sockd_discard(r, SIZE_MAX);
}

static void
on_datagram(struct sockd_conn c, struct sockd_reader r, struct sockd_writer w)
{
	(void)r;
	if (!is_from_service(c))
		answer(c, w);
}

SOCKD_EXPORT const struct sockd_plugin sockd_plugin = {
	SOCKD_PLUGIN_INIT,
	.name = "time",
	.version = "1.0",
	.summary = "Tells the time in four bytes (RFC 868)",
	.license = "MIT",
	.open = on_open,
	.data = on_data,
	.datagram = on_datagram,
};
