/* Edges of input that is somebody's already: a fiber waits for it, or a relay carries it. */
#ifndef TESTS_EDGES_TAKEN_H
#define TESTS_EDGES_TAKEN_H

#include "edges_host.h"
#include "edges_io.h"

static struct sockd_conn edge_pair[2]; /* two streams, of which nothing has come */

EDGE(taken_read, sockd_read(on->r, edge_buf, 4))
EDGE(taken_receive, sockd_receive(on->r, edge_buf, 4, &edge_size))
EDGE(taken_read_full, sockd_read_full(on->r, edge_buf, 4))
EDGE(taken_read_until, sockd_read_until(on->r, "\n", 1, edge_buf, 4))
EDGE(taken_read_frame, sockd_read_frame(on->r, &edge_line, edge_buf, 4, &edge_size))
EDGE(taken_peek, sockd_peek(on->r, &edge_seen, 1))
EDGE(taken_look, sockd_peek(on->r, &edge_seen, 0))
EDGE(taken_discard, sockd_discard(on->r, SIZE_MAX))
EDGE(taken_readable, sockd_readable(on->r))
EDGE(taken_copy, sockd_copy(on->w, on->r))
EDGE(taken_move, sockd_move(on->w, on->r))
EDGE(taken_relay, sockd_relay(on->c, edge_pair[on->c.ref == edge_pair[0].ref]))
EDGE(taken_write, sockd_write(on->w, "", 0))

#define TAKEN(name, by, wanted)                                                   \
	{                                                                         \
#name " of input that is " #by, taken_##name, wanted, 0, 0, false \
	}

/* What never waits has nothing to say against another that does. */
static const struct edge edges_awaited[] = { TAKEN(readable, awaited, 0), TAKEN(discard, awaited, 0),
	TAKEN(look, awaited, 0), TAKEN(move, awaited, 0), TAKEN(read, awaited, -EBUSY),
	TAKEN(receive, awaited, -EBUSY), TAKEN(read_full, awaited, -EBUSY),
	TAKEN(read_until, awaited, -EBUSY), TAKEN(read_frame, awaited, -EBUSY), TAKEN(peek, awaited, -EBUSY),
	TAKEN(copy, awaited, -EBUSY), TAKEN(relay, awaited, -EBUSY), TAKEN(write, awaited, 0),
	{ NULL, NULL, 0, 0, 0, false } };
static const struct edge edges_relayed[] = { TAKEN(readable, relayed, 0), TAKEN(discard, relayed, -EBUSY),
	TAKEN(look, relayed, -EBUSY), TAKEN(move, relayed, -EBUSY), TAKEN(read, relayed, -EBUSY),
	TAKEN(receive, relayed, -EBUSY), TAKEN(read_full, relayed, -EBUSY),
	TAKEN(read_until, relayed, -EBUSY), TAKEN(read_frame, relayed, -EBUSY), TAKEN(peek, relayed, -EBUSY),
	TAKEN(copy, relayed, -EBUSY), TAKEN(relay, relayed, -EBUSY), TAKEN(write, relayed, 0),
	{ NULL, NULL, 0, 0, 0, false } };

/* ---- who takes it ---- */

static int
edge_await(struct sockd_host h, void *arg)
{
	char byte;

	(void)h, (void)arg;
	return sockd_read(sockd_conn_reader(edge_pair[0]), &byte, 1) < 0 ? errno : 0;
}

static int
edge_relay(struct sockd_host h, void *arg)
{
	(void)h, (void)arg;
	return sockd_relay(edge_pair[0], edge_pair[1]) < 0 ? errno : 0;
}

#endif
