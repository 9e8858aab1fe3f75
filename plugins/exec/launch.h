/* Starting a program whose standard input and output are one end of a socket pair. */
#ifndef EXEC_LAUNCH_H
#define EXEC_LAUNCH_H

#include <stdbool.h>
#include <sys/types.h>

#include <sockd/plugin.h>

enum { WORDS_MAX = 256 };

enum destination { TO_SOCKD, TO_CLIENT, TO_NOWHERE };

/** Its strings are lent by the settings until stop(). */
struct command {
	char *words[WORDS_MAX + 1];
	const char *folder; /* NULL: sockd's */
	const char *path;
	bool names; /* are looked up */
	enum destination errors;
};

/** Start it for that client; what goes wrong is logged. Fiber only.
 * @param ret_pid  a child of ours, which leads a group of its own; to be reaped
 * @return our end of the pair, the caller's; -1 */
int launch(struct sockd_conn c, const struct command *command, pid_t *ret_pid);

#endif
