/* Workers in processes of their own, behind the table of worker_ops.h. */
#ifndef SUPERVISOR_CHILD_H
#define SUPERVISOR_CHILD_H

#include "supervisor/worker_ops.h"

const struct supervisor_worker_ops *child_ops(void);

#endif
