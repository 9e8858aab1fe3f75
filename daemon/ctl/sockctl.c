/* The program: one request, and its answer on standard output; what went wrong on standard error, and in the
 * exit status. */
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sysexits.h>
#include <unistd.h>

#include "ctl/client.h"
#include "ctl/command.h"
#include "ctl/place.h"
#include "ctl/show.h"
#include "ctl/table.h"

/* LSB's words for the exit status of `status`; EXIT_REFUSED is for all other verbs. */
enum { LSB_NOT_RUNNING = 3, LSB_UNKNOWN = 4, EXIT_REFUSED = 1 };

struct answer {
	json_t *rows; /* owned */
	json_t *last; /* owned: what stands behind "done" or "error" */
	bool failed, denied;
	bool on_line; /* the terminal's last line is one of progress */
};

static bool
is_status(const struct command *c)
{
	return strcmp(c->verb->name, "status") == 0;
}

static int
tell(const struct err *e)
{
	fprintf(stderr, "sockctl: %s\n", e->text);
	return e->code;
}

/* The exit status when there was no answer. */
static int
status_of(const struct command *c, int code)
{
	bool nobody = code == -ENOENT || code == -ECONNREFUSED;

	if (is_status(c))
		return nobody ? LSB_NOT_RUNNING : LSB_UNKNOWN;
	if (code == -EACCES || code == -EPERM)
		return EX_NOPERM;
	if (code == -ENOMEM)
		return EX_OSERR;
	return code == -ETIMEDOUT ? EX_TEMPFAIL : EX_UNAVAILABLE;
}

/* ---- the answer, line by line ---- */

/* On a terminal progress stays on one line; elsewhere each is a line. */
static void
show_on_line(struct answer *a, json_t *progress)
{
	bool terminal = isatty(STDERR_FILENO);

	fputs(terminal ? "\r\033[K" : "", stderr);
	show_progress(progress, stderr);
	if (!terminal)
		fputc('\n', stderr);
	fflush(stderr);
	a->on_line = terminal;
}

/* @return whether it was the last line */
static bool
take_line(struct answer *a, json_t *line)
{
	json_t *row = json_object_get(line, "row"), *progress = json_object_get(line, "progress");
	json_t *done = json_object_get(line, "done"), *error = json_object_get(line, "error");

	if (row != NULL)
		json_array_append(a->rows, row);
	if (progress != NULL)
		show_on_line(a, progress);
	if (done == NULL && error == NULL)
		return false;
	a->failed = error != NULL;
	a->denied = json_is_true(json_object_get(line, "denied"));
	a->last = json_incref(done != NULL ? done : error);
	return true;
}

static int
receive_all(struct client *client, struct answer *a, struct err *e)
{
	bool last = false;

	while (!last) {
		json_t *line;
		int code = client_receive(client, &line, e);

		if (code < 0)
			return code;
		last = take_line(a, line);
		json_decref(line);
	}
	return 0;
}

/* ---- printing ---- */

static int
print_json(json_t *value)
{
	if (value == NULL || json_dumpf(value, stdout, JSON_INDENT(2) | JSON_ENCODE_ANY) < 0)
		return EX_OSERR;
	putchar('\n');
	return EX_OK;
}

static int
print_done(const struct command *c, const struct answer *a)
{
	if (c->json)
		return print_json(c->verb->columns != NULL ? a->rows : a->last);
	if (c->verb->columns != NULL && table_print(a->rows, c->verb->columns, stdout) < 0)
		return EX_OSERR;
	if (c->verb->show != NULL)
		c->verb->show(a->last, json_array_size(a->rows), stdout);
	return EX_OK;
}

static int
print_error(const struct command *c, const struct answer *a)
{
	const char *text = json_string_value(a->last);
	size_t size = text != NULL ? strlen(text) : 0;

	if (c->json) {
		json_t *object = json_pack("{s:O}", "error", a->last);

		(void)print_json(object); /* the status tells of the error anyway */
		json_decref(object);
	}
	/* Several lines are a report, each with its own place. */
	fprintf(stderr, "%s%s%s",
		size > 0 && strchr(text, '\n') != NULL ? "" : "sockctl: ", text != NULL ? text : "refused",
		size > 0 && text[size - 1] == '\n' ? "" : "\n");
	if (a->denied)
		return is_status(c) ? LSB_UNKNOWN : EX_NOPERM;
	return is_status(c) ? LSB_UNKNOWN : EXIT_REFUSED;
}

static int
print_answer(const struct command *c, struct answer *a)
{
	if (a->on_line)
		fputs("\r\033[K", stderr);
	return a->failed ? print_error(c, a) : print_done(c, a);
}

/* ---- the whole ---- */

static int
run_verb(const struct command *c, const char *path)
{
	struct err e = { 0 };
	int code = c->verb->run(c, path, &e);

	if (code == 0)
		return EX_OK;
	return tell(&e) == -EINVAL ? EX_USAGE : status_of(c, code);
}

static int
ask(const struct command *c, const char *path)
{
	struct answer a = { .rows = json_array() };
	struct client *client = NULL;
	struct err e = { 0 };
	int code = client_open(path, c->timeout_ms, &client, &e), status;

	if (code == 0)
		code = client_send(client, c->request, &e);
	if (code == 0)
		code = receive_all(client, &a, &e);
	if (code == 0 && !a.failed && json_is_true(json_object_get(c->request, "wait")))
		client_wait_end(client);
	client_close(client);
	status = code == 0 ? print_answer(c, &a) : status_of(c, tell(&e));
	json_decref(a.rows);
	json_decref(a.last);
	return status;
}

static int
run(const struct command *c)
{
	auto_of(mem) char *path = NULL;
	struct err e = { 0 };
	int code, status;

	if (c->help) {
		command_print_help(c->verb, stdout);
		status = EX_OK;
	} else if (c->version) {
		puts("sockctl " PACKAGE_VERSION);
		status = EX_OK;
	} else {
		code = place_find(c->socket, c->config, &path, &e);
		if (code == -EINVAL)
			return tell(&e) == 0 ? EX_OK : EX_USAGE;
		if (code < 0)
			status = status_of(c, tell(&e));
		else
			status = c->verb->run != NULL ? run_verb(c, path) : ask(c, path);
	}
	if (fflush(stdout) != 0 || ferror(stdout)) {
		fprintf(stderr, "sockctl: cannot write to standard output: %s\n", strerror(errno));
		return EX_OSERR;
	}
	return status;
}

int
main(int argc, char **argv)
{
	struct command c;
	struct err e = { 0 };
	int status, code = command_parse(argc, argv, &c, &e);

	if (code < 0) {
		tell(&e);
		fprintf(stderr, "sockctl: 'sockctl %s%s--help' tells more\n",
			c.verb != NULL ? c.verb->name : "", c.verb != NULL ? " " : "");
	}
	if (code < 0)
		status = code == -ENOMEM ? EX_OSERR : EX_USAGE;
	else
		status = run(&c);
	command_fini(&c);
	return status;
}
