/* The daemon itself does the work, in a reload that stops before it changes anything: it alone knows what it
 * serves, and which keys still wait for a new worker. */
#include "run/diff_command.h"

#include <errno.h>
#include <jansson.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "ctl/client.h"
#include "ctl/place.h"

enum { PATIENCE_MS = 60000 };

/* One request and the last line of its answer. @return 0 with what is under `done`, borrowed from *ret_line
 */
static int
ask(struct client *c, json_t *request, json_t **ret_line, json_t **ret_done, struct err *e)
{
	const char *error;
	int code = request != NULL ? client_send(c, request, e) : err_set(e, -ENOMEM, "out of memory");

	json_decref(request);
	if (code == 0)
		code = client_receive(c, ret_line, e);
	if (code < 0)
		return code;
	error = json_string_value(json_object_get(*ret_line, "error"));
	*ret_done = json_object_get(*ret_line, "done");
	if (error != NULL)
		return err_set(e, -EINVAL, "%s", error);
	return *ret_done != NULL ? 0 : err_set(e, -EPROTO, "the answer of the daemon is not understood");
}

static bool
is_same_file(const char *a, const char *b)
{
	auto_of(mem) char *x = realpath(a, NULL);
	auto_of(mem) char *y = realpath(b, NULL);

	return strcmp(a, b) == 0 || (x != NULL && y != NULL && strcmp(x, y) == 0);
}

static int
check_file(struct client *c, const char *config_path, struct err *e)
{
	json_t *line = NULL, *done = NULL;
	int code = ask(c, json_pack("{s:s}", "verb", "status"), &line, &done, e);
	const char *theirs = code == 0 ? json_string_value(json_object_get(done, "config")) : NULL;

	if (code == 0 && (theirs == NULL || !is_same_file(theirs, config_path)))
		code = err_set(e, -EBUSY, "the daemon that runs was started with %s, not with %s",
			theirs != NULL ? theirs : "no file", config_path);
	json_decref(line);
	return code;
}

static int
print_plan(struct client *c, struct err *e)
{
	json_t *line = NULL, *done = NULL;
	int code = ask(c, json_pack("{s:s, s:b}", "verb", "reload", "dry", 1), &line, &done, e);
	const char *text = code == 0 ? json_string_value(json_object_get(done, "text")) : NULL;

	if (text != NULL)
		fputs(text, stdout);
	json_decref(line);
	return code;
}

int
diff_command(const char *config_path, struct err *e)
{
	auto_of(mem) char *path = NULL;
	struct client *c = NULL;
	int code = place_find(NULL, config_path, &path, e);

	if (code == 0)
		code = client_open(path, PATIENCE_MS, &c, e);
	if (code == 0)
		code = check_file(c, config_path, e);
	if (code == 0)
		code = print_plan(c, e);
	client_close(c);
	return code;
}
