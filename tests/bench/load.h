/* What the files of the load generator share. A lane is a thread with its share of the connections; it counts
 * in a tally of its own, and nothing is shared while the clock runs. */
#ifndef BENCH_LOAD_H
#define BENCH_LOAD_H

#include <stdint.h>
#include <time.h>

#include "histogram.h"
#include "link.h"
#include "server.h"
#include "target.h"

struct load {
	const char *mode, *url;
	struct target target;
	struct server server;
	size_t size;     /* bytes of a message, block or datagram */
	size_t window;   /* blocks: bytes a connection may have unanswered */
	unsigned flight; /* datagrams: how many a socket may have unanswered */
	unsigned connections, lanes;
	double seconds, warmup_s;
	bool resume;            /* TLS: offer the last session */
	unsigned char *payload; /* enough for any single write */
	uint64_t begin_ns, end_ns;
};

struct tally {
	uint64_t bytes, operations, errors, lost, resumed;
	struct histogram latency;
};

struct lane {
	const struct load *load; /* borrowed */
	unsigned index, connections;
	int epoll;
	bool measuring;            /* the warm-up is over */
	uint64_t begun_ns, end_ns; /* of what was measured */
	unsigned char *scratch;    /* SCRATCH bytes */
	SSL_SESSION *session;      /* owned; the last one, when resuming */
	struct tally tally;
};

enum { SCRATCH = 262144, EVENTS = 256, PATIENCE_MS = 20 };

static inline uint64_t
clock_ns(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (uint64_t)t.tv_sec * 1000000000u + (uint64_t)t.tv_nsec;
}

/** Start counting when the warm-up is over. @return false when the time is up */
bool lane_continues(struct lane *lane, uint64_t now_ns);
/** Edge-triggered, both ways, once for all. Dies if that fails. */
void lane_watch(struct lane *lane, int fd, void *data);
/** All lanes start together: call once connected, before the first byte that counts. */
void lane_wait_for_start(void);

void lane_run_streams(struct lane *lane);   /* blocks, roundtrips */
void lane_run_connects(struct lane *lane);  /* connects */
void lane_run_datagrams(struct lane *lane); /* datagrams */
/** idle: opens all connections on this thread, prints its own report. @return the exit status */
int idle_run(struct lane *lane);

/** The parts of a report that all modes have: {"mode":...  without the end. */
void report_begin(const struct load *load);

#endif
