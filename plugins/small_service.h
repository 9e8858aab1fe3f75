/* What inetd's small services have in common. */
#ifndef PLUGINS_SMALL_SERVICE_H
#define PLUGINS_SMALL_SERVICE_H

#include <netinet/in.h>

#include <sockd/plugin.h>

/** Whether a datagram comes from a port of a service, of which small ones answer whatever they are sent: one
 * with a forged sender would have the two talk for ever (CVE-1999-0103). */
static inline bool
is_from_service(struct sockd_conn c)
{
	const struct sockd_addr *a = sockd_conn_remote(c);
	in_port_t port = htons(IPPORT_RESERVED);

	if (a != NULL && a->sa.ss_family == AF_INET)
		port = ((const struct sockaddr_in *)(const void *)&a->sa)->sin_port;
	else if (a != NULL && a->sa.ss_family == AF_INET6)
		port = ((const struct sockaddr_in6 *)(const void *)&a->sa)->sin6_port;
	return ntohs(port) < IPPORT_RESERVED;
}

#endif
