/* What the kernel lets this process have, held against what the configuration asks for. */
#ifndef SUPERVISOR_LIMITS_H
#define SUPERVISOR_LIMITS_H

#include <stdint.h>

#include "base/cleanup.h"
#include "config/config.h"

/** Raise the soft limit of descriptors to the hard one. A kernel that refuses leaves it as it is:
 * limits_check() tells if that is too little. */
void limits_raise(void);

struct limits {
	uint64_t descriptors; /* RLIMIT_NOFILE, soft; UINT64_MAX: none */
	uint64_t mappings;    /* vm.max_map_count; UINT64_MAX: unknown */
};

/** The limits of this process now. */
struct limits limits_read(void);

/** Called with one sentence for a limit that does not fit. */
typedef void limits_warn_fn(void *arg, const char *what, const char *text);

/**
 * Compare.
 *
 * @param loops         event loops of the worker
 * @param serves        for each listener, whether its connections run on fibers (two mappings each); NULL:
 * none does
 * @return the number of warnings given
 */
unsigned limits_check(const struct config *config, unsigned loops, const bool *serves,
	const struct limits *limits, limits_warn_fn *warn, void *arg);

#endif
