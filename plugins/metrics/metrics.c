/* metrics - what sockd counts, for Prometheus and for whoever asks whether it is well, by HTTP/1.1.
 *
 * Straight-line code: a request, a question to the daemon over its admin socket, an answer; and again, while
 * the client stays. A request has bounds in length, a client in time by the timeouts of the listener. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <sockd/plugin.h>

#include "ask.h"
#include "http.h"

#define ADMIN_FILE "admin.sock"

enum { URL_SIZE = 128, HEAD_SIZE = 512, PIECE = 16 * 1024 };

struct metrics {
	char url[URL_SIZE];
	int64_t timeout_ms, keep_ms;
	uint64_t requests, failures;
};

/* ---- settings ---- */

static const struct sockd_option options[] = {
	{ .name = "admin",
		.type = SOCKD_T_URL,
		.help = "The admin socket, as daemon.admin.listen says; without it, where that is by "
			"default" },
	{ .name = "timeout",
		.type = SOCKD_T_DURATION,
		.fallback = "5s",
		.min = 1,
		.max = 60 * 1000,
		.help = "How long the daemon may take to answer, before the client is told that it does "
			"not" },
	{ .name = "keep",
		.type = SOCKD_T_DURATION,
		.fallback = "1s",
		.min = 0,
		.max = 60 * 1000,
		.help = "How long an answer of the daemon serves further clients" },
	{ 0 },
};

static int
check(const struct sockd_settings *s, struct sockd_error *e)
{
	const char *url = sockd_setting_string(s, "admin");

	if (url != NULL && strncmp(url, "unix:", 5) != 0)
		return sockd_error_set(e, "admin", "the admin socket is a unix:// one");
	if (url != NULL && strlen(url) >= URL_SIZE)
		return sockd_error_set(e, "admin", "is too long");
	return 0;
}

/* The first folder of a variable, as sockd itself looks for it. @return whether there is one */
static bool
url_in(const char *variable, const char *below, char url[URL_SIZE])
{
	const char *value = getenv(variable);
	size_t size = value != NULL ? strcspn(value, ":") : 0;

	if (size == 0 || value[0] != '/')
		return false;
	return snprintf(url, URL_SIZE, "unix://%.*s%s/" ADMIN_FILE, (int)size, value, below) < URL_SIZE;
}

static int
start(struct sockd_host h, const struct sockd_settings *s, void **ret_instance, struct sockd_error *e)
{
	const char *url = sockd_setting_string(s, "admin");
	struct metrics *m = calloc(1, sizeof *m);

	if (m == NULL)
		return sockd_error_set(e, NULL, "no memory");
	m->timeout_ms = sockd_setting_duration_ms(s, "timeout");
	m->keep_ms = sockd_setting_duration_ms(s, "keep");
	if (url != NULL)
		snprintf(m->url, sizeof m->url, "%s", url);
	else if (!url_in("RUNTIME_DIRECTORY", "", m->url) && !url_in("XDG_RUNTIME_DIR", "/sockd", m->url))
		snprintf(m->url, sizeof m->url, "unix:///run/sockd/" ADMIN_FILE);
	m->requests = sockd_metric_register(h, 1, "metrics_requests", "HTTP requests that were answered");
	m->failures =
		sockd_metric_register(h, 1, "metrics_failures", "Questions that the daemon did not answer");
	*ret_instance = m;
	return 0;
}

static void
stop(void *instance)
{
	free(instance);
}

static int
thread_start(struct sockd_host h, void *instance, void **ret_state, struct sockd_error *e)
{
	const struct metrics *m = instance;
	struct asker *a = calloc(1, sizeof *a);

	(void)h;
	if (a == NULL)
		return sockd_error_set(e, NULL, "no memory");
	*a = (struct asker){
		.url = m->url, .timeout_ms = m->timeout_ms, .keep_ms = m->keep_ms, .failures = m->failures
	};
	*ret_state = a;
	return 0;
}

static void
thread_stop(void *instance, void *state)
{
	(void)instance;
	asker_fini(state);
	free(state);
}

/* ---- answers ---- */

struct answer {
	int status;
	const char *type;
	const char *text;
	size_t size;
};

static const char PLAIN[] = "text/plain; charset=utf-8", JSON[] = "application/json",
		  EXPOSITION[] = "text/plain; version=0.0.4; charset=utf-8";

static struct answer
plain(int status, const char *text)
{
	return (struct answer){ status, PLAIN, text, strlen(text) };
}

/* RFC 9110, section 5.6.7 */
static void
add_date(struct sockd_host h, char *text, size_t size)
{
	time_t now = (time_t)(sockd_wall(h) / 1000);
	struct tm t;

	if (gmtime_r(&now, &t) == NULL || strftime(text, size, "%a, %d %b %Y %H:%M:%S GMT", &t) == 0)
		text[0] = '\0';
}

/* What is longer than the write buffer would be refused as one write. */
static bool
write_all(struct sockd_writer w, const char *text, size_t size)
{
	size_t piece = PIECE;

	while (size > 0) {
		size_t n = size < piece ? size : piece;

		if (sockd_write(w, text, n) >= 0) {
			text += n;
			size -= n;
		} else if (errno == EMSGSIZE && piece > 1)
			piece /= 2;
		else
			return false;
	}
	return true;
}

/* @return whether the client got it */
static bool
say(struct sockd_conn c, struct sockd_writer w, const struct http_request *r, struct answer a)
{
	char head[HEAD_SIZE], date[64];
	int size;

	add_date(sockd_conn_host(c), date, sizeof date);
	size = snprintf(head, sizeof head,
		"HTTP/1.1 %d %s\r\nDate: %s\r\nContent-Type: %s\r\nContent-Length: %zu\r\n"
		"Cache-Control: no-store\r\nX-Content-Type-Options: nosniff\r\n%s%s\r\n",
		a.status, http_reason(a.status), date, a.type, a.size,
		a.status == 405 ? "Allow: GET, HEAD\r\n" : "",
		r->close ? "Connection: close\r\n" : (r->minor == 0 ? "Connection: keep-alive\r\n" : ""));
	return write_all(w, head, (size_t)size) && (r->method == HTTP_HEAD || write_all(w, a.text, a.size));
}

/* ---- what there is ---- */

static struct answer
exposition(const struct reply *r)
{
	return (struct answer){ 200, EXPOSITION, r->content.at, r->content.size };
}

static struct answer
status(const struct reply *r)
{
	return (struct answer){ 200, JSON, r->content.at, r->content.size };
}

static struct answer
alive(const struct reply *r)
{
	(void)r; /* that there is one is the answer */
	return plain(200, "ok\n");
}

static struct answer
ready(const struct reply *r)
{
	struct span state;

	if (answer_member(r->content, "state", &state) && answer_is(state, "serving"))
		return plain(200, "ok\n");
	return plain(503, "sockd does not serve new clients\n");
}

static const struct resource {
	const char *path;
	enum question question;
	struct answer (*answer)(const struct reply *r);
} resources[] = {
	{ "/metrics", ASK_METRICS, exposition },
	{ "/livez", ASK_STATUS, alive },
	{ "/readyz", ASK_STATUS, ready },
	{ "/status", ASK_STATUS, status },
};

static const struct resource *
find(const char *path)
{
	for (size_t i = 0; i < sizeof resources / sizeof resources[0]; i++)
		if (strcmp(resources[i].path, path) == 0)
			return &resources[i];
	return NULL;
}

static bool
answer(struct sockd_conn c, struct sockd_writer w, const struct http_request *r)
{
	const struct resource *resource = find(r->path);
	struct reply *reply;
	bool said;

	if (resource == NULL)
		return say(c, w, r, plain(404, "there are /metrics, /livez, /readyz and /status\n"));
	if (r->method == HTTP_OTHER)
		return say(c, w, r, plain(405, "this can only be read\n"));
	reply = ask(sockd_conn_thread_state(c), c, resource->question);
	if (reply == NULL)
		return say(c, w, r, plain(503, "the daemon does not answer; its log tells why\n"));
	said = say(c, w, r, resource->answer(reply));
	reply_unref(reply);
	return said;
}

/* ---- requests ---- */

/* A line without its end.
 * @return 1; 0: the client has ended, or is gone; -1: it is longer than HTTP_LINE_MAX */
static int
read_line(struct sockd_reader r, char line[HTTP_LINE_MAX], size_t *ret_size)
{
	ssize_t n = sockd_read_until(r, "\n", 1, line, HTTP_LINE_MAX);

	if (n < 0 && errno == EMSGSIZE)
		return -1;
	if (n <= 0 || line[n - 1] != '\n')
		return 0;
	n -= n > 1 && line[n - 2] == '\r' ? 2 : 1;
	*ret_size = (size_t)n;
	return 1;
}

static int
read_headers(struct sockd_reader reader, char line[HTTP_LINE_MAX], struct http_request *r)
{
	size_t size, all = 0;

	for (int count = 0; count <= HTTP_HEADERS_MAX; count++) {
		int got = read_line(reader, line, &size), status;

		if (got <= 0)
			return got < 0 ? 431 : -1;
		if (size == 0)
			return http_request_whole(r);
		all += size;
		if (all > HTTP_HEADER_BYTES_MAX)
			return 431;
		status = http_header(line, size, r);
		if (status != 0)
			return status;
	}
	return 431;
}

/* @return 0 with a request; the status to refuse it with; -1: there is none any more */
static int
read_request(struct sockd_reader reader, struct http_request *r)
{
	char line[HTTP_LINE_MAX];
	size_t size = 0;
	int status = 1;

	*r = (struct http_request){ .method = HTTP_OTHER, .minor = 1 };
	for (int i = 0; i < 2 && size == 0;
		i++) { /* an empty line before it is forgiven: RFC 9112, section 2.2 */
		status = read_line(reader, line, &size);
		if (status <= 0)
			return status < 0 ? 414 : -1;
	}
	status = http_request_line(line, size, r);
	return status != 0 ? status : read_headers(reader, line, r);
}

static void
serve(struct sockd_conn c, struct sockd_reader reader, struct sockd_writer w)
{
	const struct metrics *m = sockd_conn_instance(c);
	struct http_request r;
	bool said = true;

	while (said) {
		int status = read_request(reader, &r);

		if (status < 0)
			return;
		(void)sockd_conn_set_busy(c, true);
		if (status > 0)
			r.close = true; /* where the next request would begin is not known */
		said = status > 0 ? say(c, w, &r, plain(status, "this is no request that is served here\n"))
				  : answer(c, w, &r);
		(void)sockd_metric_add(sockd_conn_host(c), m->requests, 1);
		(void)sockd_conn_set_busy(c, false);
		if (r.close)
			return;
	}
}

SOCKD_EXPORT const struct sockd_plugin sockd_plugin = {
	SOCKD_PLUGIN_INIT,
	.name = "metrics",
	.version = "1.0",
	.summary = "Serves counters and health by HTTP",
	.license = "MIT",
	.transports = 1u << SOCKD_TCP | 1u << SOCKD_UNIX,
	.options = options,
	.check = check,
	.start = start,
	.stop = stop,
	.thread_start = thread_start,
	.thread_stop = thread_stop,
	.serve = serve,
};
