/* What keys of access, limits by source and the PROXY protocol have to do with each other. */
#ifndef CONFIG_CHECK_GUARD_H
#define CONFIG_CHECK_GUARD_H

#include "config/config.h"
#include "config/report.h"

/** Tell of values that exclude each other, or would do nothing. */
void check_guard(const struct cfg_listener *l, struct cfg_report *report);

#endif
