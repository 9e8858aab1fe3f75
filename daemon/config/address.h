/* `listen:` URLs. */
#ifndef CONFIG_ADDRESS_H
#define CONFIG_ADDRESS_H

#include "config/arena.h"
#include "config/config.h"
#include "config/report.h"

/** Longest path or abstract name of a unix socket: sun_path without its closing NUL. */
enum { ADDRESS_PATH_MAX = 107 };

/** Take a URL apart. @return 0; -EINVAL with a text for people; -ENOMEM */
must_check int address_parse(const char *url, struct arena *arena, struct cfg_address *ret, struct err *e);

/** The bit of the URL's transport, 1 << enum cfg_transport, by its scheme alone; 0 if that is none. */
unsigned address_transport(const char *url);

#endif
