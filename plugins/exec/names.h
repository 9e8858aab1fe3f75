/* The name of a host, by its address. */
#ifndef EXEC_NAMES_H
#define EXEC_NAMES_H

#include <stdbool.h>

#include <sockd/plugin.h>

enum { NAME_SIZE = 1025 };

/** Only a name that stands for that address too: whoever runs the reverse zone could claim any. Blocks.
 * @return whether there is one */
bool name_of(const struct sockd_addr *a, char ret_name[NAME_SIZE]);

#endif
