/* Addresses are few and asked for often, so they are kept as what plugins are given; TLVs are many and asked
 * for rarely, so they stay as the bytes that they are. */
#include "engine/proxied.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "engine/api.h"

struct proxied *
proxied_new(const struct proxy_header *header, const uint8_t *bytes)
{
	struct proxied *p = malloc(sizeof *p + header->tlvs_size);

	if (p == NULL)
		return NULL;
	*p = (struct proxied){ .client = { .len = header->client_len, .sa = header->client },
		.server = { .len = header->server_len, .sa = header->server },
		.tlvs_size = header->tlvs_size };
	if (header->tlvs_size > 0)
		memcpy(p->tlvs, bytes + header->tlvs_at, header->tlvs_size);
	return p;
}

const struct sockd_addr *
proxied_op_proxy(struct sockd_conn h)
{
	struct conn *c = api_find(h.ref, "sockd_conn_proxy");
	const struct conn_text *t = c != NULL && c->proxied != NULL ? conn_text_get(c) : NULL;

	return t != NULL ? &t->balancer : NULL;
}

ssize_t
proxied_op_tlv(struct sockd_conn h, int type, void *buf, size_t size)
{
	const struct conn *c = api_find(h.ref, "sockd_conn_proxy_tlv");
	const uint8_t *value;
	size_t length;

	if (c == NULL)
		return -1;
	value = c->proxied != NULL ? proxy_tlv_find(c->proxied->tlvs, c->proxied->tlvs_size, type, &length)
				   : NULL;
	if (value == NULL)
		return api_fail(-ENOENT);
	if (size > 0)
		memcpy(buf, value, length < size ? length : size);
	return (ssize_t)length;
}
