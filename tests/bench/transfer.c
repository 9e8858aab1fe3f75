/* A long transfer between two ends with whatever lies between them, to the byte, and each end of stream on
 * its own: `transfer serve URL` is one end, `transfer run URL WAY BYTES` the other.
 *
 *   both   each sends its bytes, ends its side, and reads until the other's end
 *   down   the client ends its side at once; the server answers that end with its bytes
 *   up     the server ends its side at once; the client answers that end with its bytes
 *
 * Every byte is compared with what was sent, which is stronger than comparing hashes and costs less. Each end
 * prints what it saw and when it was through; only both together say how long a transfer took. */
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <poll.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "target.h"

enum { PIECE = 256 * 1024, PERIOD = 65521 /* a prime: no piece of it fits elsewhere */, REQUEST_SIZE = 32 };
enum { PATIENCE_MS = 30000 };

/* What one side sends, begun anywhere within the period. */
struct text {
	unsigned char bytes[PERIOD + PIECE];
};

struct end {
	int fd;
	const struct text *ours, *theirs; /* borrowed */
	uint64_t to_send, sent, to_receive, received;
	bool after_end; /* sends once it has met the other's end */
	bool ended, met_end;
};

static struct text client_text, server_text;
static unsigned char piece[PIECE];

static void
text_fill(struct text *t, uint64_t seed)
{
	for (size_t i = 0; i < PERIOD; i++) {
		seed ^= seed << 13;
		seed ^= seed >> 7;
		seed ^= seed << 17;
		t->bytes[i] = (unsigned char)(seed >> 32);
	}
	for (size_t i = PERIOD; i < sizeof t->bytes; i++)
		t->bytes[i] = t->bytes[i - PERIOD];
}

static uint64_t
clock_ns(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (uint64_t)t.tv_sec * 1000000000u + (uint64_t)t.tv_nsec;
}

static bool
would_block(void)
{
	return errno == EAGAIN || errno == EWOULDBLOCK || errno == EINTR;
}

static bool
end_may_send(const struct end *e)
{
	return !e->ended && (!e->after_end || e->met_end);
}

static void
end_send(struct end *e)
{
	uint64_t left = e->to_send - e->sent;
	ssize_t n = 0;

	if (left > 0)
		n = send(e->fd, e->ours->bytes + e->sent % PERIOD, left < PIECE ? left : PIECE, MSG_NOSIGNAL);
	if (n < 0 && !would_block())
		die("send");
	e->sent += n > 0 ? (uint64_t)n : 0;
	if (e->sent < e->to_send)
		return;
	if (shutdown(e->fd, SHUT_WR) < 0)
		die("shutdown");
	e->ended = true;
}

static void
end_receive(struct end *e)
{
	ssize_t n = recv(e->fd, piece, sizeof piece, 0);

	errno = n < 0 ? errno : 0;
	if (n < 0 && !would_block())
		die("recv");
	if (n > 0 && memcmp(piece, e->theirs->bytes + e->received % PERIOD, (size_t)n) != 0)
		die("a byte is not the one that was sent");
	e->received += n > 0 ? (uint64_t)n : 0;
	if (n == 0 && e->received != e->to_receive)
		die("the stream ended early");
	if (e->received > e->to_receive)
		die("there is more than was sent");
	e->met_end = n == 0;
}

static void
end_run(struct end *e)
{
	while (!e->ended || !e->met_end) {
		struct pollfd p = { .fd = e->fd,
			.events = (short)((end_may_send(e) ? POLLOUT : 0) | (e->met_end ? 0 : POLLIN)) };

		errno = 0;
		if (poll(&p, 1, PATIENCE_MS) == 0)
			die("nothing moves");
		if (!e->met_end && (p.revents & (POLLIN | POLLHUP | POLLERR)) != 0)
			end_receive(e);
		if (end_may_send(e) && (p.revents & POLLOUT) != 0)
			end_send(e);
	}
}

static void
end_report(const struct end *e, uint64_t begun_ns)
{
	printf("{\"sent\": %" PRIu64 ", \"received\": %" PRIu64 ", \"begun_ns\": %" PRIu64
	       ", \"ended_ns\": %" PRIu64 "}\n",
		e->sent, e->received, begun_ns, clock_ns());
	fflush(stdout);
}

static void
make_blocking(int fd, bool blocking)
{
	int flags = fcntl(fd, F_GETFL);

	if (flags < 0 || fcntl(fd, F_SETFL, blocking ? flags & ~O_NONBLOCK : flags | O_NONBLOCK) < 0)
		die("fcntl");
}

/* ---- the server ---- */

static void
serve_one(int fd)
{
	struct end e = { .fd = fd, .ours = &server_text, .theirs = &client_text };
	char request[REQUEST_SIZE + 1] = "", way[8];
	uint64_t size;

	if (recv(fd, request, REQUEST_SIZE, MSG_WAITALL) != REQUEST_SIZE)
		return; /* somebody looked whether it is there */
	if (sscanf(request, "%7s %" SCNu64, way, &size) != 2)
		die("a request that nobody understands");
	make_blocking(fd, false);
	e.to_send = strcmp(way, "up") == 0 ? 0 : size;
	e.to_receive = strcmp(way, "down") == 0 ? 0 : size;
	e.after_end = strcmp(way, "down") == 0;
	end_run(&e);
	end_report(&e, 0);
}

static _Noreturn void
serve(const char *url)
{
	const struct target t = target_parse(url);
	int listener = target_listen(&t, false);

	make_blocking(listener, true);
	for (;;) {
		int fd = accept(listener, NULL, NULL);

		if (fd < 0)
			die("accept");
		serve_one(fd);
		close(fd);
	}
}

/* ---- the client ---- */

static void
run(const char *url, const char *way, uint64_t size)
{
	const struct target t = target_parse(url);
	struct end e = { .fd = socket(t.address.ss_family, SOCK_STREAM | SOCK_CLOEXEC, 0),
		.ours = &client_text,
		.theirs = &server_text };
	char request[REQUEST_SIZE + 1];
	uint64_t begun_ns = clock_ns();

	errno = 0;
	if (strcmp(way, "both") != 0 && strcmp(way, "up") != 0 && strcmp(way, "down") != 0)
		die("a way is both, up or down");
	if (e.fd < 0 || connect(e.fd, (const struct sockaddr *)&t.address, t.size) < 0)
		die("connect");
	snprintf(request, sizeof request, "%-7s %-*" PRIu64, way, REQUEST_SIZE - 8, size);
	if (send(e.fd, request, REQUEST_SIZE, MSG_NOSIGNAL) != REQUEST_SIZE)
		die("send");
	make_blocking(e.fd, false);
	e.to_send = strcmp(way, "down") == 0 ? 0 : size;
	e.to_receive = strcmp(way, "up") == 0 ? 0 : size;
	e.after_end = strcmp(way, "up") == 0;
	end_run(&e);
	end_report(&e, begun_ns);
	close(e.fd);
}

int
main(int argc, char **argv)
{
	text_fill(&client_text, 88172645463325252u);
	text_fill(&server_text, 362436069u);
	if (argc == 3 && strcmp(argv[1], "serve") == 0)
		serve(argv[2]);
	if (argc != 5 || strcmp(argv[1], "run") != 0) {
		fputs("usage: transfer serve URL | transfer run URL both|up|down BYTES\n", stderr);
		return 2;
	}
	run(argv[2], argv[3], strtoull(argv[4], NULL, 10));
	return 0;
}
