/* Whether whoever is at the other end of a unix stream belongs to a group. */
#ifndef NET_PEER_GROUP_H
#define NET_PEER_GROUP_H

#include <stdbool.h>
#include <sys/types.h>

/** By its own group or one of its further ones, as they were when it connected. Thread: any. Blocks: never.
 */
bool net_peer_in_group(int fd, gid_t group);

#endif
