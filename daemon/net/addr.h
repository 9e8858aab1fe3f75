/* Addresses as people read them, in logs, messages and what a plugin is told of its peer. */
#ifndef NET_ADDR_H
#define NET_ADDR_H

#include <stddef.h>
#include <sys/socket.h>

#include "config/config.h"

/** Room for every address: an abstract name whose bytes all have to be escaped is the longest. */
enum { NET_ADDR_TEXT_SIZE = 448 };

/**
 * An address as text: `127.0.0.1:7000`, `[fe80::1%eth0]:7000`, `/run/x.sock`, `@abstract`, or `unnamed` (a
 * unix socket that was never bound, or size 0). IPv4 mapped into IPv6 shows as IPv4. Controls, backslashes
 * and bytes that are not UTF-8 in unix names come out as \xHH.
 *
 * @param size  of @p text; what does not fit is cut
 * @return @p text
 *
 * Thread: any.
 */
char *net_addr_text(const struct sockaddr_storage *address, socklen_t address_size, char *text, size_t size);

/** The same with its scheme, as a file would say it: `tcp://[::]:7000`, `unix:///run/x.sock`,
 * `unixgram:@name`. */
char *net_url_text(enum cfg_transport transport, const struct sockaddr_storage *address,
	socklen_t address_size, char *text, size_t size);

#endif
