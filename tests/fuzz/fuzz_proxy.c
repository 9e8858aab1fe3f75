/* Any bytes as a PROXY header: nothing breaks, and a verdict holds however many bytes follow. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "guard/proxy_header.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void
require(int held)
{
	if (!held)
		abort();
}

static void
try_tlvs(const uint8_t *tlvs, size_t size)
{
	for (int type = 0; type < 256; type++) {
		size_t length = 0;
		const uint8_t *value = proxy_tlv_find(tlvs, size, type, &length);

		require(value == NULL || (value >= tlvs && length <= size && value + length <= tlvs + size));
	}
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct proxy_header h, shorter;
	const char *why = NULL;
	uint8_t *copy = malloc(size + 1); /* so that a read beyond the end is seen */
	enum proxy_verdict v;

	if (copy == NULL)
		return 0;
	memcpy(copy, data, size);
	v = proxy_header_parse(copy, size, &h, &why);
	require(v != PROXY_BAD || why != NULL);
	if (v == PROXY_DONE) {
		require(h.size <= size && h.size <= PROXY_HEADER_MAX && h.size >= 15);
		require((h.client_len == 0) == (h.server_len == 0));
		require(h.tlvs_size == 0 || h.tlvs_at + h.tlvs_size == h.size);
		require(proxy_header_parse(copy, h.size, &shorter, &why) == PROXY_DONE);
		require(proxy_header_parse(copy, h.size - 1, &shorter, &why) == PROXY_MORE);
		try_tlvs(copy + h.tlvs_at, h.tlvs_size);
	}
	try_tlvs(copy, size);
	free(copy);
	return 0;
}
