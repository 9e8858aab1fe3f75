/* The same functions in event style, where nothing waits: commands in lines, each answered by a line.
 *   len N+bytes   a frame with a length of two bytes follows: it comes back as text
 *   file          a file, then "done", by writable()
 *   pause         nothing is read for 30 ms, then what came meanwhile */
#include "scenario.h"

#include <fcntl.h>
#include <unistd.h>

enum mode { LINES, FRAME };

struct client {
	enum mode mode;
	bool owes_done;
	int64_t paused_ms;
};

static void
on_open(struct sockd_conn c, struct sockd_reader r, struct sockd_writer w)
{
	(void)r;
	(void)w;
	(void)sockd_conn_set_data(c, calloc(1, sizeof(struct client)));
}

static void
resume(struct sockd_host h, void *arg)
{
	struct sockd_reader *r = arg;

	(void)h;
	if (sockd_pause(*r, false) < 0)
		(void)sockd_log(h, SOCKD_LOG_ERROR, "no_resume", "%s", strerror(errno));
	free(r);
}

static void
send_file(struct sockd_conn c, struct sockd_writer w, struct client *client)
{
	const char *path = sockd_setting_string(sockd_host_settings(sockd_conn_host(c)), "file");
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	int64_t size = lseek(fd, 0, SEEK_END), sent = sockd_sendfile(w, fd, 0, -1);

	close(fd); /* sockd has its own */
	if (sent != size || sockd_writable(w) != 0 || !FAILS(sockd_write(w, "x", 1), EAGAIN) ||
		!FAILS(sockd_sendfile(w, 0, 0, -1), EINVAL))
		(void)sockd_log(sockd_conn_host(c), SOCKD_LOG_ERROR, "wrong", "%d", (int)sent);
	client->owes_done = true;
}

static void
pause_reader(struct sockd_conn c, struct sockd_reader r, struct client *client)
{
	struct sockd_reader *kept = malloc(sizeof *kept);

	*kept = r;
	client->paused_ms = sockd_now(sockd_conn_host(c));
	(void)sockd_pause(r, true);
	(void)sockd_timer_start(sockd_conn_host(c), 30, 0, resume, kept);
}

static bool
take_line(struct sockd_conn c, struct sockd_reader r, struct sockd_writer w, struct client *client)
{
	char line[32];
	ssize_t n = sockd_read_until(r, "\n", 1, line, sizeof line);
	int64_t now = sockd_now(sockd_conn_host(c));

	if (n < 0 && errno == EAGAIN)
		return false;
	if (n <= 0) {
		(void)sockd_printf(w, "error %d\n", errno);
		(void)sockd_conn_close(c);
		return false;
	}
	if (client->paused_ms != 0) {
		(void)sockd_printf(w, "after %d\n", now - client->paused_ms >= 30);
		client->paused_ms = 0;
	}
	if (memcmp(line, "len\n", 4) == 0)
		client->mode = FRAME;
	else if (memcmp(line, "file\n", 5) == 0)
		send_file(c, w, client);
	else if (memcmp(line, "pause\n", 6) == 0)
		pause_reader(c, r, client);
	else
		(void)sockd_printf(w, "%zd %.*s", n, (int)n, line);
	return client->paused_ms == 0;
}

static bool
take_frame(struct sockd_reader r, struct sockd_writer w, struct client *client)
{
	const struct sockd_framing f = { sizeof f, SOCKD_FRAME_LENGTH, 0, 2, 0, 0, 0 };
	char buf[3000];
	const void *seen;
	size_t n;

	if (sockd_peek(r, &seen, 2) < 2)
		return false;
	if (sockd_read_frame(r, &f, buf, sizeof buf, &n) != 1)
		return false;
	client->mode = LINES;
	(void)sockd_printf(w, "frame of %zu, ends with %c\n", n, n > 0 ? buf[n - 1] : '-');
	return true;
}

static void
on_data(struct sockd_conn c, struct sockd_reader r, struct sockd_writer w)
{
	struct client *client = sockd_conn_data(c);

	while (client->mode == LINES ? take_line(c, r, w, client) : take_frame(r, w, client))
		;
}

static void
on_writable(struct sockd_conn c, struct sockd_reader r, struct sockd_writer w)
{
	struct client *client = sockd_conn_data(c);

	(void)r;
	if (client->owes_done && sockd_write(w, "done\n", 5) == 5)
		client->owes_done = false;
}

static void
on_close(struct sockd_conn c, int reason)
{
	(void)reason;
	free(sockd_conn_data(c));
}

/* Datagrams: "pause" as above; others come back. */
static void
on_datagram(struct sockd_conn c, struct sockd_reader r, struct sockd_writer w)
{
	const void *seen;
	struct sockd_reader *kept;

	if (sockd_peek(r, &seen, 0) != 5 || memcmp(seen, "pause", 5) != 0) {
		(void)sockd_move(w, r);
		return;
	}
	kept = malloc(sizeof *kept);
	*kept = r;
	if (sockd_pause(r, true) < 0 || sockd_timer_start(sockd_conn_host(c), 30, 0, resume, kept) == 0)
		abort();
	(void)sockd_write(w, "paused", 6);
}

static const struct sockd_option options[] = { { "file", SOCKD_T_PATH, 0, NULL, 0, 0, NULL, "What to send." },
	{ 0 } };

SOCKD_EXPORT const struct sockd_plugin sockd_plugin = { SOCKD_PLUGIN_INIT, .name = "events", .version = "1.0",
	.options = options, .open = on_open, .data = on_data, .writable = on_writable,
	.datagram = on_datagram, .close = on_close };
