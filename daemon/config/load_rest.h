/* What can be relied on in a configuration that has errors. Within config/ only. */
#ifndef CONFIG_LOAD_REST_H
#define CONFIG_LOAD_REST_H

#include <stdbool.h>

#include "config/load.h"

/** Leave out what is in doubt. @param daemon_is_known  no error was told of daemon: @return how much is left
 */
enum cfg_extent load_rest(struct config *c, bool daemon_is_known);

#endif
