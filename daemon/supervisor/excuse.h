/* Whether a thread that does nothing could do something. On a machine that has no processor for it, or in a
 * group whose share is used up, a thread is ready to run and does not: it is not to blame for that time. */
#ifndef SUPERVISOR_EXCUSE_H
#define SUPERVISOR_EXCUSE_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "base/cleanup.h"

/** How a thread fares at a moment. */
struct thread_look {
	bool ready;     /* it runs, or would like to */
	int64_t cpu_ms; /* that it has had in its life, to some ten milliseconds */
};

/** As the kernel tells of thread @p tid of process @p pid. @return 0, or a negative errno: not known */
must_check int thread_look(pid_t pid, pid_t tid, struct thread_look *ret);

/** What is excused of the time that a thread has been waited for. Starts as zero. */
struct excuse {
	int64_t looked_ms, cpu_ms; /* of the last look; 0: none yet */
	int64_t ms;                /* in which it was ready and did not run */
};

/** Look again. @param look  NULL: not known, and nothing is excused */
void excuse_look(struct excuse *x, const struct thread_look *look, int64_t now_ms);

#endif
