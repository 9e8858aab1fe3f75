/* Connections that do nothing: what each of them costs the server, and whether it still answers. The first
 * hundred are opened before the measure begins, so that what a server allocates once is not counted. */
#include "load.h"

#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/epoll.h>

enum { BEFORE = 100, AT_ONCE = 128, SETTLE_MS = 1000 };

struct idler {
	struct link link;
	size_t sent, received;
	bool pending;
};

struct crowd {
	struct lane *lane;
	struct idler *idlers;
	unsigned active, answered;
};

/* @return 1 when all of it came back, 0 when it has to wait, -1 when it failed */
static int
idler_exchange(const struct crowd *c, struct idler *s)
{
	const struct load *load = c->lane->load;
	int r = link_handshake(&s->link);
	ssize_t n;

	if (r <= 0)
		return r;
	while (s->sent < load->size) {
		n = link_send(&s->link, load->payload, load->size - s->sent);
		if (n <= 0)
			return (int)n;
		s->sent += (size_t)n;
	}
	while (s->received < load->size) {
		n = link_receive(&s->link, c->lane->scratch, load->size - s->received, false);
		if (n <= 0)
			return (int)n;
		s->received += (size_t)n;
	}
	return 1;
}

static void
idler_step(struct crowd *c, struct idler *s)
{
	int r = s->pending ? idler_exchange(c, s) : 0;

	if (r == 0)
		return;
	s->pending = false;
	c->active--;
	if (r > 0)
		c->answered++;
	else
		link_close(&s->link);
}

static void
idler_begin(struct crowd *c, struct idler *s, unsigned number)
{
	if (s->link.fd < 0) {
		int r = link_open(&s->link, &c->lane->load->target, number, NULL);

		while (r == -EAGAIN) {
			poll(NULL, 0, 1); /* a full backlog */
			r = link_open(&s->link, &c->lane->load->target, number, NULL);
		}
		errno = -r;
		if (r < 0)
			die("connect");
		lane_watch(c->lane, s->link.fd, s);
	}
	s->sent = s->received = 0;
	s->pending = true;
	c->active++;
	idler_step(c, s);
}

/* One message each on the connections from @p first up to @p end, opened if need be. @return the answers */
static unsigned
crowd_exchange(struct crowd *c, unsigned first, unsigned end)
{
	struct epoll_event events[EVENTS];

	c->answered = 0;
	while (first < end || c->active > 0) {
		int n;

		for (; first < end && c->active < AT_ONCE; first++)
			idler_begin(c, &c->idlers[first], first);
		n = epoll_wait(c->lane->epoll, events, EVENTS, 5000);
		if (n == 0)
			break; /* who has not answered by now is counted as dead */
		for (int i = 0; i < n; i++)
			idler_step(c, events[i].data.ptr);
	}
	return c->answered;
}

int
idle_run(struct lane *lane)
{
	const struct load *load = lane->load;
	struct crowd c = { .lane = lane, .idlers = calloc(load->connections, sizeof *c.idlers) };
	unsigned before = load->connections > 10 * BEFORE ? BEFORE : load->connections / 10, alive;
	double empty_kib, base_kib, full_kib, cpu_s;
	uint64_t begun_ns;

	if (c.idlers == NULL)
		die("calloc");
	for (unsigned i = 0; i < load->connections; i++)
		c.idlers[i].link.fd = -1;
	empty_kib = server_memory_kib(&load->server);
	crowd_exchange(&c, 0, before);
	poll(NULL, 0, SETTLE_MS);
	base_kib = server_memory_kib(&load->server);
	begun_ns = clock_ns();
	crowd_exchange(&c, before, load->connections);
	begun_ns = clock_ns() - begun_ns;
	poll(NULL, 0, SETTLE_MS);
	full_kib = server_memory_kib(&load->server);
	cpu_s = server_cpu_s(&load->server);
	poll(NULL, 0, SETTLE_MS);
	cpu_s = server_cpu_s(&load->server) - cpu_s;
	alive = crowd_exchange(&c, 0, load->connections);
	report_begin(load);
	printf(",\"rate\":%.0f,\"unit\":\"B/connection\",\"empty_kib\":%.0f,\"full_kib\":%.0f",
		(full_kib - base_kib) * 1024 / (load->connections - before), empty_kib, full_kib);
	printf(",\"open_per_s\":%.0f,\"idle_cpu\":%.4f,\"alive\":%u,\"errors\":%u}\n",
		(load->connections - before) / ((double)begun_ns / 1e9), cpu_s * 1000 / SETTLE_MS, alive,
		load->connections - alive);
	for (unsigned i = 0; i < load->connections; i++)
		link_close(&c.idlers[i].link);
	free(c.idlers);
	return alive == load->connections ? 0 : 1;
}
