/* Reading lines, frames and what lies ahead, and sending files, in straight-line code. */
#include "scenario.h"

#include <fcntl.h>
#include <unistd.h>

/* Lines come back with their length; "quit" ends it. */
static void
lines(struct sockd_conn c, struct sockd_reader r, struct sockd_writer w)
{
	char buf[2000];
	ssize_t n;

	(void)c;
	while ((n = sockd_read_until(r, "\r\n", 2, buf, sizeof buf)) > 0) {
		if (n == 6 && memcmp(buf, "quit\r\n", 6) == 0)
			return;
		CHECK(sockd_printf(w, "%zd:%.*s", n, (int)n, buf) > n);
	}
	CHECK(n == 0);
}

/* "12345" and then an end without a delimiter. */
static void
until_limits(struct sockd_conn c, struct sockd_reader r, struct sockd_writer w)
{
	char buf[8];

	(void)c;
	(void)w;
	CHECK(FAILS(sockd_read_until(r, "\n", 1, buf, 4), EMSGSIZE));
	CHECK(sockd_readable(r) >= 4);
	CHECK(FAILS(sockd_read_until(r, "", 0, buf, 4), EINVAL));
	CHECK(FAILS(sockd_read_until(r, "\n", 1, buf, 0), EINVAL));
	CHECK(sockd_read_until(r, "\n", 1, buf, sizeof buf) == 5);
	CHECK(memcmp(buf, "12345", 5) == 0);
	CHECK(sockd_read_until(r, "\n", 1, buf, sizeof buf) == 0);
}

/* Messages come back in the same framing; an empty one ends it. */
static void
mirror(struct sockd_reader r, struct sockd_writer w, const struct sockd_framing *f)
{
	static char buf[200000];
	size_t n;

	for (;;) {
		CHECK(sockd_read_frame(r, f, buf, sizeof buf, &n) == 1);
		CHECK(sockd_write_frame(w, f, buf, n) == (ssize_t)n);
		if (n == 0)
			return;
	}
}

#define MIRROR(name, ...)                                                                   \
	static void name(struct sockd_conn c, struct sockd_reader r, struct sockd_writer w) \
	{                                                                                   \
		const struct sockd_framing f = { sizeof f, __VA_ARGS__ };                   \
                                                                                            \
		(void)c;                                                                    \
		mirror(r, w, &f);                                                           \
	}
MIRROR(length1, SOCKD_FRAME_LENGTH, 0, 1, 0, 0, 0)
MIRROR(length2, SOCKD_FRAME_LENGTH, 0, 2, 0, 0, 0)
MIRROR(length4_little, SOCKD_FRAME_LENGTH, 0, 4, 1, 0, 0)
MIRROR(length8, SOCKD_FRAME_LENGTH, 0, 8, 0, 0, 0)
MIRROR(varint, SOCKD_FRAME_VARINT, 0, 0, 0, 0, 0)
MIRROR(zero_ended, SOCKD_FRAME_DELIMITER, 0, 0, 0, 0, 0)

/* A length above the limit, while the peer waits for an answer. */
static void
too_long(struct sockd_conn c, struct sockd_reader r, struct sockd_writer w)
{
	const struct sockd_framing f = { sizeof f, SOCKD_FRAME_LENGTH, 10, 2, 0, 0, 0 };
	const struct sockd_framing odd = { sizeof odd, SOCKD_FRAME_LENGTH, 0, 3, 0, 0, 0 };
	const struct sockd_framing line = { sizeof line, SOCKD_FRAME_DELIMITER, 0, 0, 0, '\n', 0 };
	char buf[64];
	size_t n = 77;

	(void)c;
	CHECK(FAILS(sockd_read_frame(r, &f, buf, sizeof buf, &n), EMSGSIZE) && n == 77);
	CHECK(FAILS(sockd_read_frame(r, &odd, buf, sizeof buf, &n), EINVAL));
	CHECK(FAILS(sockd_write_frame(w, &f, "hello world", 11), EMSGSIZE));
	CHECK(FAILS(sockd_write_frame(w, &line, "a\nb", 3), EINVAL));
	CHECK(sockd_discard(r, SIZE_MAX) == 2);
}

/* The peer ends within a message. */
static void
cut_short(struct sockd_conn c, struct sockd_reader r, struct sockd_writer w)
{
	const struct sockd_framing f = { sizeof f, SOCKD_FRAME_LENGTH, 0, 2, 0, 0, 0 };
	char buf[64];
	size_t n;

	(void)c;
	(void)w;
	CHECK(FAILS(sockd_read_frame(r, &f, buf, sizeof buf, &n), EPIPE));
	CHECK(FAILS(sockd_read_full(r, buf, 10), EPIPE));
	CHECK(sockd_read_full(r, buf, 2) == 1);
	CHECK(sockd_read(r, buf, 64) == 3);
	CHECK(sockd_read_full(r, buf, 1) == 0);
	CHECK(sockd_read_frame(r, &f, buf, sizeof buf, &n) == 0);
}

/* Ten bytes that come one by one. */
static void
peeking(struct sockd_conn c, struct sockd_reader r, struct sockd_writer w)
{
	const void *seen = NULL;
	char buf[4];

	(void)c;
	(void)w;
	CHECK(FAILS(sockd_peek(r, &seen, 1000000), EMSGSIZE));
	CHECK(sockd_peek(r, &seen, 10) == 10 && memcmp(seen, "0123456789", 10) == 0);
	CHECK(sockd_peek(r, &seen, 0) == 10);
	CHECK(sockd_discard(r, 3) == 3);
	CHECK(sockd_readable(r) == 7);
	CHECK(sockd_read(r, buf, 4) == 4 && memcmp(buf, "3456", 4) == 0);
	CHECK(sockd_peek(r, &seen, 1) == 3 && memcmp(seen, "789", 3) == 0);
	CHECK(sockd_discard(r, SIZE_MAX) == 3);
	CHECK(sockd_discard(r, SIZE_MAX) == 0);
}

/* Datagrams: each is a message, and a look at one takes nothing. */
static void
messages(struct sockd_conn c, struct sockd_reader r, struct sockd_writer w)
{
	const struct sockd_framing f = { sizeof f, SOCKD_FRAME_LENGTH, 20, 4, 0, 0, 0 };
	const void *seen;
	char buf[64];
	size_t n;

	(void)c;
	CHECK(sockd_peek(r, &seen, 1) == 5 && memcmp(seen, "first", 5) == 0);
	CHECK(sockd_read_frame(r, &f, buf, sizeof buf, &n) == 1 && n == 5 && memcmp(buf, "first", 5) == 0);
	/* Then comes one of 21 bytes, above the limit: it is dropped. */
	CHECK(sockd_read_frame(r, &f, buf, sizeof buf, &n) == 1 && n == 6 && memcmp(buf, "second", 6) == 0);
	CHECK(sockd_write_frame(w, &f, "answer", 6) == 6);
	CHECK(FAILS(sockd_write_frame(w, &f, "an answer above the limit", 25), EMSGSIZE));
	CHECK(FAILS(sockd_read_until(r, "\n", 1, buf, sizeof buf), ENOTSUP));
	CHECK(FAILS(sockd_sendfile(w, 0, 0, -1), ENOTSUP));
}

static void
send_file(struct sockd_conn c, struct sockd_reader r, struct sockd_writer w)
{
	const char *path = sockd_setting_string(sockd_host_settings(sockd_conn_host(c)), "file");
	int fd = path != NULL ? open(path, O_RDONLY | O_CLOEXEC) : -1, pipes[2];
	int64_t whole, part, none;

	(void)r;
	CHECK(fd >= 0);
	whole = sockd_sendfile(w, fd, 0, -1);
	part = sockd_sendfile(w, fd, 10, 100);
	none = sockd_sendfile(w, fd, whole + 5, -1);
	CHECK(FAILS(sockd_sendfile(w, fd, -1, 1), EINVAL));
	close(fd);
	CHECK(whole == sockd_setting_int(sockd_host_settings(sockd_conn_host(c)), "size"));
	CHECK(part == 100);
	CHECK(none == 0);
	CHECK(FAILS(sockd_sendfile(w, fd, 0, 1), EBADF));
	CHECK(pipe(pipes) == 0);
	CHECK(FAILS(sockd_sendfile(w, pipes[0], 0, 1), EINVAL));
	close(pipes[0]);
	close(pipes[1]);
}

/* More than the small buffer of a printf. */
static void
print_long(struct sockd_conn c, struct sockd_reader r, struct sockd_writer w)
{
	(void)c;
	(void)r;
	CHECK(sockd_printf(w, "%05000d", 7) == 5000);
}

static const struct scenario scenarios[] = { { "lines", lines }, { "until_limits", until_limits },
	{ "length1", length1 }, { "length2", length2 }, { "length4_little", length4_little },
	{ "length8", length8 }, { "varint", varint }, { "zero_ended", zero_ended }, { "too_long", too_long },
	{ "cut_short", cut_short }, { "peeking", peeking }, { "messages", messages },
	{ "send_file", send_file }, { "print_long", print_long }, { NULL, NULL } };

static void
serve(struct sockd_conn c, struct sockd_reader r, struct sockd_writer w)
{
	scenario_serve(scenarios, c, r, w);
}

static const struct sockd_option options[] = { { "file", SOCKD_T_PATH, 0, NULL, 0, 0, NULL, "What to send." },
	{ "size", SOCKD_T_INT, 0, "0", 0, 0, NULL, "Its size." }, { 0 } };

SOCKD_EXPORT const struct sockd_plugin sockd_plugin = { SOCKD_PLUGIN_INIT, .name = "frames", .version = "1.0",
	.options = options, .serve = serve };
