/* Short connections: each slot connects, shakes hands if it is TLS, has one message echoed, closes, and
 * begins again. */
#include "load.h"

#include <errno.h>
#include <stdlib.h>
#include <sys/epoll.h>

struct slot {
	struct link link; /* fd -1: the slot is free */
	size_t sent, received;
	uint64_t begun_ns;
};

static bool
slot_open(struct lane *lane, struct slot *s, unsigned number)
{
	int r;

	*s = (struct slot){ .begun_ns = clock_ns() };
	r = link_open(&s->link, &lane->load->target, number, lane->load->resume ? &lane->session : NULL);
	if (r == 0) {
		lane_watch(lane, s->link.fd, s);
		return true;
	}
	if (r != -EAGAIN)
		lane->tally.errors++;
	return false;
}

/* @return 1 when all of it came back, 0 when it has to wait, -1 when it failed */
static int
slot_exchange(struct lane *lane, struct slot *s)
{
	const struct load *load = lane->load;
	int r = link_handshake(&s->link);

	if (r <= 0)
		return r;
	while (s->sent < load->size) {
		ssize_t n = link_send(&s->link, load->payload, load->size - s->sent);

		if (n <= 0)
			return (int)n;
		s->sent += (size_t)n;
	}
	while (s->received < load->size) {
		ssize_t n = link_receive(
			&s->link, lane->scratch, load->size - s->received, load->target.transport == TCP);

		if (n <= 0)
			return (int)n;
		s->received += (size_t)n;
	}
	return 1;
}

static void
slot_step(struct lane *lane, struct slot *s)
{
	int r = s->link.fd < 0 ? 0 : slot_exchange(lane, s);

	if (r == 0)
		return;
	if (r < 0)
		lane->tally.errors++;
	else if (link_was_resumed(&s->link))
		lane->tally.resumed++;
	link_close(&s->link);
	if (r < 0)
		return;
	lane->tally.operations++;
	lane->tally.bytes += lane->load->size;
	histogram_add(&lane->tally.latency, clock_ns() - s->begun_ns);
}

void
lane_run_connects(struct lane *lane)
{
	struct slot *slots = calloc(lane->connections, sizeof *slots);
	unsigned number = lane->index * 31;
	struct epoll_event events[EVENTS];
	uint64_t now_ns;

	if (slots == NULL)
		die("calloc");
	for (unsigned i = 0; i < lane->connections; i++)
		slots[i].link.fd = -1;
	lane_wait_for_start();
	while (now_ns = clock_ns(), lane_continues(lane, now_ns)) {
		bool waiting = false;
		int n;

		for (unsigned i = 0; i < lane->connections; i++)
			if (slots[i].link.fd < 0 && !slot_open(lane, &slots[i], number++))
				waiting = true;
		n = epoll_wait(lane->epoll, events, EVENTS, waiting ? 1 : PATIENCE_MS);
		for (int i = 0; i < n; i++)
			slot_step(lane, events[i].data.ptr);
	}
	for (unsigned i = 0; i < lane->connections; i++)
		link_close(&slots[i].link);
	free(slots);
}
