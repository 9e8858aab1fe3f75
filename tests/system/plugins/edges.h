/* What the calls of the interface say at their edges: no room, nothing, nowhere, nonsense, a handle that is
 * gone. The same tables run on a real daemon (test_edges.py) and on the fakes (tests/plugins/test_edges.c),
 * which so can't come apart.
 *
 * A client has sent "abcdef". No row takes a byte of that, whatever it asks for, which is looked at in the
 * end. */
#ifndef TESTS_EDGES_H
#define TESTS_EDGES_H

#include <sockd/plugin.h>

#include <errno.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

enum {
	SKIPPED = -9999, /* the row takes something there, or waits, or ends the connection */
	IS_THERE = 1,    /* a pointer, a handle, an id, a number that is not 0 */
};

struct edge_on {
	struct sockd_conn c;
	struct sockd_reader r;
	struct sockd_writer w;
	struct sockd_host h;
};

struct edge {
	const char *name;
	int64_t (*call)(const struct edge_on *on);
	int64_t stream, datagrams, dialled; /* what comes: -errno, or the result; dialled: by udp:// */
	bool needs_fiber;                   /* in event style it is EDEADLK, but for ENOTSUP */
};

/* The function of a row. */
#define EDGE(name, result)                                \
	static int64_t name(const struct edge_on *on)     \
	{                                                 \
		int64_t got;                              \
                                                          \
		errno = 0;                                \
		got = (int64_t)(result);                  \
		return got == -1 ? -(int64_t)errno : got; \
	}

static int64_t
edge_if(bool there)
{
	return there ? IS_THERE : -(int64_t)errno;
}

static char edge_buf[64];
static size_t edge_size;
static const void *edge_seen;
static int edge_pipe[2];
static FILE *edge_file; /* regular, and empty */

static bool
edges_begin(void)
{
	edge_file = edge_file != NULL ? edge_file : tmpfile();
	return edge_file != NULL && (edge_pipe[0] > 0 || pipe(edge_pipe) == 0);
}

#endif
