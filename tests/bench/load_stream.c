/* Messages over connections that stay: one at a time (roundtrips), or as many as the window allows (blocks).
 */
#include "load.h"

#include <errno.h>
#include <poll.h>
#include <stdlib.h>
#include <sys/epoll.h>

struct stream {
	struct link link;
	uint64_t sent, received; /* bytes of this stream */
	size_t unsent;           /* rest of the message that is being written */
	uint64_t *begun_ns;      /* owned ring: when each unanswered message was begun */
	uint64_t first, next;    /* messages answered and begun */
};

static unsigned
ring_size(const struct load *load)
{
	return (unsigned)(load->window / load->size) + 1;
}

static void
stream_open(struct lane *lane, struct stream *s, unsigned number)
{
	int r = link_open(&s->link, &lane->load->target, number, NULL);

	while (r == -EAGAIN) {
		poll(NULL, 0, 1); /* a full backlog */
		r = link_open(&s->link, &lane->load->target, number, NULL);
	}
	errno = -r;
	if (r < 0)
		die("connect");
	s->begun_ns = calloc(ring_size(lane->load), sizeof *s->begun_ns);
	if (s->begun_ns == NULL)
		die("calloc");
	for (;;) {
		struct pollfd ready = { .fd = s->link.fd, .events = POLLOUT };

		if (s->link.ssl != NULL)
			ready.events = SSL_want_read(s->link.ssl) ? POLLIN : POLLOUT;
		if (poll(&ready, 1, 10000) <= 0)
			die("no answer from the server");
		r = link_handshake(&s->link);
		if (r < 0)
			die("the handshake failed");
		if (r > 0)
			return;
	}
}

/* Everything up to here was answered. */
static void
stream_answered(struct lane *lane, struct stream *s)
{
	const struct load *load = lane->load;
	uint64_t now_ns = 0;

	while (s->first < s->next && s->received >= (s->first + 1) * load->size) {
		if (now_ns == 0)
			now_ns = clock_ns();
		histogram_add(&lane->tally.latency, now_ns - s->begun_ns[s->first % ring_size(load)]);
		lane->tally.operations++;
		s->first++;
	}
}

static bool
stream_receive(struct lane *lane, struct stream *s)
{
	while (s->sent > s->received) {
		uint64_t owed = s->sent - s->received;
		ssize_t n = link_receive(&s->link, lane->scratch, owed < SCRATCH ? owed : SCRATCH,
			lane->load->target.transport == TCP);

		if (n < 0)
			return false;
		if (n == 0)
			return true;
		s->received += (uint64_t)n;
		lane->tally.bytes += (uint64_t)n;
		stream_answered(lane, s);
	}
	return true;
}

static bool
stream_send(struct lane *lane, struct stream *s)
{
	const struct load *load = lane->load;

	while (s->unsent > 0 || s->sent - s->received + load->size <= load->window) {
		ssize_t n;

		if (s->unsent == 0) {
			s->unsent = load->size;
			s->begun_ns[s->next++ % ring_size(load)] = clock_ns();
		}
		n = link_send(&s->link, load->payload, s->unsent);
		if (n < 0)
			return false;
		if (n == 0)
			return true;
		s->unsent -= (size_t)n;
		s->sent += (uint64_t)n;
	}
	return true;
}

static void
stream_step(struct lane *lane, struct stream *s)
{
	if (s->link.fd < 0 || (stream_receive(lane, s) && stream_send(lane, s)))
		return;
	lane->tally.errors++;
	link_close(&s->link);
}

void
lane_run_streams(struct lane *lane)
{
	struct stream *streams = calloc(lane->connections, sizeof *streams);
	struct epoll_event events[EVENTS];
	uint64_t now_ns;

	if (streams == NULL)
		die("calloc");
	for (unsigned i = 0; i < lane->connections; i++)
		stream_open(lane, &streams[i], lane->index + i);
	lane_wait_for_start();
	for (unsigned i = 0; i < lane->connections; i++)
		lane_watch(lane, streams[i].link.fd, &streams[i]);
	while (now_ns = clock_ns(), lane_continues(lane, now_ns)) {
		int n = epoll_wait(lane->epoll, events, EVENTS, PATIENCE_MS);

		for (int i = 0; i < n; i++)
			stream_step(lane, events[i].data.ptr);
	}
	for (unsigned i = 0; i < lane->connections; i++) {
		link_close(&streams[i].link);
		free(streams[i].begun_ns);
	}
	free(streams);
}
