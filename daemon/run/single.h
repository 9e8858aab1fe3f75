/* Supervisor and worker in one process, joined by plain calls. */
#ifndef RUN_SINGLE_H
#define RUN_SINGLE_H

#include "supervisor/worker_ops.h"

/** Workers that live in the supervisor's process; one at a time. */
const struct supervisor_worker_ops *single_ops(void);

#endif
