/* What a PROXY header said of a connection, kept as long as the connection. */
#ifndef ENGINE_PROXIED_H
#define ENGINE_PROXIED_H

#include <stddef.h>
#include <stdint.h>

#include "sockd/types.h"

#include "guard/proxy_header.h"

struct sockd_conn;

struct proxied {
	struct sockd_addr client, server; /* len 0: the header does not say: the balancer speaks for itself */
	size_t tlvs_size;
	uint8_t tlvs[];
};

/** @param bytes  the whole header @return NULL without memory; the caller's to free() */
struct proxied *proxied_new(const struct proxy_header *header, const uint8_t *bytes);

/** sockd_conn_proxy() and sockd_conn_proxy_tlv(). */
const struct sockd_addr *proxied_op_proxy(struct sockd_conn h);
ssize_t proxied_op_tlv(struct sockd_conn h, int type, void *buf, size_t size);

#endif
