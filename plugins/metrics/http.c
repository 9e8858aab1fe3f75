/* Strict where two readers could take a request for different things (RFC 9112, section 11.2), since a proxy
 * may stand before us: a blank before a colon, folded lines and two Host headers are refused. */
#include "http.h"

#include <string.h>
#include <strings.h>

const char *
http_reason(int status)
{
	static const struct {
		int status;
		const char *reason;
	} reasons[] = {
		{ 200, "OK" },
		{ 400, "Bad Request" },
		{ 404, "Not Found" },
		{ 405, "Method Not Allowed" },
		{ 413, "Content Too Large" },
		{ 414, "URI Too Long" },
		{ 431, "Request Header Fields Too Large" },
		{ 503, "Service Unavailable" },
		{ 505, "HTTP Version Not Supported" },
	};

	for (size_t i = 0; i < sizeof reasons / sizeof reasons[0]; i++)
		if (reasons[i].status == status)
			return reasons[i].reason;
	return "Unknown";
}

/* The characters of a token (RFC 9110, section 5.6.2). */
static bool
is_token(const char *text, size_t size)
{
	for (size_t i = 0; i < size; i++) {
		unsigned char c = (unsigned char)text[i];

		if (c <= ' ' || c >= 0x7f || strchr("\"(),/:;<=>?@[\\]{}", c) != NULL)
			return false;
	}
	return size > 0;
}

static bool
is(const char *text, size_t size, const char *word)
{
	return size == strlen(word) && memcmp(text, word, size) == 0;
}

/* "HTTP/1.1" */
static int
read_version(const char *text, size_t size, int *ret_minor)
{
	if (size != 8 || memcmp(text, "HTTP/", 5) != 0 || text[6] != '.' || text[5] < '0' || text[5] > '9' ||
		text[7] < '0' || text[7] > '9')
		return 400;
	if (text[5] != '1')
		return 505;
	*ret_minor = text[7] - '0';
	return 0;
}

/* "/metrics?x=y", or with "http://host:port" before it, as proxies send it. */
static int
read_target(const char *text, size_t size, struct http_request *r)
{
	const char *end = text + size, *query;

	if (size > 7 && strncasecmp(text, "http://", 7) == 0) {
		text = memchr(text + 7, '/', size - 7);
		if (text == NULL)
			text = "/", end = text + 1;
	}
	if (*text != '/')
		return 400;
	for (const char *p = text; p < end; p++)
		if ((unsigned char)*p <= ' ' || *p == 0x7f)
			return 400;
	query = memchr(text, '?', (size_t)(end - text));
	size = (size_t)((query != NULL ? query : end) - text);
	if (size >= sizeof r->path)
		size = 0;
	memcpy(r->path, text, size);
	r->path[size] = '\0';
	return 0;
}

int
http_request_line(const char *line, size_t size, struct http_request *ret)
{
	const char *end = line + size, *target = memchr(line, ' ', size), *version;
	size_t method_size;
	int status;

	*ret = (struct http_request){ .method = HTTP_OTHER };
	if (target == NULL)
		return 400;
	method_size = (size_t)(target++ - line);
	version = memchr(target, ' ', (size_t)(end - target));
	if (version == NULL || version == target || !is_token(line, method_size))
		return 400;
	if (is(line, method_size, "GET"))
		ret->method = HTTP_GET;
	else if (is(line, method_size, "HEAD"))
		ret->method = HTTP_HEAD;
	status = read_version(version + 1, (size_t)(end - version - 1), &ret->minor);
	ret->close = ret->minor == 0;
	return status != 0 ? status : read_target(target, (size_t)(version - target), ret);
}

/* Whether a comma-separated list has a word, in any case. */
static bool
has_word(const char *text, size_t size, const char *word)
{
	const char *end = text + size;

	while (text < end) {
		const char *comma = memchr(text, ',', (size_t)(end - text)),
			   *last = comma != NULL ? comma : end;

		while (text < last && (*text == ' ' || *text == '\t'))
			text++;
		while (last > text && (last[-1] == ' ' || last[-1] == '\t'))
			last--;
		if ((size_t)(last - text) == strlen(word) && strncasecmp(text, word, strlen(word)) == 0)
			return true;
		text = comma != NULL ? comma + 1 : end;
	}
	return false;
}

/* @return whether it is a number; *ret_zero: which one */
static bool
is_number(const char *text, size_t size, bool *ret_zero)
{
	*ret_zero = true;
	for (size_t i = 0; i < size; i++) {
		if (text[i] < '0' || text[i] > '9')
			return false;
		*ret_zero &= text[i] == '0';
	}
	return size > 0;
}

int
http_header(const char *line, size_t size, struct http_request *r)
{
	const char *colon = memchr(line, ':', size), *value;
	size_t name_size = colon != NULL ? (size_t)(colon - line) : 0, value_size;
	bool zero;

	if (!is_token(line, name_size) || memchr(line, '\0', size) != NULL)
		return 400;
	value = colon + 1;
	while (value < line + size && (*value == ' ' || *value == '\t'))
		value++;
	value_size = (size_t)(line + size - value);
	while (value_size > 0 && (value[value_size - 1] == ' ' || value[value_size - 1] == '\t'))
		value_size--;
	if (name_size == 4 && strncasecmp(line, "Host", 4) == 0)
		r->hosts++;
	else if (name_size == 10 && strncasecmp(line, "Connection", 10) == 0) {
		if (has_word(value, value_size, "close"))
			r->close = true;
		else if (r->minor == 0 && has_word(value, value_size, "keep-alive"))
			r->close = false;
	} else if (name_size == 17 && strncasecmp(line, "Transfer-Encoding", 17) == 0)
		r->has_body = true;
	else if (name_size == 14 && strncasecmp(line, "Content-Length", 14) == 0) {
		if (!is_number(value, value_size, &zero))
			return 400;
		r->has_body |= !zero;
	}
	return 0;
}

int
http_request_whole(const struct http_request *r)
{
	if (r->hosts > 1 || (r->hosts == 0 && r->minor > 0))
		return 400; /* RFC 9112, section 3.2 */
	return r->has_body ? 413 : 0;
}
