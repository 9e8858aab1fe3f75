/* The PROXY header, version 2, as a sender writes it (haproxy.org, "The PROXY protocol", section 2.2). */
#ifndef PROXY_HEADER_H
#define PROXY_HEADER_H

#include <sockd/plugin.h>

enum { PROXY_HEADER_MAX = 16 + 36 };

/** @param datagrams  the client came over udp
 * @return the header's size. Addresses that are not both of one internet family are told as unknown. */
size_t proxy_header(unsigned char to[PROXY_HEADER_MAX], const struct sockd_addr *client,
	const struct sockd_addr *server, bool datagrams);

#endif
