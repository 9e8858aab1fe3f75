/* A text carries its NUL along, so that a reader can lend it without copying. */
#include "base/pack.h"

#include <string.h>

void
pack_u32(struct strbuf *s, uint32_t n)
{
	const unsigned char bytes[4] = { (unsigned char)n, (unsigned char)(n >> 8), (unsigned char)(n >> 16),
		(unsigned char)(n >> 24) };

	strbuf_add_bytes(s, bytes, sizeof bytes);
}

void
pack_u64(struct strbuf *s, uint64_t n)
{
	pack_u32(s, (uint32_t)n);
	pack_u32(s, (uint32_t)(n >> 32));
}

void
pack_bytes(struct strbuf *s, const void *bytes, size_t size)
{
	if (size > UINT32_MAX) {
		s->failed = true; /* nothing here is a tenth as large */
		return;
	}
	pack_u32(s, (uint32_t)size);
	strbuf_add_bytes(s, bytes, size);
}

void
pack_text(struct strbuf *s, const char *text)
{
	pack_bytes(s, text, text != NULL ? strlen(text) + 1 : 0);
}

static const unsigned char *
take(struct unpack *u, size_t size)
{
	const unsigned char *at = u->at;

	if (u->failed || (size_t)(u->end - u->at) < size) {
		u->failed = true;
		return NULL;
	}
	u->at += size;
	return at;
}

uint32_t
unpack_u32(struct unpack *u)
{
	const unsigned char *b = take(u, 4);

	if (b == NULL)
		return 0;
	return (uint32_t)b[0] | (uint32_t)b[1] << 8 | (uint32_t)b[2] << 16 | (uint32_t)b[3] << 24;
}

uint64_t
unpack_u64(struct unpack *u)
{
	uint64_t low = unpack_u32(u);

	return low | (uint64_t)unpack_u32(u) << 32;
}

const void *
unpack_bytes(struct unpack *u, size_t *ret_size)
{
	uint32_t size = unpack_u32(u);
	const void *bytes = take(u, size);

	*ret_size = bytes != NULL ? size : 0;
	return bytes;
}

const char *
unpack_text(struct unpack *u)
{
	size_t size;
	const char *text = unpack_bytes(u, &size);

	if (size == 0)
		return NULL;
	if (memchr(text, '\0', size) != text + size - 1) {
		u->failed = true;
		return NULL;
	}
	return text;
}

const char *
unpack_word(struct unpack *u)
{
	const char *text = unpack_text(u);

	if (text == NULL)
		u->failed = true;
	return text != NULL ? text : "";
}

uint32_t
unpack_count(struct unpack *u, size_t item_size)
{
	uint32_t count = unpack_u32(u);

	if (count > (size_t)(u->end - u->at) / item_size)
		u->failed = true;
	return u->failed ? 0 : count;
}
