/* A growing string. Appending never fails visibly: out of memory is remembered and asked for once, at the
 * end. */
#ifndef BASE_STRBUF_H
#define BASE_STRBUF_H

#include <stdarg.h>
#include <stdbool.h>

#include "base/cleanup.h"

/** Starts as `struct strbuf s = { 0 };`. @c data is NULL or NUL-terminated; @c failed: something was lost. */
struct strbuf {
	char *data; /* owned */
	size_t size, capacity;
	bool failed;
};

void strbuf_add(struct strbuf *s, const char *text);
void strbuf_add_bytes(struct strbuf *s, const void *bytes, size_t size);
void strbuf_add_char(struct strbuf *s, char c);
void strbuf_printf(struct strbuf *s, const char *format, ...) printf_like(2, 3);
void strbuf_vprintf(struct strbuf *s, const char *format, va_list args) printf_like(2, 0);

/** Append as the inside of a JSON string (RFC 8259 section 7), without the quotes. Bytes that are not UTF-8
 * become U+FFFD. */
void strbuf_add_json(struct strbuf *s, const char *bytes, size_t size);

/** Append `key="value"`-style text: quoted only if it has to be; quotes, backslashes, controls and bytes that
 * are not UTF-8 come out as \" \\ \n \t \xHH, so one event stays one line. */
void strbuf_add_quoted(struct strbuf *s, const char *bytes, size_t size);

/** Length of the valid UTF-8 sequence at @p bytes, 0 if there is none (overlong, surrogate, cut). */
size_t utf8_sequence(const unsigned char *bytes, size_t size);

/** Whether the sequence of @p length bytes is a control character, which a terminal may obey: C0, DEL, or one
 * of C1, such as U+009B, which begins an escape sequence like ESC [. */
bool utf8_is_control(const unsigned char *bytes, size_t length);

/** Empty it and keep the memory. */
void strbuf_reset(struct strbuf *s);
void strbuf_fini(struct strbuf *s);

/** Move the text out; NULL if anything failed. The caller frees it. An empty buffer gives "". */
char *strbuf_take(struct strbuf *s);

static inline void
cleanup_strbuf(struct strbuf *s)
{
	strbuf_fini(s);
}

#endif
