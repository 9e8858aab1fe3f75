/* `sockd plugin info` and `sockd plugin check`: what a plugin file says of itself, and whether it would load.
 */
#ifndef RUN_PLUGIN_INSPECT_H
#define RUN_PLUGIN_INSPECT_H

#include <stdint.h>

#include "base/cleanup.h"

/** Print its description and settings. @return an exit status; why it could not is said on standard error */
must_check int plugin_info(const char *name);

/** Print what is right, doubtful or wrong with it. @return EX_OK, or EX_CONFIG: it would not load */
must_check int plugin_check(const char *name);

/** Which transports it can serve, a mask of 1u << enum cfg_transport.
 * @param ret_path        the file; the caller frees it
 * @param ret_event_mask  those of them that it serves in event style
 * @return an exit status, as above */
must_check int plugin_transports(
	const char *name, char **ret_path, uint32_t *ret_mask, uint32_t *ret_event_mask);

#endif
