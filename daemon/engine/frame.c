/* Lengths come from a peer: each is compared before it is added to anything. */
#include "engine/frame.h"

#include <errno.h>
#include <string.h>

int
frame_check(const struct sockd_framing *f)
{
	if (f == NULL || f->size < sizeof *f)
		return -EINVAL;
	switch (f->kind) {
	case SOCKD_FRAME_DELIMITER:
	case SOCKD_FRAME_VARINT:
		return 0;
	case SOCKD_FRAME_LENGTH:
		return f->width == 1 || f->width == 2 || f->width == 4 || f->width == 8 ? 0 : -EINVAL;
	default:
		return -EINVAL;
	}
}

static int
find_delimiter(const struct sockd_framing *f, size_t most, const unsigned char *bytes, size_t have,
	size_t searched, struct frame_span *ret)
{
	const unsigned char *end = memchr(bytes + searched, f->delimiter, have - searched);
	size_t size = end != NULL ? (size_t)(end - bytes) + f->include_delimiter : have;

	if (size > most)
		return -EMSGSIZE;
	*ret = (struct frame_span){ .size = size, .after = !f->include_delimiter, .need = have + 1 };
	return end != NULL;
}

static uint64_t
read_length(const struct sockd_framing *f, const unsigned char *bytes)
{
	uint64_t length = 0;

	for (unsigned i = 0; i < f->width; i++)
		length = length << 8 | bytes[f->little_endian ? f->width - 1u - i : i];
	return length;
}

/* @return bytes of the varint; 0: more are needed; -EBADMSG: it does not fit 64 bits */
static int
read_varint(const unsigned char *bytes, size_t have, uint64_t *ret)
{
	uint64_t value = 0;

	for (unsigned i = 0; i < FRAME_HEAD_MAX && i < have; i++) {
		if (i == FRAME_HEAD_MAX - 1 && bytes[i] > 1)
			return -EBADMSG;
		value |= (uint64_t)(bytes[i] & 0x7f) << (7 * i);
		if (bytes[i] < 0x80) {
			*ret = value;
			return (int)i + 1;
		}
	}
	return 0;
}

int
frame_find(const struct sockd_framing *f, size_t most, const void *bytes, size_t have, size_t searched,
	struct frame_span *ret)
{
	uint64_t length = 0;
	int before = f->width;

	if (f->kind == SOCKD_FRAME_DELIMITER)
		return have > 0 ? find_delimiter(f, most, bytes, have, searched, ret)
				: (*ret = (struct frame_span){ .need = 1 }, 0);
	if (f->kind == SOCKD_FRAME_VARINT)
		before = have > 0 ? read_varint(bytes, have, &length) : 0;
	else if (have >= f->width)
		length = read_length(f, bytes);
	if (before < 0)
		return before;
	if (before == 0 || have < (size_t)before) {
		*ret = (struct frame_span){ .need = before == 0 ? have + 1 : (size_t)before };
		return 0;
	}
	if (length > most)
		return -EMSGSIZE;
	*ret = (struct frame_span){
		.before = (size_t)before, .size = (size_t)length, .need = (size_t)before + (size_t)length
	};
	return have >= ret->need;
}

static int
write_length(const struct sockd_framing *f, size_t size, unsigned char *head)
{
	if (f->width < sizeof size && size >> (8 * f->width) != 0)
		return -EMSGSIZE;
	for (unsigned i = 0; i < f->width; i++)
		head[f->little_endian ? i : f->width - 1u - i] = (unsigned char)((uint64_t)size >> (8 * i));
	return f->width;
}

static int
write_varint(uint64_t size, unsigned char *head)
{
	int n = 0;

	for (; size >= 0x80; size >>= 7)
		head[n++] = (unsigned char)(size | 0x80);
	head[n++] = (unsigned char)size;
	return n;
}

int
frame_head(const struct sockd_framing *f, size_t size, unsigned char head[FRAME_HEAD_MAX])
{
	if (f->kind == SOCKD_FRAME_DELIMITER)
		return 0;
	return f->kind == SOCKD_FRAME_LENGTH ? write_length(f, size, head) : write_varint(size, head);
}

int
frame_check_message(const struct sockd_framing *f, const void *bytes, size_t size)
{
	const unsigned char *end =
		f->kind == SOCKD_FRAME_DELIMITER && size > 0 ? memchr(bytes, f->delimiter, size) : NULL;

	if (f->limit != 0 && size > f->limit)
		return -EMSGSIZE;
	if (f->kind != SOCKD_FRAME_DELIMITER)
		return 0;
	if (!f->include_delimiter)
		return end == NULL ? 0 : -EINVAL;
	return end != NULL && end == (const unsigned char *)bytes + size - 1 ? 0 : -EINVAL;
}
