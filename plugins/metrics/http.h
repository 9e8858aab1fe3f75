/* As much of HTTP/1.1 as a server needs that only gives: request lines and headers (RFC 9112). */
#ifndef METRICS_HTTP_H
#define METRICS_HTTP_H

#include <stdbool.h>
#include <stddef.h>

enum {
	HTTP_LINE_MAX = 8 * 1024,
	HTTP_HEADERS_MAX = 100,
	HTTP_HEADER_BYTES_MAX = 16 * 1024,
	HTTP_PATH_MAX = 64
};

enum http_method { HTTP_GET, HTTP_HEAD, HTTP_OTHER };

struct http_request {
	enum http_method method;
	char path[HTTP_PATH_MAX]; /* without its query; "" for one that is longer than any that is served */
	int minor;                /* of HTTP/1 */
	unsigned hosts;
	bool close;    /* no request follows this one */
	bool has_body; /* which nothing here takes */
};

/* Lines come without their end. Both return 0, or the status to refuse the request with. */
int http_request_line(const char *line, size_t size, struct http_request *ret);
int http_header(const char *line, size_t size, struct http_request *r);

/** After the last header. @return as above */
int http_request_whole(const struct http_request *r);

/** "Not Found" for 404. */
const char *http_reason(int status);

#endif
