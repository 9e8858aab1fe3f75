/* The yardstick: an echo server with nothing between it and the kernel. Edge-triggered epoll, one receive and
 * one send a message, recvmmsg() and sendmmsg() for datagrams, a loop a thread. It keeps no limits, no
 * timeouts and no counts, so what a daemon needs beyond it is what the comparison shows.
 *
 *   raw_echo TARGET [THREADS [ACCEPT [level|senders]]]
 *
 * ACCEPT is how several threads share what connects: `reuseport`, a listening socket each (the default for
 * tcp); `exclusive`, one socket that all watch with EPOLLEXCLUSIVE (the default for unix); `nested`, the same
 * through an epoll within the epoll, as a server would whose event library does not know the flag;
 * `handover`, where the first thread accepts and puts each client into the epoll of the thread that has
 * fewest. `level` watches clients level-triggered, as most servers do: the kernel then looks at each that was
 * ready once more. `senders` asks who sent each datagram of a unix socket (SO_PASSCRED), as a server does
 * that lets some users in and others not. */
#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <unistd.h>

#include "target.h"

enum { CHUNK = 65536, EVENTS = 512, ACCEPTS = 64, BATCH = 64, THREADS_MAX = 64 };
static const uint32_t EDGES = EPOLLIN | EPOLLOUT | EPOLLRDHUP | EPOLLET;

enum sharing { REUSEPORT, EXCLUSIVE, NESTED, HANDOVER };

static const char *const sharings[] = { "reuseport", "exclusive", "nested", "handover" };

struct loop {
	int epoll, listener; /* no listener: -1 */
	_Atomic int clients;
};

struct client {
	int fd;
	bool owes; /* level-triggered: watched for room, as it has a rest */
	struct loop *loop;
	uint32_t held, sent;
	char *rest; /* what the client did not take yet: held bytes, of which sent are gone */
};

static struct target target;
static enum sharing sharing;
static bool level_triggered, asks_senders;
static struct loop loops[THREADS_MAX];
static int loop_count = 1;

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

static struct loop *
loop_for_client(struct loop *own)
{
	struct loop *best = own;

	if (sharing != HANDOVER)
		return own;
	for (int i = 0; i < loop_count; i++)
		if (loops[i].clients < best->clients)
			best = &loops[i];
	return best;
}

static void
accept_some(struct loop *own)
{
	for (int i = 0; i < ACCEPTS; i++) {
		int fd = accept4(own->listener, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);
		struct client *c;

		if (fd < 0)
			return;
		c = calloc(1, sizeof *c);
		if (c == NULL)
			die("calloc");
		c->fd = fd;
		c->loop = loop_for_client(own);
		c->loop->clients++;
		if (epoll_ctl(c->loop->epoll, EPOLL_CTL_ADD, fd,
			    &(struct epoll_event){
				    .events = level_triggered ? EPOLLIN : EDGES, .data.ptr = c }) < 0)
			die("epoll_ctl");
	}
}

/* An edge tells of room anyway. */
static void
client_watch(struct client *c)
{
	bool owes = c->rest != NULL;

	if (!level_triggered || owes == c->owes)
		return;
	c->owes = owes;
	if (epoll_ctl(c->loop->epoll, EPOLL_CTL_MOD, c->fd,
		    &(struct epoll_event){ .events = owes ? EPOLLOUT : EPOLLIN, .data.ptr = c }) < 0)
		die("epoll_ctl");
}

static void
client_end(struct client *c)
{
	c->loop->clients--;
	close(c->fd);
	free(c->rest);
	free(c);
}

static void
serve_streams(struct loop *own)
{
	char *chunk = malloc(CHUNK);
	struct epoll_event events[EVENTS];

	if (chunk == NULL)
		die("malloc");
	for (;;) {
		int n = epoll_wait(own->epoll, events, EVENTS, -1);

		for (int i = 0; i < n; i++) {
			struct client *c = events[i].data.ptr;

			if (c == NULL)
				accept_some(own);
			else if (echo(c, chunk))
				client_watch(c);
			else
				client_end(c);
		}
	}
}

struct batch {
	struct mmsghdr messages[BATCH];
	struct iovec parts[BATCH];
	struct sockaddr_storage names[BATCH];
	_Alignas(struct cmsghdr) char controls[BATCH][CMSG_SPACE(sizeof(struct ucred))];
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
		if (asks_senders) {
			b->messages[i].msg_hdr.msg_control = b->controls[i];
			b->messages[i].msg_hdr.msg_controllen = sizeof b->controls[i];
		}
	}
}

static void
batch_answer(struct batch *b, int fd, int count)
{
	int done = 0;

	for (int i = 0; i < count; i++) {
		b->parts[i].iov_len = b->messages[i].msg_len;
		b->messages[i].msg_hdr.msg_controllen = 0; /* it is read, not sent on */
	}
	while (done < count) {
		int n = sendmmsg(
			fd, b->messages + done, (unsigned)(count - done), MSG_DONTWAIT | MSG_NOSIGNAL);

		done += n > 0 ? n : 1; /* what can't be sent is dropped */
	}
}

static void
serve_datagrams(const struct loop *own)
{
	struct batch *b = calloc(1, sizeof *b);
	struct epoll_event event;
	int on = asks_senders;

	if (on && setsockopt(own->listener, SOL_SOCKET, SO_PASSCRED, &on, sizeof on) < 0)
		die("SO_PASSCRED");
	if (b != NULL)
		b->bytes = malloc((size_t)BATCH * CHUNK);
	if (b == NULL || b->bytes == NULL)
		die("malloc");
	for (;;) {
		int n;

		batch_reset(b);
		n = recvmmsg(own->listener, b->messages, BATCH, MSG_DONTWAIT, NULL);
		if (n > 0)
			batch_answer(b, own->listener, n);
		else
			epoll_wait(own->epoll, &event, 1, -1);
	}
}

static void *
serve(void *loop)
{
	if (target_is_datagram(&target))
		serve_datagrams(loop);
	else
		serve_streams(loop);
	return NULL;
}

static void
watch(int epoll, int fd, uint32_t events)
{
	if (epoll_ctl(epoll, EPOLL_CTL_ADD, fd, &(struct epoll_event){ .events = events }) < 0)
		die("epoll_ctl");
}

static void
loop_init(struct loop *l)
{
	bool first = l == &loops[0];

	l->epoll = epoll_create1(EPOLL_CLOEXEC);
	if (l->epoll < 0)
		die("epoll_create");
	l->listener = first || sharing == REUSEPORT ? target_listen(&target, sharing == REUSEPORT)
						    : loops[0].listener;
	if (sharing == NESTED) {
		int inner = epoll_create1(EPOLL_CLOEXEC);

		if (inner < 0)
			die("epoll_create");
		watch(inner, l->listener, EPOLLIN | EPOLLEXCLUSIVE);
		watch(l->epoll, inner, EPOLLIN);
	} else if (first || sharing != HANDOVER) {
		watch(l->epoll, l->listener, EPOLLIN | (sharing == EXCLUSIVE ? (uint32_t)EPOLLEXCLUSIVE : 0));
	}
}

static enum sharing
sharing_parse(const char *word)
{
	for (int i = 0; word != NULL && i < (int)(sizeof sharings / sizeof sharings[0]); i++)
		if (strcmp(word, sharings[i]) == 0)
			return (enum sharing)i;
	if (word != NULL)
		die("ACCEPT is reuseport, exclusive, nested or handover");
	return target_is_ip(&target) && loop_count > 1 ? REUSEPORT : EXCLUSIVE;
}

int
main(int argc, char **argv)
{
	loop_count = argc > 2 ? atoi(argv[2]) : 1;
	if (argc < 2 || loop_count < 1 || loop_count > THREADS_MAX) {
		errno = 0;
		die("usage: raw_echo TARGET [THREADS [ACCEPT [level|senders]]]");
	}
	target = target_parse(argv[1]);
	sharing = sharing_parse(argc > 3 ? argv[3] : NULL);
	level_triggered = argc > 4 && strcmp(argv[4], "level") == 0;
	asks_senders = argc > 4 && strcmp(argv[4], "senders") == 0;
	if (argc > 4 && !level_triggered && !asks_senders)
		die("the last word is level or senders");
	raise_descriptor_limit();
	signal(SIGPIPE, SIG_IGN);
	for (int i = 0; i < loop_count; i++)
		loop_init(&loops[i]);
	for (int i = 0; i < loop_count; i++) {
		pthread_t thread;

		if (pthread_create(&thread, NULL, serve, &loops[i]) != 0)
			die("pthread_create");
	}
	pause();
	return 0;
}
