/* A configuration together with the memory that it lies in; only the loader sees this. */
#ifndef CONFIG_CONFIG_WHOLE_H
#define CONFIG_CONFIG_WHOLE_H

#include <stdatomic.h>

#include "config/arena.h"
#include "config/config.h"

struct config_whole {
	struct config config;
	struct arena arena; /* owned: the files, their trees, and all values */
	atomic_uint references;
};

/** Empty, with one reference; config_unref() frees it. NULL: no memory. */
struct config_whole *config_whole_new(void);

#endif
