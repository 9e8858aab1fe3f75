/* Whether a thread that does nothing could do something. On a machine that has no processor for it, or in a
 * group whose share is used up, a thread is ready to run and does not: it is not to blame for that time. Nor
 * is one that the kernel keeps while a disk does not answer: to end its process would end what else it
 * serves, could not even be carried out before the disk comes back, and would leave the next one to the same
 * disk. */
#ifndef SUPERVISOR_EXCUSE_H
#define SUPERVISOR_EXCUSE_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "base/cleanup.h"

/** How a thread fares at a moment. */
struct thread_look {
	bool ready;     /* it runs, or would like to */
	bool kept;      /* the kernel keeps it, and no signal reaches it: it waits for a disk, as a rule */
	int64_t cpu_ms; /* that it has had in its life, to some ten milliseconds */
};

/** As the kernel tells of thread @p tid of process @p pid. @return 0, or a negative errno: not known */
must_check int thread_look(pid_t pid, pid_t tid, struct thread_look *ret);

/** What is excused of the time that a thread has been waited for. Starts as zero. */
struct excuse {
	int64_t looked_ms, cpu_ms; /* of the last look; 0: none yet */
	int64_t ms;                /* in which it was ready and did not run */
	int64_t kept_ms;           /* in which the kernel kept it */
};

/** For so long a disk is waited for, at which the kernel itself speaks of a hung task. */
enum { EXCUSE_KEPT_MAX_MS = 120000 };

/** What is excused in all. */
static inline int64_t
excuse_ms(const struct excuse *x)
{
	return x->ms + (x->kept_ms < EXCUSE_KEPT_MAX_MS ? x->kept_ms : EXCUSE_KEPT_MAX_MS);
}

/** Look again. @param look  NULL: not known, and nothing is excused */
void excuse_look(struct excuse *x, const struct thread_look *look, int64_t now_ms);

#endif
