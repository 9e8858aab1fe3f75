/* A value is skipped by counting brackets outside of strings, which is enough to find where it ends: what
 * lies within was written by sockd, and whoever reads it after us judges it anyway. */
#include "answer.h"

#include <stdint.h>
#include <string.h>

static const char *
skip_blanks(const char *p, const char *end)
{
	while (p < end && (*p == ' ' || *p == '\t' || *p == '\r' || *p == '\n'))
		p++;
	return p;
}

/* @return behind the closing quote, or NULL */
static const char *
skip_string(const char *p, const char *end)
{
	if (p == end || *p++ != '"')
		return NULL;
	for (; p < end; p++) {
		if (*p == '"')
			return p + 1;
		if (*p == '\\' && ++p == end)
			return NULL;
	}
	return NULL;
}

static const char *
skip_nested(const char *p, const char *end)
{
	size_t depth = 0;

	while (p != NULL && p < end) {
		if (*p == '"') {
			p = skip_string(p, end);
			continue;
		}
		if (*p == '{' || *p == '[')
			depth++;
		else if ((*p == '}' || *p == ']') && --depth == 0)
			return p + 1;
		p++;
	}
	return NULL;
}

/* @return behind the value, or NULL */
static const char *
skip_value(const char *p, const char *end)
{
	const char *begin = p;

	if (p == end)
		return NULL;
	if (*p == '"')
		return skip_string(p, end);
	if (*p == '{' || *p == '[')
		return skip_nested(p, end);
	while (p < end && strchr(",:{}[]\" \t\r\n", *p) == NULL)
		p++;
	return p > begin ? p : NULL;
}

bool
answer_is(struct span value, const char *text)
{
	size_t size = strlen(text);

	return value.size == size + 2 && value.at[0] == '"' && value.at[size + 1] == '"' &&
	       memcmp(value.at + 1, text, size) == 0;
}

bool
answer_member(struct span object, const char *name, struct span *ret)
{
	const char *end = object.at + object.size, *p = skip_blanks(object.at, end);

	if (p == end || *p++ != '{')
		return false;
	for (;;) {
		const char *key = skip_blanks(p, end), *after = skip_string(key, end), *value;

		if (after == NULL)
			return false;
		value = skip_blanks(after, end);
		if (value == end || *value++ != ':')
			return false;
		value = skip_blanks(value, end);
		p = skip_value(value, end);
		if (p == NULL)
			return false;
		if (answer_is((struct span){ key, (size_t)(after - key) }, name)) {
			*ret = (struct span){ value, (size_t)(p - value) };
			return true;
		}
		p = skip_blanks(p, end);
		if (p == end || *p++ != ',')
			return false;
	}
}

/* ---- strings ---- */

static bool
read_hex(const char *p, const char *end, uint32_t *ret)
{
	uint32_t value = 0;

	if (end - p < 4)
		return false;
	for (int i = 0; i < 4; i++) {
		unsigned char digit = (unsigned char)p[i];

		value <<= 4;
		if (digit >= '0' && digit <= '9')
			value |= digit - '0';
		else if ((digit | 0x20) >= 'a' && (digit | 0x20) <= 'f')
			value |= (digit | 0x20) - 'a' + 10u;
		else
			return false;
	}
	*ret = value;
	return true;
}

/* The four digits behind \u, and those of the other half where a character takes two (RFC 8259, section 7).
 * @return behind them, or NULL */
static const char *
read_code_point(const char *p, const char *end, uint32_t *ret)
{
	uint32_t low;

	if (!read_hex(p, end, ret))
		return NULL;
	p += 4;
	if (*ret < 0xd800 || *ret > 0xdfff)
		return p;
	if (*ret > 0xdbff || end - p < 6 || p[0] != '\\' || p[1] != 'u' || !read_hex(p + 2, end, &low) ||
		low < 0xdc00 || low > 0xdfff)
		return NULL;
	*ret = 0x10000 + ((*ret - 0xd800) << 10) + (low - 0xdc00);
	return p + 6;
}

static char *
put_utf8(char *out, uint32_t c)
{
	if (c < 0x80) {
		*out++ = (char)c;
		return out;
	}
	if (c < 0x800)
		*out++ = (char)(0xc0 | c >> 6);
	else {
		if (c < 0x10000)
			*out++ = (char)(0xe0 | c >> 12);
		else {
			*out++ = (char)(0xf0 | c >> 18);
			*out++ = (char)(0x80 | (c >> 12 & 0x3f));
		}
		*out++ = (char)(0x80 | (c >> 6 & 0x3f));
	}
	*out++ = (char)(0x80 | (c & 0x3f));
	return out;
}

bool
answer_string(struct span value, char *out, size_t *ret_size)
{
	static const char names[] = "\"\\/bfnrt", meant[] = "\"\\/\b\f\n\r\t";
	const char *p = value.at, *end = value.at + value.size;
	char *begin = out;

	if (skip_string(p, end) != end)
		return false;
	p++;
	end--; /* the quotes */
	while (p < end) {
		const char *name;
		uint32_t c;

		if ((unsigned char)*p < ' ')
			return false;
		if (*p != '\\') {
			*out++ = *p++;
			continue;
		}
		p++;
		if (*p == 'u') {
			p = read_code_point(p + 1, end, &c);
			if (p == NULL)
				return false;
			out = put_utf8(out, c);
			continue;
		}
		name = memchr(names, *p++, sizeof names - 1);
		if (name == NULL)
			return false;
		*out++ = meant[name - names];
	}
	*ret_size = (size_t)(out - begin);
	return true;
}
