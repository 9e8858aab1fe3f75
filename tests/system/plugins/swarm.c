/* Two dozen fibers a connection: they write, take turns, join, dial, work on pool threads, are cancelled, and
 * some are left behind. What they send can be checked to the byte; a gauge tells how many there are. */
#include <sockd/plugin.h>

#include <errno.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

enum {
	WRITERS = 8,
	PLAYERS = 4,
	JOINERS = 3,
	SLEEPERS = 3,
	DIALLERS = 2,
	WORKERS = 2,
	LEFT_BEHIND = 2,
	FIBERS = WRITERS + PLAYERS + JOINERS + SLEEPERS + DIALLERS + WORKERS + LEFT_BEHIND,
	FRAMES = 6, /* of each writer; the last is larger than any buffer */
	LARGE = 70000,
	ROUNDS = 20,
	HEADER = 8,
};

struct member {
	struct swarm *swarm;
	unsigned number;
	int (*run)(struct sockd_host h, struct member *m);
};

/* Of one connection; its fibers may use it until close(). */
struct swarm {
	struct sockd_writer w;
	struct member members[FIBERS];
	uint64_t ids[FIBERS];
	unsigned begun, ended;
	unsigned turn; /* of the players */
	char never;
};

static void
wrong(struct sockd_host h, const char *what)
{
	(void)sockd_log(h, SOCKD_LOG_ERROR, "swarm_wrong", "%s", what);
}

/* ---- frames: a letter, a number, a length, and bytes that follow from them ---- */

static size_t
frame_size(unsigned number, unsigned sequence)
{
	return sequence == FRAMES - 1 ? LARGE : (number * 977 + sequence * 3571) % 6000;
}

static void
frame_fill(unsigned char *frame, unsigned number, unsigned sequence, size_t size)
{
	unsigned first = ('a' + number) * 31 + sequence * 7;

	frame[0] = (unsigned char)('a' + number);
	frame[1] = (unsigned char)sequence;
	frame[2] = frame[3] = 0;
	for (unsigned i = 0; i < 4; i++)
		frame[4 + i] = (unsigned char)(size >> (24 - 8 * i));
	for (size_t i = 0; i < size; i++)
		frame[HEADER + i] = (unsigned char)(first + i);
}

/* @return 0 or an errno */
static int
send_frame(struct sockd_writer w, unsigned number, unsigned sequence, size_t size)
{
	unsigned char *frame = malloc(HEADER + size);
	int error = ENOMEM;

	if (frame == NULL)
		return error;
	frame_fill(frame, number, sequence, size);
	error = sockd_write(w, frame, HEADER + size) == (ssize_t)(HEADER + size) ? 0 : errno;
	free(frame);
	return error;
}

/* ---- what the fibers do; each returns 0, or the errno that ended it ---- */

static int
write_frames(struct sockd_host h, struct member *m)
{
	int error = 0;

	for (unsigned i = 0; i < FRAMES && error == 0; i++) {
		if (i % 2 == 1 && sockd_sleep(h, 1) < 0 && errno != ESHUTDOWN)
			return errno;
		error = send_frame(m->swarm->w, m->number, i, frame_size(m->number, i));
	}
	return error;
}

static int
take_turns(struct sockd_host h, struct member *m)
{
	struct swarm *s = m->swarm;

	for (unsigned i = 0; i < ROUNDS; i++) {
		while (s->turn % PLAYERS != m->number % PLAYERS)
			if (sockd_wait(h, &s->turn, SOCKD_FOREVER) < 0 && errno != ESHUTDOWN)
				return errno;
		s->turn++;
		(void)sockd_wake(h, &s->turn);
	}
	return 0;
}

/* The first writers are joined here, and nowhere else. */
static int
join_writer(struct sockd_host h, struct member *m)
{
	return sockd_join(h, m->swarm->ids[m->number % JOINERS]);
}

static int
sleep_for_ever(struct sockd_host h, struct member *m)
{
	(void)m;
	while (sockd_sleep(h, SOCKD_FOREVER) == 0 || errno == ESHUTDOWN)
		;
	return errno;
}

/* One of them leaves its connection to the end of the scope. */
static int
dial_echo(struct sockd_host h, struct member *m)
{
	const char *url = sockd_setting_string(sockd_host_settings(h), "upstream");
	struct sockd_conn up = sockd_dial(h, url, NULL);
	unsigned char sent[4000], got[sizeof sent];

	if (sockd_null(up))
		return errno;
	for (unsigned i = 0; i < 5; i++) {
		memset(sent, (int)(m->number + i), sizeof sent);
		memset(got, 0, sizeof got);
		if (sockd_write(sockd_conn_writer(up), sent, sizeof sent) < 0)
			return errno;
		if (sockd_read_full(sockd_conn_reader(up), got, sizeof got) != 1)
			return errno != 0 ? errno : ECONNRESET;
		if (memcmp(sent, got, sizeof got) != 0)
			wrong(h, "an echo came back changed");
	}
	if (m->number % 2 == 0)
		(void)sockd_conn_close(up);
	return 0;
}

struct work {
	unsigned number;
	unsigned char frame[HEADER + 1000];
};

static int
fill_frame(void *arg)
{
	struct work *work = arg;

	frame_fill(work->frame, work->number, 0, sizeof work->frame - HEADER);
	return 0;
}

static int
work_elsewhere(struct sockd_host h, struct member *m)
{
	struct work work = { .number = m->number };

	while (sockd_offload(h, NULL, fill_frame, &work) < 0)
		if (errno != EAGAIN || (sockd_sleep(h, 1) < 0 && errno != ESHUTDOWN))
			return errno;
	return sockd_write(m->swarm->w, work.frame, sizeof work.frame) == (ssize_t)sizeof work.frame ? 0
												     : errno;
}

static int
stay_behind(struct sockd_host h, struct member *m)
{
	while (sockd_wait(h, &m->swarm->never, SOCKD_FOREVER) == 0 || errno == ESHUTDOWN)
		;
	return errno;
}

static const struct role {
	int (*run)(struct sockd_host h, struct member *m);
	unsigned count;
} roles[] = { { write_frames, WRITERS }, { take_turns, PLAYERS }, { join_writer, JOINERS },
	{ sleep_for_ever, SLEEPERS }, { dial_echo, DIALLERS }, { work_elsewhere, WORKERS },
	{ stay_behind, LEFT_BEHIND } };

/* ---- the swarm ---- */

static int
live(struct sockd_host h, void *arg)
{
	struct member *m = arg;
	uint64_t gauge = *(const uint64_t *)sockd_host_instance(h);
	int result;

	m->swarm->begun++;
	(void)sockd_metric_add(h, gauge, 1);
	result = m->run(h, m);
	(void)sockd_metric_add(h, gauge, -1);
	m->swarm->ended++;
	return result;
}

/* @return how many were started */
static unsigned
spawn_all(struct sockd_host h, struct swarm *s)
{
	unsigned number = 0;

	for (size_t i = 0; i < sizeof roles / sizeof roles[0]; i++)
		for (unsigned k = 0; k < roles[i].count; k++, number++) {
			s->members[number] = (struct member){ s, number, roles[i].run };
			s->ids[number] = sockd_spawn(h, live, &s->members[number]);
			if (s->ids[number] == 0)
				return number;
		}
	return number;
}

/* @return whether all ended as they should */
static bool
join_all(struct sockd_host h, struct swarm *s)
{
	bool well = true;

	for (unsigned i = JOINERS; i < FIBERS - LEFT_BEHIND; i++) {
		int expected = s->members[i].run == sleep_for_ever ? ECANCELED : 0;

		well &= sockd_join(h, s->ids[i]) == expected;
	}
	return well && s->turn == PLAYERS * ROUNDS;
}

static void
serve(struct sockd_conn c, struct sockd_reader r, struct sockd_writer w)
{
	struct sockd_host h = sockd_conn_host(c);
	struct swarm *s = calloc(1, sizeof *s);
	char byte;

	if (s == NULL)
		return;
	s->w = w;
	(void)sockd_conn_set_data(c, s);
	if (sockd_read(r, &byte, 1) != 1)
		return;
	if (spawn_all(h, s) != FIBERS)
		return;
	(void)sockd_sleep(h, 1);
	for (unsigned i = 0; i < FIBERS; i++)
		if (s->members[i].run == sleep_for_ever)
			(void)sockd_cancel(h, s->ids[i]);
	if (join_all(h, s))
		(void)send_frame(w, 'z' - 'a', 0, 0); /* only then */
}

static void
on_close(struct sockd_conn c, int reason)
{
	struct swarm *s = sockd_conn_data(c);

	(void)reason;
	if (s != NULL && s->begun != s->ended)
		wrong(sockd_conn_host(c), "a fiber has outlived its scope");
	free(s);
}

static int
start(struct sockd_host h, const struct sockd_settings *settings, void **ret_instance, struct sockd_error *e)
{
	uint64_t *gauge = malloc(sizeof *gauge);

	(void)settings;
	if (gauge != NULL)
		*gauge = sockd_metric_register(h, 2, "swarm_fibers", "Fibers that run.");
	*ret_instance = gauge;
	return gauge != NULL && *gauge != 0 ? 0 : sockd_error_set(e, NULL, "no gauge");
}

static void
stop(void *instance)
{
	free(instance);
}

static const struct sockd_option options[] = {
	{ "upstream", SOCKD_T_URL, 1, NULL, 0, 0, NULL, "An echo server." }, { 0 }
};

SOCKD_EXPORT const struct sockd_plugin sockd_plugin = { SOCKD_PLUGIN_INIT, .name = "swarm", .version = "1.0",
	.transports = SOCKD_STREAMS, .options = options, .start = start, .stop = stop, .serve = serve,
	.close = on_close };
