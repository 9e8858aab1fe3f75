/* daytime - tells the time in words (RFC 867), on all four transports: to a stream as soon as it connects, to
 * a datagram of any content in one. */
#include <stdint.h>
#include <time.h>

#include <sockd/plugin.h>

#include "../small_service.h"

enum { TEXT_SIZE = 256 };

static const struct sockd_option options[] = {
	{ .name = "format",
		.type = SOCKD_T_STRING,
		.fallback = "\"%A, %B %d, %Y %H:%M:%S-%Z\"",
		.min = 1,
		.max = 100,
		.help = "What is sent, with the letters of strftime(3); a line break follows" },
	{ .name = "utc",
		.type = SOCKD_T_BOOL,
		.fallback = "false",
		.help = "Universal time rather than the machine's zone" },
	{ 0 },
};

/* @return the length; 0: it does not fit, or is empty */
static size_t
tell(const struct sockd_settings *s, time_t now, char text[TEXT_SIZE])
{
	struct tm t;
	size_t n;

	if ((sockd_setting_bool(s, "utc") ? gmtime_r(&now, &t) : localtime_r(&now, &t)) == NULL)
		return 0;
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wformat-nonliteral" /* strftime() reads nothing by its format but the time \
						      */
	n = strftime(text, TEXT_SIZE - 2, sockd_setting_string(s, "format"), &t);
#pragma GCC diagnostic pop
	if (n == 0)
		return 0;
	text[n++] = '\r';
	text[n++] = '\n';
	return n;
}

/* What a format gives depends on the date, but one that is too long for today is too long. */
static int
check(const struct sockd_settings *s, struct sockd_error *e)
{
	char text[TEXT_SIZE];

	if (tell(s, time(NULL), text) == 0)
		return sockd_error_set(
			e, "format", "gives nothing, or more than %d characters", TEXT_SIZE - 3);
	return 0;
}

static void
answer(struct sockd_conn c, struct sockd_writer w)
{
	struct sockd_host h = sockd_conn_host(c);
	char text[TEXT_SIZE];
	size_t n = tell(sockd_host_settings(h), (time_t)(sockd_wall(h) / 1000), text);

	(void)sockd_write(w, text, n); /* a peer that is gone is told to close() */
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
	.name = "daytime",
	.version = "1.0",
	.summary = "Tells the time in words (RFC 867)",
	.license = "MIT",
	.options = options,
	.check = check,
	.open = on_open,
	.data = on_data,
	.datagram = on_datagram,
};
