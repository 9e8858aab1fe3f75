/* The PROXY protocol header, versions 1 and 2, as a balancer writes it before the first byte of its client:
 * bytes in, addresses out. Whom to believe is decided elsewhere. */
#ifndef GUARD_PROXY_HEADER_H
#define GUARD_PROXY_HEADER_H

#include <stddef.h>
#include <stdint.h>
#include <sys/socket.h>

#include "base/cleanup.h"

enum {
	PROXY_HEADER_MAX = 4096,   /* of version 2 with all its TLVs; version 1 has at most 107 */
	PROXY_SIGNATURE_SIZE = 12, /* of version 2; that of version 1 is half as long */
};

/** UNDECIDED: it may become a header, or be something else that begins alike. MORE: a header whose end is not
 * there yet; all bytes so far belong to it. NONE: no header begins here. BAD: one that is wrong. */
enum proxy_verdict { PROXY_UNDECIDED, PROXY_MORE, PROXY_NONE, PROXY_BAD, PROXY_DONE };

struct proxy_header {
	size_t size;          /* of the header: the client's own bytes begin behind it */
	int version;          /* 1 or 2 */
	socklen_t client_len; /* 0: no address: the balancer's own connection (LOCAL), or UNKNOWN */
	socklen_t server_len; /* of the address that the client asked; 0 with client_len */
	struct sockaddr_storage client, server;
	size_t tlvs_at, tlvs_size; /* version 2: where they lie in the header */
};

/** Look at @p size bytes from the beginning of a stream.
 * @param ret      filled for PROXY_DONE
 * @param ret_why  a constant text for PROXY_BAD
 * Thread: any. Pure. */
enum proxy_verdict proxy_header_parse(
	const uint8_t *bytes, size_t size, struct proxy_header *ret, const char **ret_why);

/** The first TLV of that type; those inside of the TLV about TLS (0x21 and up to 0x2f) are found too.
 * @param tlvs  whole, as proxy_header_parse() has checked them
 * @return its value, or NULL */
const uint8_t *proxy_tlv_find(const uint8_t *tlvs, size_t size, int type, size_t *ret_size);

#endif
