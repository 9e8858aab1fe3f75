/* Datagrams: each socket keeps a number of them unanswered. Every one carries its socket's round and the time
 * it left; when nothing has come for RESEND_NS, what is out counts as lost, and a new round begins. */
#include "load.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>

enum { BATCH = 64, RESEND_NS = 200000000, SCAN_NS = 20000000 };

struct stamp {
	uint64_t round, sent_ns;
};

struct caller {
	struct link link;
	unsigned out; /* unanswered */
	uint64_t round, heard_ns;
};

struct post {
	struct mmsghdr in[BATCH], out[BATCH];
	struct iovec in_parts[BATCH], out_parts[BATCH];
	unsigned char *in_bytes, *out_bytes;
};

static struct post *
post_new(const struct load *load)
{
	struct post *p = calloc(1, sizeof *p);

	if (p == NULL)
		die("calloc");
	p->in_bytes = calloc(BATCH, load->size);
	p->out_bytes = calloc(BATCH, load->size);
	if (p->in_bytes == NULL || p->out_bytes == NULL)
		die("calloc");
	for (size_t i = 0; i < BATCH; i++) {
		p->in_parts[i] = (struct iovec){ p->in_bytes + i * load->size, load->size };
		p->out_parts[i] = (struct iovec){ p->out_bytes + i * load->size, load->size };
		p->in[i].msg_hdr = (struct msghdr){ .msg_iov = &p->in_parts[i], .msg_iovlen = 1 };
		p->out[i].msg_hdr = (struct msghdr){ .msg_iov = &p->out_parts[i], .msg_iovlen = 1 };
	}
	return p;
}

static void
post_free(struct post *p)
{
	free(p->in_bytes);
	free(p->out_bytes);
	free(p);
}

static void
caller_send(struct lane *lane, struct caller *c, struct post *p)
{
	while (c->out < lane->load->flight) {
		unsigned count = lane->load->flight - c->out;
		struct stamp stamp = { .round = c->round, .sent_ns = clock_ns() };
		int n;

		if (count > BATCH)
			count = BATCH;
		for (unsigned i = 0; i < count; i++)
			memcpy(p->out_parts[i].iov_base, &stamp, sizeof stamp);
		n = sendmmsg(c->link.fd, p->out, count, 0);
		if (n < 0 && errno != EAGAIN)
			lane->tally.errors++;
		if (n <= 0)
			return; /* EAGAIN: an edge will tell; otherwise the next round tries again */
		c->out += (unsigned)n;
	}
}

static void
caller_receive(struct lane *lane, struct caller *c, struct post *p)
{
	int n;

	do {
		uint64_t now_ns;

		n = recvmmsg(c->link.fd, p->in, BATCH, MSG_DONTWAIT, NULL);
		now_ns = clock_ns();
		for (int i = 0; i < n; i++) {
			struct stamp stamp;

			memcpy(&stamp, p->in_parts[i].iov_base, sizeof stamp);
			if (p->in[i].msg_len != lane->load->size) {
				lane->tally.errors++;
				continue;
			}
			if (stamp.round != c->round || c->out == 0)
				continue; /* counted as lost before */
			c->out--;
			c->heard_ns = now_ns;
			lane->tally.operations++;
			lane->tally.bytes += lane->load->size;
			histogram_add(&lane->tally.latency, now_ns - stamp.sent_ns);
		}
	} while (n == BATCH);
}

static void
scan(struct lane *lane, struct caller *callers, struct post *p)
{
	uint64_t now_ns = clock_ns();

	for (unsigned i = 0; i < lane->connections; i++) {
		struct caller *c = &callers[i];

		if (now_ns - c->heard_ns < RESEND_NS)
			continue;
		lane->tally.lost += c->out;
		c->out = 0;
		c->round++;
		c->heard_ns = now_ns;
		caller_send(lane, c, p);
	}
}

void
lane_run_datagrams(struct lane *lane)
{
	struct caller *callers = calloc(lane->connections, sizeof *callers);
	struct post *p = post_new(lane->load);
	uint64_t now_ns, scanned_ns = clock_ns();
	struct epoll_event events[EVENTS];

	if (callers == NULL)
		die("calloc");
	for (unsigned i = 0; i < lane->connections; i++) {
		errno = -link_open(&callers[i].link, &lane->load->target, i, NULL);
		if (errno != 0)
			die("connect");
		callers[i].heard_ns = scanned_ns;
	}
	lane_wait_for_start();
	for (unsigned i = 0; i < lane->connections; i++)
		lane_watch(lane, callers[i].link.fd, &callers[i]);
	while (now_ns = clock_ns(), lane_continues(lane, now_ns)) {
		int n = epoll_wait(lane->epoll, events, EVENTS, PATIENCE_MS);

		for (int i = 0; i < n; i++) {
			caller_receive(lane, events[i].data.ptr, p);
			caller_send(lane, events[i].data.ptr, p);
		}
		if (now_ns - scanned_ns < SCAN_NS)
			continue;
		scanned_ns = now_ns;
		scan(lane, callers, p);
	}
	for (unsigned i = 0; i < lane->connections; i++)
		link_close(&callers[i].link);
	post_free(p);
	free(callers);
}
