/* Speaks plain lines until "starttls", then TLS. In event style or on fibers, as its setting says; after the
 * handshake "info" tells what was agreed on, "export" some key material. */
#include <sockd/plugin.h>

#include <errno.h>
#include <stdio.h>
#include <string.h>

static void
say_info(struct sockd_conn c, struct sockd_writer w)
{
	const struct sockd_tls_info *i = sockd_conn_tls(c);

	if (i == NULL) {
		sockd_write(w, errno == 0 ? "plain\n" : "error\n", 6);
		return;
	}
	{
		char text[512];
		int n = snprintf(text, sizeof text,
			"%s %s alpn=%s sni=%s subject=%s san=%s sha256=%s %s %s\n", i->version, i->cipher,
			i->alpn != NULL ? i->alpn : "-", i->sni != NULL ? i->sni : "-",
			i->subject != NULL ? i->subject : "-",
			i->sans != NULL && i->sans[0] != NULL ? i->sans[0] : "-",
			i->sha256 != NULL ? i->sha256 : "-", i->verified ? "verified" : "unverified",
			i->resumed ? "resumed" : "full");

		sockd_write(w, text, (size_t)n);
	}
}

static void
say_export(struct sockd_conn c, struct sockd_writer w)
{
	unsigned char key[32];
	char text[80];
	int r = sockd_conn_tls_export(c, "EXPORTER-test", NULL, 0, key, sizeof key);

	if (r < 0) {
		sockd_write(w, errno == ENOTSUP ? "ENOTSUP\n" : "error\n", errno == ENOTSUP ? 8 : 6);
		return;
	}
	for (size_t i = 0; i < sizeof key; i++)
		snprintf(text + 2 * i, 3, "%02x", key[i]);
	text[64] = '\n';
	sockd_write(w, text, 65);
}

/* @return 0 when TLS was asked for and begun */
static int
obey(struct sockd_conn c, struct sockd_writer w, const char *line, size_t size)
{
	if (size >= 8 && memcmp(line, "starttls", 8) == 0) {
		sockd_write(w, "go ahead\n", 9);
		if (sockd_conn_start_tls(c, NULL) == 0)
			return 0;
		sockd_write(w,
			errno == EBUSY      ? "EBUSY\n"
			: errno == EALREADY ? "EALREADY\n"
					    : "refused\n",
			errno == EBUSY      ? 6
			: errno == EALREADY ? 9
					    : 8);
	} else if (size >= 4 && memcmp(line, "info", 4) == 0)
		say_info(c, w);
	else if (size >= 6 && memcmp(line, "export", 6) == 0)
		say_export(c, w);
	else
		sockd_write(w, line, size);
	return -1;
}

static void
on_open(struct sockd_conn c, struct sockd_reader r, struct sockd_writer w)
{
	(void)r;
	if (sockd_conn_tls(c) != NULL)
		sockd_write(w, "hello\n", 6);
}

#ifndef STRAIGHT
/* Reads one line at a time, so that what comes behind it stays unread. */
static size_t
take_line(struct sockd_reader r, char *line, size_t size)
{
	size_t n = 0;

	while (n < size && sockd_readable(r) > 0 && sockd_read(r, line + n, 1) == 1)
		if (line[n++] == '\n')
			break;
	return n;
}

static void
on_data(struct sockd_conn c, struct sockd_reader r, struct sockd_writer w)
{
	char line[256];
	size_t n;

	while ((n = take_line(r, line, sizeof line)) > 0)
		if (obey(c, w, line, n) == 0)
			return;
}

#else
static void
serve(struct sockd_conn c, struct sockd_reader r, struct sockd_writer w)
{
	char line[256];
	ssize_t n;

	while ((n = sockd_read_until(r, "\n", 1, line, sizeof line)) > 0)
		if (obey(c, w, line, (size_t)n) == 0)
			on_open(c, r, w);
}
#endif

SOCKD_EXPORT const struct sockd_plugin sockd_plugin = {
	SOCKD_PLUGIN_INIT,
	.name = "starttls",
	.version = "1.0",
	.transports = SOCKD_STREAMS,
#ifdef STRAIGHT
	.serve = serve,
#else
	.open = on_open,
	.data = on_data,
#endif
};
