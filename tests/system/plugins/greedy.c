/* The client's first byte says what its fiber does for ever: write, read, copy; or answer how many bytes the
 * greedy ones moved at most before another fiber had its turn. */
#include <sockd/plugin.h>

#include <errno.h>
#include <stdint.h>

enum { PIECE = 4096 };

static char go, moved;
static bool told_to_go;
static uint64_t in_turn, most_in_turn;

/* A fiber that runs whenever the greedy ones let others run. */
static int
hear(struct sockd_host h, void *arg)
{
	(void)arg;
	while (sockd_wait(h, &moved, SOCKD_FOREVER) == 0)
		in_turn = 0;
	return 0;
}

static void
count(struct sockd_host h, size_t bytes)
{
	in_turn += bytes;
	if (in_turn > most_in_turn)
		most_in_turn = in_turn;
	(void)sockd_wake(h, &moved);
}

static void
write_for_ever(struct sockd_host h, struct sockd_writer w)
{
	static const char bytes[PIECE];
	ssize_t n;

	while ((n = sockd_write(w, bytes, sizeof bytes)) > 0)
		count(h, (size_t)n);
}

/* Once the client has filled the way here. */
static void
read_for_ever(struct sockd_host h, struct sockd_reader r)
{
	static char bytes[PIECE];
	ssize_t n;

	while (!told_to_go && sockd_wait(h, &go, SOCKD_FOREVER) == 0)
		;
	while ((n = sockd_read(r, bytes, sizeof bytes)) > 0)
		count(h, (size_t)n);
}

static void
answer(struct sockd_host h, struct sockd_reader r, struct sockd_writer w)
{
	char what;

	while (sockd_read(r, &what, 1) == 1) {
		told_to_go |= what == 'g';
		(void)sockd_wake(h, &go);
		if (sockd_write(w, &most_in_turn, sizeof most_in_turn) < 0)
			return;
	}
}

static void
serve(struct sockd_conn c, struct sockd_reader r, struct sockd_writer w)
{
	struct sockd_host h = sockd_conn_host(c);
	char what;

	if (sockd_read(r, &what, 1) != 1 || sockd_spawn(h, hear, NULL) == 0)
		return;
	switch (what) {
	case 'w':
		write_for_ever(h, w);
		break;
	case 'r':
		read_for_ever(h, r);
		break;
	case 'c':
		(void)sockd_copy(w, r);
		break;
	default:
		answer(h, r, w);
	}
}

SOCKD_EXPORT const struct sockd_plugin sockd_plugin = { SOCKD_PLUGIN_INIT, .name = "greedy", .version = "1.0",
	.transports = SOCKD_STREAMS, .serve = serve };
