/* What no single value can show: whether they fit together. */
#ifndef CONFIG_CHECK_H
#define CONFIG_CHECK_H

#include "config/config.h"
#include "config/report.h"

/** Addresses of one configuration; comparing them is quadratic. */
enum { CHECK_ADDRESSES_MAX = 4096 };

/** Tell of everything in a complete configuration that contradicts itself. @return 0 or -ENOMEM, told */
must_check int check_config(const struct config *c, struct cfg_report *report);

#endif
