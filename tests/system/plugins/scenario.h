/* A test plugin made of scenarios: the client sends a scenario's name and a newline, the plugin runs it on
 * the connection's own fiber and answers "ok" or what did not hold. The same over every transport. One
 * scenario runs at a time. */
#ifndef TESTS_SCENARIO_H
#define TESTS_SCENARIO_H

#include <sockd/plugin.h>

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

struct scenario {
	const char *name;
	void (*run)(struct sockd_conn c, struct sockd_reader r, struct sockd_writer w);
};

static char failure[400];

static inline void
scenario_fail(int line, const char *what)
{
	if (failure[0] == '\0')
		snprintf(failure, sizeof failure, "line %d: %.200s (errno %d: %s)", line, what, errno,
			strerror(errno));
}

#define HOLDS(condition) ((condition) ? 1 : (scenario_fail(__LINE__, #condition), 0))
#define CHECK(condition)               \
	do {                           \
		if (!HOLDS(condition)) \
			return;        \
	} while (0)
#define FAILS(call, error) (errno = 0, (call) == -1 && errno == (error))

static inline void
scenario_run(const struct scenario *all, const char *name, struct sockd_conn c, struct sockd_reader r,
	struct sockd_writer w)
{
	failure[0] = '\0';
	for (; all->name != NULL; all++)
		if (strcmp(all->name, name) == 0) {
			all->run(c, r, w);
			return;
		}
	snprintf(failure, sizeof failure, "there is no scenario '%s'", name);
}

/* Serve one client, or datagrams, with the scenarios of a table. */
static inline void
scenario_serve(const struct scenario *all, struct sockd_conn c, struct sockd_reader r, struct sockd_writer w)
{
	const struct sockd_framing line = { sizeof line, SOCKD_FRAME_DELIMITER, 0, 0, 0, '\n', 0 };
	char name[65];
	size_t n;

	while (sockd_read_frame(r, &line, name, sizeof name - 1, &n) > 0) {
		name[n] = '\0';
		scenario_run(all, name, c, r, w);
		if (failure[0] == '\0')
			(void)sockd_write(w, "ok\n", 3);
		else
			(void)sockd_write(w, failure, strlen(failure));
	}
}

#endif
