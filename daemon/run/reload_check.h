/* The checking child of a reload: what the supervisor's table of a checker means in this program. */
#ifndef RUN_RELOAD_CHECK_H
#define RUN_RELOAD_CHECK_H

#include "supervisor/checker.h"

extern const struct checker reload_checker;

#endif
