/* Running the tables of edges, in both styles, and telling what was otherwise than it says there. */
#ifndef TESTS_EDGES_RUN_H
#define TESTS_EDGES_RUN_H

#include "edges_host.h"
#include "edges_io.h"
#include "edges_taken.h"

static char edge_report[8192];
static struct sockd_host edge_instance; /* what start() was given */

static inline int
edges_start(struct sockd_host h, const struct sockd_settings *s, void **ret, struct sockd_error *e)
{
	(void)s, (void)ret, (void)e;
	edge_instance = h;
	return 0;
}

static inline void
edge_say(const char *name, const char *where, int64_t got, int64_t wanted)
{
	size_t n = strlen(edge_report);

	if (got != wanted)
		snprintf(edge_report + n, sizeof edge_report - n, "%s on %s: %lld (%s), not %lld (%s)\n",
			name, where, (long long)got, got < 0 ? strerror((int)-got) : "", (long long)wanted,
			wanted < 0 ? strerror((int)-wanted) : "");
}

static inline void
edges_run(const struct edge *all, struct sockd_conn c, struct sockd_host h, bool dialled, bool fiber)
{
	bool stream = (SOCKD_STREAMS & 1u << sockd_conn_transport(c)) != 0;
	const struct edge_on on = { c, sockd_conn_reader(c), sockd_conn_writer(c), h };

	for (const struct edge *e = all; e->name != NULL; e++) {
		int64_t wanted = stream ? e->stream : dialled ? e->dialled : e->datagrams;

		if (wanted == SKIPPED)
			continue;
		if (e->needs_fiber && !fiber && wanted != -ENOTSUP)
			wanted = -EDEADLK;
		edge_say(e->name,
			stream    ? "a stream"
			: dialled ? "dialled udp"
				  : "datagrams",
			e->call(&on), wanted);
	}
}

/* "abcdef" is there. */
static inline void
edges_of(struct sockd_conn c, bool dialled, bool fiber)
{
	struct sockd_reader r = sockd_conn_reader(c);

	if (!edges_begin() || sockd_peek(r, &edge_seen, 6) != 6)
		edge_say("setup", "the test", 0, 1);
	edges_run(edges_io, c, sockd_conn_host(c), dialled, fiber);
	edges_run(edges_host, c, sockd_conn_host(c), dialled, fiber);
	edges_run(edges_instance, c, edge_instance, dialled, fiber);
	if (sockd_peek(r, &edge_seen, 6) != 6 || memcmp(edge_seen, "abcdef", 6) != 0)
		edge_say("input", "the test: something was taken", 0, 1);
}

static inline void
edges_of_gone(struct sockd_host own, struct sockd_conn c)
{
	const struct edge_on on = { c, sockd_conn_reader(c), sockd_conn_writer(c), sockd_conn_host(c) };

	(void)sockd_conn_close(c);
	while (sockd_conn_transport(c) != -1)
		(void)sockd_sleep(own, 1);
	for (const struct edge *e = edges_gone; e->name != NULL; e++)
		edge_say(e->name, "a handle kept too long", e->call(&on), e->stream);
}

/* While one fiber has the input of @p c, and with a relay that of @p up. */
static inline void
edges_of_taken(const struct edge *all, sockd_fiber_fn take, struct sockd_conn c, struct sockd_conn up)
{
	struct sockd_host h = sockd_conn_host(c);
	uint64_t id;

	edge_pair[0] = c;
	edge_pair[1] = up;
	id = sockd_spawn(h, take, NULL);
	(void)sockd_join(h, sockd_spawn(h, edge_fiber, NULL)); /* which runs behind it */
	edges_run(all, c, h, false, true);
	if (take == edge_relay)
		edges_run(all, up, h, false, true);
	if (sockd_cancel(h, id) < 0 || sockd_join(h, id) != ECANCELED)
		edge_say("cancel", "whoever had the input", 0, 1);
}

/* A fiber that waits for input has the end once another closes it. */
static inline void
edges_of_closed(struct sockd_host h, struct sockd_conn up)
{
	uint64_t id;

	edge_pair[0] = up;
	id = sockd_spawn(h, edge_await, NULL);
	(void)sockd_join(h, sockd_spawn(h, edge_fiber, NULL));
	if (sockd_close_read(sockd_conn_reader(up)) < 0 || sockd_join(h, id) != 0)
		edge_say("close_read", "what another fiber waits for", 0, 1);
}

static inline void
edges_answer(struct sockd_writer w)
{
	if (edge_report[0] == '\0')
		strcpy(edge_report, "ok\n");
	(void)sockd_write(w, edge_report, strlen(edge_report));
	edge_report[0] = '\0';
}

/* ---- straight-line code ---- */

/* Two who echo: one that is reached by datagrams, and a stream that is closed again. */
static inline void
edges_of_dialled(struct sockd_conn c)
{
	struct sockd_host h = sockd_conn_host(c);
	const struct sockd_settings *s = sockd_host_settings(h);
	struct sockd_conn up = sockd_dial(h, sockd_setting_string(s, "datagrams"), NULL);

	if (sockd_null(up) || sockd_write(sockd_conn_writer(up), "abcdef", 6) != 6)
		edge_say("dial", "udp", -errno, 0);
	edges_of(up, true, true);
	(void)sockd_conn_close(up);
	up = sockd_dial(h, sockd_setting_string(s, "stream"), NULL);
	if (sockd_null(up))
		edge_say("dial", "tcp", -errno, 0);
	edges_of_taken(edges_awaited, edge_await, c, up);
	edges_of_taken(edges_relayed, edge_relay, c, up);
	edges_of_closed(h, up);
	edges_of_gone(h, up);
}

static inline void
edges_serve(struct sockd_conn c, struct sockd_reader r, struct sockd_writer w)
{
	char first[5];

	if (sockd_read_full(r, first, 5) != 1)
		return;
	if (memcmp(first, "edges", 5) == 0)
		edges_of(c, false, true);
	else
		edges_of_dialled(c);
	edges_answer(w);
	(void)sockd_discard(r, SIZE_MAX);
}

/* ---- events ---- */

static inline void
edges_data(struct sockd_conn c, struct sockd_reader r, struct sockd_writer w)
{
	if (sockd_readable(r) < 6)
		return;
	edges_of(c, false, false);
	edges_answer(w);
	(void)sockd_discard(r, SIZE_MAX);
}

static const struct sockd_option edges_options[] = { { "datagrams", SOCKD_T_STRING, 0, "udp://127.0.0.1:9", 0,
							     0, NULL, "Who echoes datagrams." },
	{ "stream", SOCKD_T_STRING, 0, "tcp://127.0.0.1:9", 0, 0, NULL, "Who takes streams." }, { 0 } };

#endif
