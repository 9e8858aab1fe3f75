/* A leak is what grows in every round. Buffers, pools and caches grow too, but only until they have their
 * size: a round to warm up comes first, and one round without growth acquits. Which entry it was is found by
 * another round, of clients that say nothing: what leaks no more then is done where bytes are handled.
 *
 * Rounds are shorter for a script that takes long, so that the search costs seconds at most. */
#include "run/plugin_leak.h"

#include <errno.h>
#include <inttypes.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"
#include "run/plugin_play.h"

enum {
	CLIENTS_MAX = 250,
	CLIENTS_MIN = 20,
	ROUND_MS = 500, /* what a round may take, about */
	ROUNDS = 4,     /* that count, after the one that warms up */
	ROUNDS_SURE = 5,
	TRIALS = 5,     /* before it is known how long a client takes */
	LINGER_MS = 50, /* how long a client waits for the end that answers its own */
	STEADY_MS = 10,
	STEADY_TIMES = 5
};

static const char greeting[] = "0123456789";

struct search {
	struct plugin_daemon *daemon;
	const struct script *script;
	bool silent;          /* clients come and go, and say nothing */
	unsigned clients;     /* of a round */
	unsigned hurried;     /* clients that waited in vain for the end */
	struct peer datagram; /* the one client of a datagram transport: it needs no other */
};

/* ---- clients ---- */

/* Wait for the end, so that the plugin had its say; but not again and again for one that never comes. */
static void
linger(struct search *s, struct peer *p)
{
	int timeout_ms = p->timeout_ms;
	struct err ignored;

	if (s->hurried >= 3)
		return;
	p->timeout_ms = LINGER_MS;
	s->hurried += peer_expect_end(p, &ignored) == -ETIMEDOUT;
	p->timeout_ms = timeout_ms;
}

static int
play_own(struct search *s, struct peer *p, struct err *e)
{
	struct err ignored;
	int r = s->silent ? 0 : peer_send(p, greeting, sizeof greeting - 1, e);

	if (r == -EPIPE || r == -ECONNRESET)
		return 0; /* the plugin ended it first, as it may */
	if (r < 0 || p->target->datagrams)
		return r;
	if (peer_end(p, &ignored) == 0)
		linger(s, p);
	return 0;
}

static int
play_datagram(struct search *s, struct err *e)
{
	struct peer *p = &s->datagram;
	int r = p->fd >= 0 ? 0 : peer_connect(p, e);

	if (r == 0 && s->script != NULL && !s->silent)
		return play_steps(s->daemon, p, s->script, e);
	return r < 0 ? r : play_own(s, p, e);
}

static int
play_stream(struct search *s, struct err *e)
{
	struct peer p = { .target = &s->daemon->target, .fd = -1, .timeout_ms = s->daemon->timeout_ms };
	int r = peer_connect(&p, e);

	if (r == 0)
		r = s->script != NULL && !s->silent ? play_steps(s->daemon, &p, s->script, e)
						    : play_own(s, &p, e);
	peer_close(&p, false);
	return r;
}

static int
play(struct search *s, struct err *e)
{
	return s->daemon->target.datagrams ? play_datagram(s, e) : play_stream(s, e);
}

/* ---- rounds ---- */

static bool
is_same(const struct probe_figures *a, const struct probe_figures *b)
{
	return a->memory == b->memory && a->descriptors == b->descriptors && a->threads == b->threads &&
	       a->connections == b->connections;
}

/* What is under way takes its time: wait until no connection is open and nothing has changed for a while, or
 * until the time of a step is over. */
static int
settle(const struct search *s, struct probe_figures *ret, struct err *e)
{
	int64_t deadline_ms = clock_now_ms() + s->daemon->timeout_ms;
	struct probe_figures before;
	int r = plugin_daemon_measure(s->daemon, ret, e);

	for (int same = 0; r == 0 && clock_now_ms() < deadline_ms;) {
		before = *ret;
		(void)poll(NULL, 0, STEADY_MS);
		r = plugin_daemon_measure(s->daemon, ret, e);
		same = r == 0 && is_same(&before, ret) ? same + 1 : 0;
		if (same >= STEADY_TIMES && ret->connections == 0)
			break;
	}
	return r;
}

static int
play_round(struct search *s, struct probe_figures *ret, struct err *e)
{
	int r = 0;

	for (unsigned i = 0; i < s->clients && r == 0; i++)
		r = play(s, e);
	return r < 0 ? r : settle(s, ret, e);
}

static int64_t
less(int64_t a, int64_t b)
{
	return a < b ? a : b;
}

/* The fastest of the first clients tells how many a round can have. */
static int
warm_up(struct search *s, struct probe_figures *ret, struct err *e)
{
	int64_t each_ms = INT64_MAX;

	for (int i = 0; i < TRIALS; i++) {
		int64_t begin_ms = clock_now_ms();
		int r = play(s, e);

		if (r < 0)
			return r;
		each_ms = less(each_ms, clock_now_ms() - begin_ms);
	}
	s->clients = each_ms * CLIENTS_MAX <= ROUND_MS ? CLIENTS_MAX : (unsigned)(ROUND_MS / each_ms);
	if (s->clients < CLIENTS_MIN)
		s->clients = CLIENTS_MIN;
	return play_round(s, ret, e);
}

/* By how much each of @p rounds rounds has grown at least: zero or less is no leak. */
static int
growth(struct search *s, struct probe_figures *at, int rounds, struct probe_figures *ret, struct err *e)
{
	*ret = (struct probe_figures){ INT64_MAX, INT64_MAX, INT64_MAX, INT64_MAX };
	for (int i = 0; i < rounds; i++) {
		struct probe_figures after;
		int r = play_round(s, &after, e);

		if (r < 0)
			return r;
		ret->memory = less(ret->memory, after.memory - at->memory);
		ret->descriptors = less(ret->descriptors, after.descriptors - at->descriptors);
		ret->threads = less(ret->threads, after.threads - at->threads);
		ret->connections = less(ret->connections, after.connections - at->connections);
		*at = after;
		if (ret->connections > 0)
			break; /* each further round would wait in vain, too */
	}
	return 0;
}

/* ---- the verdict ---- */

/* A few bytes now and then are nobody's leak: a round has to leave a byte for each client behind. */
static bool
leaks_memory(const struct search *s, const struct probe_figures *g)
{
	return g->memory >= (int64_t)s->clients;
}

static bool
leaks(const struct search *s, const struct probe_figures *g)
{
	return g->connections > 0 || g->descriptors > 0 || g->threads > 0 || leaks_memory(s, g);
}

static const char *
blamed(const struct search *s, bool events, bool when_silent)
{
	if (!events)
		return "serve()";
	if (s->daemon->target.datagrams)
		return "datagram()";
	return when_silent ? "open(), eof() or close()" : "data()";
}

static int
tell_connections(const struct search *s, int64_t count, bool events, struct err *e)
{
	return err_set(e, -EBADF,
		"%s: %" PRId64 " of %u connections are still open %d ms after their clients left: %s",
		events ? "eof()" : "serve()", count, s->clients, s->daemon->timeout_ms,
		events ? "sockd_conn_close() is missing" : "it does not return when a read gives the end");
}

static int
tell(const struct search *s, const struct probe_figures *g, const char *entry, struct err *e)
{
	const char *what = s->daemon->target.datagrams ? "datagrams" : "connections";

	if (g->descriptors > 0)
		return err_set(e, -EBADF, "%s leaks %" PRId64 " descriptors in %u %s", entry, g->descriptors,
			s->clients, what);
	if (g->threads > 0)
		return err_set(e, -EBADF, "%s leaves %" PRId64 " threads behind in %u %s", entry, g->threads,
			s->clients, what);
	return err_set(e, -EBADF, "%s leaks %" PRId64 " bytes of memory in %u %s, %" PRId64 " for each",
		entry, g->memory, s->clients, what, g->memory / (int64_t)s->clients);
}

/* Memory alone may yet have an end: sockd itself keeps the results of the last 1,024 fibers that nobody
 * joins. So it has to grow for longer than that. */
static int
make_sure(struct search *s, struct probe_figures *at, struct probe_figures *g, struct err *e)
{
	if (!leaks_memory(s, g) || g->connections > 0 || g->descriptors > 0 || g->threads > 0)
		return 0;
	s->clients = CLIENTS_MAX;
	return growth(s, at, ROUNDS_SURE, g, e);
}

/* Something grows: by what, and does it as well when clients say nothing? */
static int
judge(struct search *s, struct probe_figures *at, const struct probe_figures *g, bool events, struct err *e)
{
	struct probe_figures silent;
	int r;

	if (g->connections > 0)
		return tell_connections(s, g->connections, events, e);
	if (s->daemon->target.datagrams)
		return tell(s, g, blamed(s, events, false), e);
	s->silent = true;
	r = growth(s, at, 2, &silent, e);
	return r < 0 ? r : tell(s, g, blamed(s, events, leaks(s, &silent)), e);
}

int
leak_search(struct plugin_daemon *d, const struct script *script, bool events, char ret_said[ERR_TEXT_SIZE],
	struct err *e)
{
	struct search s = { .daemon = d, .script = script };
	struct probe_figures at, grown;
	int r;

	s.datagram = (struct peer){ .target = &d->target, .fd = -1, .timeout_ms = d->timeout_ms };
	r = warm_up(&s, &at, e);
	if (r == 0)
		r = growth(&s, &at, ROUNDS, &grown, e);
	if (r == 0)
		r = make_sure(&s, &at, &grown, e);
	if (r == 0 && leaks(&s, &grown))
		r = judge(&s, &at, &grown, events, e);
	peer_close(&s.datagram, false);
	if (r == 0)
		snprintf(ret_said, ERR_TEXT_SIZE, "rounds of %u %s that leave nothing behind", s.clients,
			d->target.datagrams ? "datagrams" : "clients");
	return r;
}
