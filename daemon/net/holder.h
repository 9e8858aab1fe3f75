/* Who has an address that we cannot have. Only for messages: what /proc tells depends on our rights, and may
 * be old. */
#ifndef NET_HOLDER_H
#define NET_HOLDER_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/socket.h>

/** Room for every answer. */
enum { HOLDER_TEXT_SIZE = 96 };

/** The answer for a process that asks about itself. */
#define HOLDER_IS_SELF "this sockd itself"

/**
 * Look for the process behind a local internet address; a wildcard overlaps with all addresses.
 *
 * @param type  SOCK_STREAM or SOCK_DGRAM
 * @param text  `nginx (pid 12)`, `a process of user 33` when we may not look further, `this sockd itself`
 * @return whether anything is known; if not, @p text is empty
 */
bool holder_of_inet(int type, const struct sockaddr_storage *address, char text[HOLDER_TEXT_SIZE]);

/** The same for a unix name, by the name that was bound; an abstract one without its '@'. */
bool holder_of_unix(const char *name, bool abstract, char text[HOLDER_TEXT_SIZE]);

/** The same for a process that is known. */
void holder_of_pid(pid_t pid, char text[HOLDER_TEXT_SIZE]);

#endif
