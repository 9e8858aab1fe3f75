/* Text in the making: log lines, printed configurations, schemas. The escaping rules live here because a log
 * line and a printed configuration must agree on what a client's bytes look like. */
#include "base/strbuf.h"

#include <stdint.h>
#include <stdio.h>
#include <string.h>

static bool
strbuf_reserve(struct strbuf *s, size_t more)
{
	size_t need = s->size + more + 1, capacity = s->capacity != 0 ? s->capacity : 128;
	char *data;

	if (likely(!s->failed && more < s->capacity - s->size))
		return true;
	if (s->failed || need < more || need > SIZE_MAX / 2) {
		s->failed = true;
		return false;
	}
	while (capacity < need)
		capacity *= 2;
	data = realloc(s->data, capacity);
	if (data == NULL) {
		s->failed = true;
		return false;
	}
	s->data = data;
	s->capacity = capacity;
	return true;
}

void
strbuf_add_bytes(struct strbuf *s, const void *bytes, size_t size)
{
	if (size == 0 || !strbuf_reserve(s, size))
		return;
	memcpy(s->data + s->size, bytes, size);
	s->size += size;
	s->data[s->size] = '\0';
}

void
strbuf_add(struct strbuf *s, const char *text)
{
	strbuf_add_bytes(s, text, strlen(text));
}

void
strbuf_add_char(struct strbuf *s, char c)
{
	if (!strbuf_reserve(s, 1))
		return;
	s->data[s->size++] = c;
	s->data[s->size] = '\0';
}

void
strbuf_vprintf(struct strbuf *s, const char *format, va_list args)
{
	va_list again;
	int n;

	va_copy(again, args);
	n = vsnprintf(NULL, 0, format, again);
	va_end(again);
	if (n <= 0 || !strbuf_reserve(s, (size_t)n))
		return;
	vsnprintf(s->data + s->size, (size_t)n + 1, format, args);
	s->size += (size_t)n;
}

void
strbuf_printf(struct strbuf *s, const char *format, ...)
{
	va_list args;

	va_start(args, format);
	strbuf_vprintf(s, format, args);
	va_end(args);
}

size_t
utf8_sequence(const unsigned char *b, size_t size)
{
	size_t length = b[0] < 0x80                   ? 1
			: b[0] >= 0xc2 && b[0] < 0xe0 ? 2
			: (b[0] & 0xf0) == 0xe0       ? 3
			: b[0] >= 0xf0 && b[0] < 0xf5 ? 4
						      : 0;

	if (length == 0 || length > size)
		return 0;
	for (size_t i = 1; i < length; i++)
		if ((b[i] & 0xc0) != 0x80)
			return 0;
	if ((b[0] == 0xe0 && b[1] < 0xa0) || (b[0] == 0xed && b[1] > 0x9f) || (b[0] == 0xf0 && b[1] < 0x90) ||
		(b[0] == 0xf4 && b[1] > 0x8f))
		return 0; /* overlong, surrogate, above U+10FFFF: RFC 3629 section 3 */
	return length;
}

bool
utf8_is_control(const unsigned char *b, size_t length)
{
	return (length == 1 && (b[0] < 0x20 || b[0] == 0x7f)) || (length == 2 && b[0] == 0xc2 && b[1] < 0xa0);
}

void
strbuf_add_json(struct strbuf *s, const char *bytes, size_t size)
{
	const unsigned char *b = (const unsigned char *)bytes;

	for (size_t i = 0; i < size;) {
		size_t n = utf8_sequence(b + i, size - i);

		if (n == 0)
			strbuf_add(s, "\\ufffd"), n = 1;
		else if (b[i] == '"' || b[i] == '\\')
			strbuf_printf(s, "\\%c", b[i]);
		else if (b[i] == '\n')
			strbuf_add(s, "\\n");
		else if (b[i] == '\t')
			strbuf_add(s, "\\t");
		else if (utf8_is_control(b + i, n))
			strbuf_printf(s, "\\u%04x", b[i + n - 1]);
		else
			strbuf_add_bytes(s, b + i, n);
		i += n;
	}
}

static bool
needs_quotes(const unsigned char *b, size_t size)
{
	for (size_t i = 0; i < size; i++)
		if (b[i] <= ' ' || b[i] == '"' || b[i] == '\\' || b[i] == '=' || b[i] >= 0x7f)
			return true;
	return size == 0;
}

void
strbuf_add_quoted(struct strbuf *s, const char *bytes, size_t size)
{
	const unsigned char *b = (const unsigned char *)bytes;

	if (!needs_quotes(b, size)) {
		strbuf_add_bytes(s, bytes, size);
		return;
	}
	strbuf_add_char(s, '"');
	for (size_t i = 0; i < size;) {
		size_t n = utf8_sequence(b + i, size - i);

		if (b[i] == '"' || b[i] == '\\')
			strbuf_printf(s, "\\%c", b[i]);
		else if (b[i] == '\n')
			strbuf_add(s, "\\n");
		else if (b[i] == '\t')
			strbuf_add(s, "\\t");
		else if (n == 0 || utf8_is_control(b + i, n)) {
			strbuf_printf(s, "\\x%02x", b[i]);
			n = 1;
		} else
			strbuf_add_bytes(s, b + i, n);
		i += n != 0 ? n : 1;
	}
	strbuf_add_char(s, '"');
}

void
strbuf_reset(struct strbuf *s)
{
	s->size = 0;
	s->failed = false;
	if (s->data != NULL)
		s->data[0] = '\0';
}

void
strbuf_fini(struct strbuf *s)
{
	free(s->data);
	*s = (struct strbuf){ 0 };
}

char *
strbuf_take(struct strbuf *s)
{
	char *text = NULL;

	if (!s->failed && strbuf_reserve(s, 0)) {
		s->data[s->size] = '\0';
		text = s->data;
		s->data = NULL;
	}
	strbuf_fini(s);
	return text;
}
