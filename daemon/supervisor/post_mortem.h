/* What a worker was doing when it died, or is doing now, read from memory that it wrote. */
#ifndef SUPERVISOR_POST_MORTEM_H
#define SUPERVISOR_POST_MORTEM_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "base/cleanup.h"
#include "base/err.h"
#include "control/watch.h"
#include "supervisor/excuse.h"

struct post_mortem;

/** Memory for a worker with so many loops. @return 0, or a negative errno with text */
must_check int post_mortem_new(unsigned loops, struct post_mortem **ret, struct err *e);
/** The memory of one that another supervisor started. @param fd  moves, on failure too */
must_check int post_mortem_adopt(int fd, unsigned loops, struct post_mortem **ret, struct err *e);
void post_mortem_free(struct post_mortem *p); /* NULL is fine */
int post_mortem_fd(const struct post_mortem *p);

/** Log what it has left: plugin, listener, entry, connection and backtrace of a crash, or what its loops
 * and the threads of its pool were running. */
void post_mortem_log(const struct post_mortem *p, unsigned generation);

/** Of which worker, at what moment, and how its threads fare (struct supervisor_worker_ops). */
struct post_mortem_watch {
	unsigned generation;
	int64_t now_ms, limit_ms;
	int (*look)(void *worker, pid_t tid, struct thread_look *ret); /* NULL: nobody knows */
	void *worker;
};

/** Look at all loops, and tell of threads of the pool that do not come back, which ends nobody. @return
 * whether a loop has been in the same call of a plugin for the limit, times excused in which it was given no
 * processor or waited for a disk (excuse.h); told in the log, once. @p ret_tid: its thread, as far as that
 * can be believed */
bool post_mortem_is_stuck(struct post_mortem *p, const struct post_mortem_watch *w, pid_t *ret_tid);

/** Whether its main thread, which is no loop, runs a plugin at this moment, which one and what of it. */
bool post_mortem_main_runs(const struct post_mortem *p, struct watch_name *ret_name, uint32_t *ret_entry);

#endif
