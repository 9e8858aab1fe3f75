/* What a verb says goes to the client's buffer, or nowhere when the client is gone. A call ends once, by done
 * or fail; it is freed when whoever held it has come back. */
#include "supervisor/admin_call.h"

#include <event2/buffer.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "supervisor/admin_client.h"

void
admin_call_unref(struct admin_call *call)
{
	if (call->holds > 0 || !call->over)
		return;
	json_decref(call->request);
	json_decref(call->argument);
	json_decref(call->from);
	json_decref(call->list);
	free(call);
}

void
admin_hold(struct admin_call *call)
{
	call->holds++;
}

void
admin_release(struct admin_call *call)
{
	call->holds--;
	admin_call_unref(call);
}

void
admin_client_say(struct admin_client *c, const char *kind, json_t *value)
{
	json_t *line = value != NULL ? json_pack("{s:O}", kind, value) : NULL;
	char *text = line != NULL ? json_dumps(line, JSON_COMPACT) : NULL;

	bufferevent_write(c->bev, text != NULL ? text : "{\"error\":\"out of memory\"}",
		text != NULL ? strlen(text) : sizeof "{\"error\":\"out of memory\"}" - 1);
	bufferevent_write(c->bev, "\n", 1);
	free(text);
	json_decref(line);
}

void
admin_row(struct admin_call *call, json_t *row)
{
	if (call->client != NULL)
		admin_client_say(call->client, "row", row);
	json_decref(row);
}

void
admin_progress(struct admin_call *call, json_t *progress)
{
	if (call->client != NULL)
		admin_client_say(call->client, "progress", progress);
	json_decref(progress);
}

/* The call has said its last word; its client may go on with the next request. */
static void
call_finish(struct admin_call *call)
{
	struct admin_client *c = call->client;

	call->over = true;
	call->client = NULL;
	if (c != NULL) {
		c->call = NULL;
		c->waits_for_end = false;
		admin_client_look_again(c);
	}
	admin_call_unref(call);
}

void
admin_done(struct admin_call *call, json_t *done)
{
	if (call->client != NULL)
		admin_client_say(call->client, "done", done);
	json_decref(done);
	call_finish(call);
}

void
admin_fail(struct admin_call *call, const char *format, ...)
{
	char text[ERR_TEXT_SIZE];
	va_list args;

	va_start(args, format);
	vsnprintf(text, sizeof text, format, args);
	va_end(args);
	admin_fail_text(call, text);
}

void
admin_fail_text(struct admin_call *call, const char *text)
{
	json_t *error = json_string(text);

	if (call->client != NULL)
		admin_client_say(call->client, "error", error);
	json_decref(error);
	call_finish(call);
}

void
admin_when_room(struct admin_call *call, void (*resume)(struct admin_call *call))
{
	if (call->client == NULL)
		call_finish(call); /* nobody is there to hear the rest */
	else if (evbuffer_get_length(bufferevent_get_output(call->client->bev)) <= ADMIN_OUTPUT_MAX)
		resume(call);
	else
		call->resume = resume;
}

void
admin_wait_for_end(struct admin_call *call)
{
	if (call->client == NULL) {
		call_finish(call); /* nobody waits */
		return;
	}
	call->client->waits_for_end = true;
	admin_watch_progress(call->client->admin);
}

void
admin_wait_for_steps(struct admin_call *call)
{
	call->waits_for_steps = true;
	admin_watch_progress(call->client->admin);
}

bool
admin_text(struct admin_call *call, const char *member, const char **io)
{
	const json_t *value = json_object_get(call->request, member);

	if (value == NULL)
		return true;
	if (!json_is_string(value)) {
		admin_fail(call, "'%s' has to be a string", member);
		return false;
	}
	*io = json_string_value(value);
	return true;
}

bool
admin_number(struct admin_call *call, const char *member, int64_t *io)
{
	const json_t *value = json_object_get(call->request, member);

	if (value == NULL)
		return true;
	if (!json_is_integer(value) || json_integer_value(value) < 0) {
		admin_fail(call, "'%s' has to be a whole number, 0 or more", member);
		return false;
	}
	*io = json_integer_value(value);
	return true;
}

bool
admin_flag(struct admin_call *call, const char *member, bool *io)
{
	const json_t *value = json_object_get(call->request, member);

	if (value == NULL)
		return true;
	if (!json_is_boolean(value)) {
		admin_fail(call, "'%s' has to be true or false", member);
		return false;
	}
	*io = json_is_true(value);
	return true;
}
