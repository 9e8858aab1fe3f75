/* An answer is one line: {"done":...} or {"error":"..."}. */
#include "ask.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

enum { READ_SIZE = 16 * 1024, REPLY_MAX = 64 * 1024 * 1024, TOLD_MAX = 200 };

static const struct {
	const char *request;
	const char *member; /* the string that is wanted of what is done; NULL: all of it, as it is */
} questions[QUESTION_COUNT] = {
	[ASK_METRICS] = { "{\"verb\":\"metrics\"}\n", "text" },
	[ASK_STATUS] = { "{\"verb\":\"status\"}\n", NULL },
};

void
reply_unref(struct reply *r)
{
	if (r == NULL || --r->references > 0)
		return;
	free(r->text);
	free(r);
}

void
asker_fini(struct asker *a)
{
	for (size_t i = 0; i < QUESTION_COUNT; i++)
		reply_unref(a->kept[i]);
}

/* Room for so many bytes more. */
static bool
reply_grow(struct reply *r, size_t more)
{
	size_t room = r->room > 0 ? r->room : READ_SIZE;
	char *grown;

	while (room - r->size < more)
		room *= 2;
	if (room == r->room)
		return true;
	grown = room <= REPLY_MAX ? realloc(r->text, room) : NULL;
	if (grown == NULL) {
		errno = ENOMEM;
		return false;
	}
	r->text = grown;
	r->room = room;
	return true;
}

/* Up to the end of the line. */
static bool
read_line(struct sockd_reader reader, struct reply *r)
{
	for (;;) {
		const char *end;
		ssize_t n;

		if (!reply_grow(r, READ_SIZE))
			return false;
		n = sockd_read(reader, r->text + r->size, READ_SIZE);
		if (n == 0)
			errno = EPIPE;
		if (n <= 0)
			return false;
		end = memchr(r->text + r->size, '\n', (size_t)n);
		if (end != NULL) {
			r->size = (size_t)(end - r->text);
			return true;
		}
		r->size += (size_t)n;
	}
}

/* Take the content out of the line. @return false: it is an error, whose text is in @p told, or no answer at
 * all */
static bool
understand(struct reply *r, const char *member, char told[TOLD_MAX])
{
	struct span line = { r->text, r->size }, done, error;
	size_t size;

	told[0] = '\0';
	errno = EPROTO;
	if (answer_member(line, "error", &error)) {
		if (error.size < TOLD_MAX && answer_string(error, told, &size))
			told[size] = '\0';
		return false;
	}
	if (!answer_member(line, "done", &done))
		return false;
	r->content = done;
	if (member == NULL)
		return true;
	if (!answer_member(done, member, &r->content) ||
		!answer_string(r->content, r->text, &r->content.size))
		return false;
	r->content.at = r->text;
	return true;
}

/* @return whether there is an answer, else with errno, and perhaps with what the daemon says */
static bool
talk(const struct asker *a, struct sockd_conn c, enum question q, struct reply *r, char told[TOLD_MAX])
{
	const struct sockd_dial_options o = { .size = sizeof o, .timeout_ms = (int32_t)a->timeout_ms };
	struct sockd_conn daemon = sockd_dial(sockd_conn_host(c), a->url, &o);
	const char *request = questions[q].request;
	int error = 0;

	if (sockd_null(daemon))
		return false;
	(void)sockd_conn_set_timeout(daemon, SOCKD_TIMEOUT_READ, a->timeout_ms);
	if (sockd_write(sockd_conn_writer(daemon), request, strlen(request)) < 0 ||
		!read_line(sockd_conn_reader(daemon), r))
		error = errno;
	(void)sockd_conn_close(daemon);
	errno = error;
	return error == 0 && understand(r, questions[q].member, told);
}

/* Once for each time that it begins and ends. */
static void
tell(struct asker *a, struct sockd_conn c, bool fails, const char *told)
{
	struct sockd_host h = sockd_conn_host(c);

	if (fails && !a->fails)
		(void)sockd_log(h, SOCKD_LOG_ERROR, "metrics_no_answer", "%s: %s", a->url, told);
	else if (!fails && a->fails)
		(void)sockd_log(h, SOCKD_LOG_NOTICE, "metrics_answer", "%s answers again", a->url);
	a->fails = fails;
}

static struct reply *
ask_now(struct asker *a, struct sockd_conn c, enum question q)
{
	struct reply *r = calloc(1, sizeof *r);
	char told[TOLD_MAX] = "";
	int error;

	if (r == NULL)
		return NULL;
	r->references = 1;
	r->asked_ms = sockd_now(sockd_conn_host(c));
	if (talk(a, c, q, r, told)) {
		tell(a, c, false, "");
		return r;
	}
	error = errno;
	if (error != ECANCELED) { /* else it is our client that is gone */
		(void)sockd_metric_add(sockd_conn_host(c), a->failures, 1);
		tell(a, c, true, told[0] != '\0' ? told : strerror(error));
	}
	reply_unref(r);
	return NULL;
}

struct reply *
ask(struct asker *a, struct sockd_conn c, enum question q)
{
	struct sockd_host h = sockd_conn_host(c);
	int64_t came_ms = sockd_now(h);
	struct reply *r;

	while (a->asks)
		if (sockd_wait(h, a, SOCKD_FOREVER) < 0)
			return NULL;
	r = a->kept[q];
	if (r == NULL || r->asked_ms + a->keep_ms <= came_ms) {
		a->asks = true;
		r = ask_now(a, c, q);
		a->asks = false;
		(void)sockd_wake(h, a);
		reply_unref(a->kept[q]);
		a->kept[q] = r;
	}
	if (r != NULL)
		r->references++;
	return r;
}
