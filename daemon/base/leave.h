/* The end of a process that shares what its exit handlers would act upon. Counts of lines are written by such
 * a handler too, so a build that counts writes them here. Macros,
 * because what a function would count after that is lost. */
#ifndef BASE_LEAVE_H
#define BASE_LEAVE_H

#include <unistd.h>

#ifdef SOCKD_COVERAGE
void __gcov_dump(void);
void __gcov_reset(void);
#define leave_counts() (__gcov_dump(), __gcov_reset())
#else
/** Before another program takes this one's place: its counts, if there are any, would go with the memory. */
#define leave_counts() ((void)0)
#endif

/** As _exit(): no exit handler runs and nothing is flushed. */
#define leave_now(status) (leave_counts(), _exit(status))

#endif
