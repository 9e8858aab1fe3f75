/* The yardstick: an echo server with nothing between it and the kernel. Edge-triggered epoll, one receive and
 * one send a message, recvmmsg() and sendmmsg() for datagrams, a loop a thread. It keeps no limits, no
 * timeouts and no counts, so what a daemon needs beyond it is what the comparison shows.
 *
 *   raw_echo TARGET [THREADS] */
#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <unistd.h>

#include "target.h"

enum { CHUNK = 65536, EVENTS = 512, ACCEPTS = 64, BATCH = 64 };

struct client {
	int fd;
	uint32_t held, sent;
	char *rest; /* what the client did not take yet: held bytes, of which sent are gone */
};

static struct target target;
static bool many_threads;

/* @return false when the client is gone */
static bool
send_rest(struct client *c)
{
	while (c->rest != NULL) {
		ssize_t n = send(c->fd, c->rest + c->sent, c->held - c->sent, MSG_NOSIGNAL);

		if (n < 0)
			return errno == EAGAIN;
		c->sent += (uint32_t)n;
		if (c->sent == c->held) {
			free(c->rest);
			c->rest = NULL;
		}
	}
	return true;
}

static bool
send_back(struct client *c, const char *bytes, size_t size)
{
	ssize_t n = send(c->fd, bytes, size, MSG_NOSIGNAL);

	if (n < 0 && errno != EAGAIN)
		return false;
	if (n < 0)
		n = 0;
	if ((size_t)n == size)
		return true;
	c->held = (uint32_t)(size - (size_t)n);
	c->sent = 0;
	c->rest = malloc(c->held);
	if (c->rest == NULL)
		return false;
	memcpy(c->rest, bytes + n, c->held);
	return send_rest(c); /* until it says EAGAIN: only then an edge will tell */
}

static bool
echo(struct client *c, char *chunk)
{
	if (!send_rest(c))
		return false;
	while (c->rest == NULL) {
		ssize_t n = recv(c->fd, chunk, CHUNK, 0);

		if (n <= 0)
			return n < 0 && errno == EAGAIN;
		if (!send_back(c, chunk, (size_t)n))
			return false;
		if (n < CHUNK)
			break; /* the socket is empty; the next bytes are an edge */
	}
	return true;
}

static void
accept_some(int epoll, int listener)
{
	for (int i = 0; i < ACCEPTS; i++) {
		int fd = accept4(listener, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);
		struct client *c;

		if (fd < 0)
			return;
		c = calloc(1, sizeof *c);
		if (c == NULL)
			die("calloc");
		c->fd = fd;
		if (epoll_ctl(epoll, EPOLL_CTL_ADD, fd,
			    &(struct epoll_event){
				    .events = EPOLLIN | EPOLLOUT | EPOLLRDHUP | EPOLLET, .data.ptr = c }) < 0)
			die("epoll_ctl");
	}
}

static void
serve_streams(int listener)
{
	int epoll = epoll_create1(EPOLL_CLOEXEC);
	char *chunk = malloc(CHUNK);
	struct epoll_event events[EVENTS];

	if (epoll < 0 || chunk == NULL ||
		epoll_ctl(epoll, EPOLL_CTL_ADD, listener,
			&(struct epoll_event){ .events = EPOLLIN | EPOLLEXCLUSIVE }) < 0)
		die("epoll");
	for (;;) {
		int n = epoll_wait(epoll, events, EVENTS, -1);

		for (int i = 0; i < n; i++) {
			struct client *c = events[i].data.ptr;

			if (c == NULL) {
				accept_some(epoll, listener);
			} else if (!echo(c, chunk)) {
				close(c->fd);
				free(c->rest);
				free(c);
			}
		}
	}
}

struct batch {
	struct mmsghdr messages[BATCH];
	struct iovec parts[BATCH];
	struct sockaddr_storage names[BATCH];
	char *bytes; /* CHUNK each */
};

static void
batch_reset(struct batch *b)
{
	for (int i = 0; i < BATCH; i++) {
		b->parts[i] = (struct iovec){ b->bytes + (size_t)i * CHUNK, CHUNK };
		b->messages[i].msg_hdr = (struct msghdr){ .msg_name = &b->names[i],
			.msg_namelen = sizeof b->names[i],
			.msg_iov = &b->parts[i],
			.msg_iovlen = 1 };
	}
}

static void
batch_answer(struct batch *b, int fd, int count)
{
	int done = 0;

	for (int i = 0; i < count; i++)
		b->parts[i].iov_len = b->messages[i].msg_len;
	while (done < count) {
		int n = sendmmsg(
			fd, b->messages + done, (unsigned)(count - done), MSG_DONTWAIT | MSG_NOSIGNAL);

		done += n > 0 ? n : 1; /* what can't be sent is dropped */
	}
}

static void
serve_datagrams(int fd)
{
	int epoll = epoll_create1(EPOLL_CLOEXEC);
	struct batch *b = calloc(1, sizeof *b);
	struct epoll_event event = { .events = EPOLLIN };

	if (b != NULL)
		b->bytes = malloc((size_t)BATCH * CHUNK);
	if (epoll < 0 || b == NULL || b->bytes == NULL || epoll_ctl(epoll, EPOLL_CTL_ADD, fd, &event) < 0)
		die("epoll");
	for (;;) {
		int n;

		batch_reset(b);
		n = recvmmsg(fd, b->messages, BATCH, MSG_DONTWAIT, NULL);
		if (n > 0)
			batch_answer(b, fd, n);
		else
			epoll_wait(epoll, &event, 1, -1);
	}
}

static void *
serve(void *listener)
{
	if (target_is_datagram(&target))
		serve_datagrams(*(int *)listener);
	else
		serve_streams(*(int *)listener);
	return NULL;
}

int
main(int argc, char **argv)
{
	int threads = argc > 2 ? atoi(argv[2]) : 1;

	if (argc < 2 || threads < 1 || threads > 64) {
		errno = 0;
		die("usage: raw_echo TARGET [THREADS]");
	}
	target = target_parse(argv[1]);
	many_threads = threads > 1;
	raise_descriptor_limit();
	signal(SIGPIPE, SIG_IGN);
	for (int i = 0; i < threads; i++) {
		static int listeners[64];
		pthread_t thread;

		listeners[i] =
			i > 0 && !target_is_ip(&target) ? listeners[0] : target_listen(&target, many_threads);
		if (pthread_create(&thread, NULL, serve, &listeners[i]) != 0)
			die("pthread_create");
	}
	pause();
	return 0;
}
