/* A relay whose client somebody else writes to as well: a client over tcp is joined with the server, and one
 * over unix says what is to be sent to it besides. One event loop, one client at a time. */
#include <sockd/plugin.h>

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static struct sockd_writer client;

static void
join(struct sockd_conn c, struct sockd_writer w)
{
	struct sockd_host h = sockd_conn_host(c);
	struct sockd_conn server = sockd_dial(h, sockd_setting_string(sockd_host_settings(h), "to"), NULL);

	client = w;
	if (!sockd_null(server) && sockd_relay(c, server) < 0)
		(void)sockd_log(h, SOCKD_LOG_NOTICE, "relay_broke", "%s", strerror(errno));
}

/* @return how much went, or -1 with errno */
static int64_t
send_mark(size_t size)
{
	char *mark = malloc(size + 1);
	ssize_t n;

	if (mark == NULL)
		return -1;
	memset(mark, '#', size);
	n = sockd_write(client, mark, size);
	free(mark);
	return n;
}

static int64_t
send_file(const char *path)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	int64_t n = sockd_sendfile(client, fd, 0, -1);

	if (fd >= 0)
		close(fd);
	return n;
}

static void
obey(struct sockd_reader r, struct sockd_writer w)
{
	char line[256];
	ssize_t n;

	while ((n = sockd_read_until(r, "\n", 1, line, sizeof line)) > 1) {
		int64_t sent;

		line[n - 1] = '\0';
		sent = line[0] == '/' ? send_file(line) : send_mark(strtoul(line, NULL, 10));
		if (sockd_printf(w, "%lld %s\n", (long long)sent, sent < 0 ? strerror(errno) : "sent") < 0)
			return;
	}
}

static void
serve(struct sockd_conn c, struct sockd_reader r, struct sockd_writer w)
{
	if (sockd_conn_transport(c) == SOCKD_UNIX)
		obey(r, w);
	else
		join(c, w);
}

static const struct sockd_option options[] = { { .name = "to", .type = SOCKD_T_URL, .required = 1 }, { 0 } };

SOCKD_EXPORT const struct sockd_plugin sockd_plugin = { SOCKD_PLUGIN_INIT, .name = "splice", .version = "1.0",
	.options = options, .serve = serve };
