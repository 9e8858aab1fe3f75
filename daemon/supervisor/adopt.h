/* The first moments of a supervisor that another one has become by execve(): it takes over all that the other
 * had, or the other comes back. Until adopt_commit() everything that goes wrong (an error, a crash, an exit,
 * silence for ten seconds) executes the old program again, which finds every descriptor as it was. */
#ifndef SUPERVISOR_ADOPT_H
#define SUPERVISOR_ADOPT_H

#include "base/cleanup.h"
#include "base/err.h"
#include "base/log.h"
#include "control/snapshot.h"
#include "supervisor/state.h"

enum { ADOPT_PATIENCE_S = 10 };

struct adopt {
	struct state_reader state;
	int fd;          /* owned: of the state */
	const char *why; /* why it came back; NULL: it did not */
	/* What stands at the front of the state. */
	char *exe_path; /* owned */
	int64_t started_ms;
	int log_level; /* the command line's, or -1 */
	int log_fd;    /* owned until taken */
	enum log_protocol log_protocol;
	bool log_json;
	struct snapshot *snapshot; /* owned until taken */
};

struct adopt_head {
	const char *exe_path;
	int64_t started_ms;
	int log_level;
	int log_fd;
	enum log_protocol log_protocol;
	bool log_json;
	const struct snapshot *snapshot;
};
void adopt_pack_head(struct state_writer *w, const struct adopt_head *h);

/** From here on whatever goes wrong brings the program @p old_fd back, with the state in @p state_fd. Both
 * stay open until adopt_commit(). */
void adopt_guard(int old_fd, int state_fd);

/** Read the front of the state in @p fd, which moves on success. @p why: this is the old program, come back.
 * @return 0, or a negative errno with text */
must_check int adopt_open(int fd, bool rehearsal, const char *why, struct adopt *ret, struct err *e);

/** Bring it back now, if there is one. Returns if there is none, or it cannot be executed. */
void adopt_roll_back(const char *why);

/** All went well: no way back any more. */
void adopt_commit(struct adopt *a);

void adopt_fini(struct adopt *a);

/** The path of the program that runs; from malloc(). NULL: unknown, and then nothing can be upgraded. */
char *adopt_program(void);

/** Execute the program of @p exec_fd in this process, with the state in @p state_fd: forward, leaving @p
 * old_fd to come back by, or back (@p old_fd -1; @p why says what went wrong). @return a negative errno: it
 * did not work */
int adopt_exec(int exec_fd, int state_fd, int old_fd, const char *why);

#endif
