/* Descriptors that travel over unix sockets. */
#include "scenario.h"

#include <unistd.h>

/* The client sends "take" and the writing end of a pipe: it is written to. */
static void
take_one(struct sockd_conn c, struct sockd_reader r, struct sockd_writer w)
{
	char buf[16];
	int fds[2];
	size_t count = 2;

	(void)c;
	(void)w;
	CHECK(FAILS(sockd_receive_fds(r, NULL, sizeof buf, fds, &count), EINVAL)); /* which loses none */
	CHECK(sockd_receive_fds(r, buf, sizeof buf, fds, &count) == 4 && memcmp(buf, "take", 4) == 0);
	CHECK(count == 1);
	CHECK(write(fds[0], "through it", 10) == 10);
	CHECK(close(fds[0]) == 0);
}

/* More than there is room for: the others are closed. */
static void
take_some(struct sockd_conn c, struct sockd_reader r, struct sockd_writer w)
{
	char buf[16];
	int fds[1];
	size_t count = 1;

	(void)c;
	(void)w;
	CHECK(sockd_receive_fds(r, buf, sizeof buf, fds, &count) == 4);
	CHECK(count == 1 && close(fds[0]) == 0);
}

static void
give_one(struct sockd_conn c, struct sockd_reader r, struct sockd_writer w)
{
	int pipes[2];

	(void)c;
	(void)r;
	CHECK(pipe(pipes) == 0);
	CHECK(write(pipes[1], "from the plugin", 15) == 15);
	CHECK(close(pipes[1]) == 0);
	CHECK(sockd_send_fds(w, "given", 5, pipes, 1) == 5);
	CHECK(close(pipes[0]) == 0);
	CHECK(FAILS(sockd_send_fds(w, "", 0, pipes, 0), EINVAL));
}

/* More than the socket takes at once: the descriptor goes with the first byte, and what follows with a
 * descriptor of its own waits for all before it. */
static void
give_with_much(struct sockd_conn c, struct sockd_reader r, struct sockd_writer w)
{
	static char much[3 << 20];
	int pipes[2];

	(void)c;
	(void)r;
	memset(much, 'm', sizeof much);
	for (int i = 0; i < 2; i++) {
		CHECK(pipe(pipes) == 0);
		CHECK(write(pipes[1], i == 0 ? "first" : "second", i == 0 ? 5 : 6) > 0 &&
			close(pipes[1]) == 0);
		CHECK(sockd_send_fds(w, much, sizeof much, pipes, 1) == (ssize_t)sizeof much);
		CHECK(close(pipes[0]) == 0);
	}
	CHECK(sockd_flush(w) == 0);
}

/* The client reads nothing until it is told to. */
static void
give_up(struct sockd_conn c, struct sockd_reader r, struct sockd_writer w)
{
	static char much[3 << 20];
	int one = STDIN_FILENO;

	(void)r;
	CHECK(sockd_conn_set_timeout(c, SOCKD_TIMEOUT_WRITE, 300) == 0);
	errno = 0;
	while (sockd_send_fds(w, much, sizeof much, &one, 1) > 0)
		;
	(void)sockd_log(sockd_conn_host(c), SOCKD_LOG_NOTICE, "gave_up", "%s", strerror(errno));
}

static void
not_here(struct sockd_conn c, struct sockd_reader r, struct sockd_writer w)
{
	size_t count = 0;
	char buf[4];

	(void)c;
	CHECK(FAILS(sockd_receive_fds(r, buf, sizeof buf, NULL, &count), ENOTSUP));
	CHECK(FAILS(sockd_send_fds(w, "x", 1, NULL, 0), ENOTSUP));
}

static void
unasked(struct sockd_conn c, struct sockd_reader r, struct sockd_writer w)
{
	size_t count = 1;
	int fd;
	char byte;

	(void)c;
	(void)w;
	CHECK(FAILS(sockd_receive_fds(r, &byte, 1, &fd, &count), EPERM));
}

#ifndef WANTS
#define WANTS SOCKD_WANTS_FDS
#endif

static const struct scenario scenarios[] = { { "take_one", take_one }, { "take_some", take_some },
	{ "give_one", give_one }, { "give_with_much", give_with_much }, { "give_up", give_up },
	{ "not_here", not_here }, { "unasked", unasked }, { NULL, NULL } };

static void
serve(struct sockd_conn c, struct sockd_reader r, struct sockd_writer w)
{
	scenario_serve(scenarios, c, r, w);
}

SOCKD_EXPORT const struct sockd_plugin sockd_plugin = { SOCKD_PLUGIN_INIT, .name = "rights", .version = "1.0",
	.serve = serve, .wants = WANTS };
