/* The parser keeps no state: it is given all that there is of a command each time, and jumps from length to
 * length, so looking again at one that has only begun costs little. */
#include "resp.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { LENGTH_LINE_MAX = 32, ERROR_MAX = 256 };

/* ---- commands ---- */

struct cursor {
	const char *at, *end;
	int64_t room; /* what the arguments that follow may have in all */
};

/* `*3\r\n` or `$5\r\n`: the number behind @p kind; that of an array may be negative, which is none. */
static enum resp_result
take_length(struct cursor *c, char kind, int64_t max, int64_t *ret, const char **ret_why)
{
	size_t left = (size_t)(c->end - c->at), scan = left < LENGTH_LINE_MAX ? left : LENGTH_LINE_MAX;
	const char *newline = memchr(c->at, '\n', scan);
	const char *digit = c->at + 1;
	bool negative = kind == '*' && left > 1 && *digit == '-';
	int64_t n = 0;

	digit += negative;
	*ret_why = kind == '*' ? "invalid multibulk length" : "invalid bulk length";
	if (left > 0 && *c->at != kind) {
		*ret_why = "expected '$'";
		return RESP_BROKEN;
	}
	if (newline == NULL)
		return scan < LENGTH_LINE_MAX ? RESP_MORE : RESP_BROKEN;
	if (newline - digit < 2 || newline[-1] != '\r')
		return RESP_BROKEN;
	for (; digit < newline - 1; digit++) {
		if (*digit < '0' || *digit > '9')
			return RESP_BROKEN;
		n = n * 10 + (*digit - '0');
		if (n > max)
			return RESP_BROKEN;
	}
	c->at = newline + 1;
	*ret = negative ? 0 : n;
	return RESP_COMMAND;
}

static enum resp_result
take_bulk(struct cursor *c, size_t bulk_max, struct bytes *ret, const char **ret_why)
{
	int64_t size;
	enum resp_result r = take_length(c, '$', (int64_t)bulk_max, &size, ret_why);

	if (r != RESP_COMMAND)
		return r;
	if (size > c->room) {
		*ret_why = "too big command";
		return RESP_BROKEN;
	}
	if (c->end - c->at < size + 2)
		return RESP_MORE;
	if (memcmp(c->at + size, "\r\n", 2) != 0) {
		*ret_why = "a bulk is longer than it says";
		return RESP_BROKEN;
	}
	*ret = (struct bytes){ c->at, (size_t)size };
	c->at += size + 2;
	c->room -= size;
	return RESP_COMMAND;
}

static enum resp_result
parse_array(struct bytes input, size_t bulk_max, struct resp_command *ret, const char **ret_why)
{
	struct cursor c = { input.at, input.at + input.size, 2 * (int64_t)bulk_max };
	int64_t count;
	enum resp_result r = take_length(&c, '*', RESP_ARGUMENTS_MAX, &count, ret_why);

	for (int64_t i = 0; r == RESP_COMMAND && i < count; i++)
		r = take_bulk(&c, bulk_max, &ret->arguments[i], ret_why);
	if (r != RESP_COMMAND)
		return r;
	ret->count = (size_t)count;
	ret->size = (size_t)(c.at - input.at);
	return RESP_COMMAND;
}

/* Words on a line, for people with netcat. */
static enum resp_result
parse_inline(struct bytes input, struct resp_command *ret, const char **ret_why)
{
	const char *end = memchr(input.at, '\n', input.size < RESP_INLINE_MAX ? input.size : RESP_INLINE_MAX);
	const char *at = input.at;

	ret->count = 0;
	*ret_why = "too big inline request";
	if (end == NULL)
		return input.size < RESP_INLINE_MAX ? RESP_MORE : RESP_BROKEN;
	ret->size = (size_t)(end - input.at) + 1;
	if (end > at && end[-1] == '\r')
		end--;
	while (at < end) {
		const char *word = at;

		while (at < end && *at != ' ')
			at++;
		if (at > word && ret->count == RESP_ARGUMENTS_MAX)
			return RESP_BROKEN;
		if (at > word)
			ret->arguments[ret->count++] = (struct bytes){ word, (size_t)(at - word) };
		at += at < end;
	}
	return RESP_COMMAND;
}

enum resp_result
resp_parse(struct bytes input, size_t bulk_max, struct resp_command *ret, const char **ret_why)
{
	if (input.size == 0)
		return RESP_MORE;
	return input.at[0] == '*' ? parse_array(input, bulk_max, ret, ret_why)
				  : parse_inline(input, ret, ret_why);
}

/* ---- replies ---- */

/* @return where @p size more bytes go, or NULL */
static char *
reply_room(struct reply *r, size_t size)
{
	size_t room = r->room > 0 ? r->room : 1024;
	char *grown;

	while (room - r->size < size)
		room *= 2;
	if (room != r->room) {
		grown = realloc(r->data, room);
		if (grown == NULL) {
			r->failed = true;
			return NULL;
		}
		r->data = grown;
		r->room = room;
	}
	return r->data + r->size;
}

void
reply_raw(struct reply *r, const char *bytes, size_t size)
{
	char *at = reply_room(r, size);

	if (at == NULL)
		return;
	memcpy(at, bytes, size);
	r->size += size;
}

void
reply_status(struct reply *r, const char *text)
{
	reply_raw(r, "+", 1);
	reply_raw(r, text, strlen(text));
	reply_raw(r, "\r\n", 2);
}

void
reply_error(struct reply *r, const char *format, ...)
{
	char text[ERROR_MAX];
	va_list args;

	va_start(args, format);
	vsnprintf(text, sizeof text, format, args);
	va_end(args);
	for (char *p = text; *p != '\0'; p++)
		if (*p == '\r' || *p == '\n')
			*p = ' '; /* it may name what a client sent, and is one line */
	reply_raw(r, "-", 1);
	reply_raw(r, text, strlen(text));
	reply_raw(r, "\r\n", 2);
}

/* The kind, a number in decimal, and the line's end: most of what is ever sent. */
static void
reply_number(struct reply *r, char kind, int64_t n)
{
	char text[LENGTH_LINE_MAX], *end = text + sizeof text, *at = end;
	uint64_t rest = n < 0 ? 0 - (uint64_t)n : (uint64_t)n;

	*--at = '\n';
	*--at = '\r';
	do
		*--at = (char)('0' + rest % 10);
	while ((rest /= 10) > 0);
	if (n < 0)
		*--at = '-';
	*--at = kind;
	reply_raw(r, at, (size_t)(end - at));
}

void
reply_integer(struct reply *r, int64_t n)
{
	reply_number(r, ':', n);
}

void
reply_bulk(struct reply *r, struct bytes value)
{
	reply_number(r, '$', (int64_t)value.size);
	reply_raw(r, value.at, value.size);
	reply_raw(r, "\r\n", 2);
}

void
reply_nil(struct reply *r)
{
	reply_raw(r, "$-1\r\n", 5);
}

void
reply_array(struct reply *r, size_t count)
{
	reply_number(r, '*', (int64_t)count);
}

void
reply_consume(struct reply *r, size_t size)
{
	r->size -= size;
	if (r->size > 0)
		memmove(r->data, r->data + size, r->size);
}

void
reply_fini(struct reply *r)
{
	free(r->data);
	*r = (struct reply){ 0 };
}
