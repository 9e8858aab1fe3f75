/* The whole state of the walk stands in the call: which worker, and where in its list. So nothing is lost
 * when an answer takes its time, or the client does. */
#include "supervisor/admin_pages.h"

#include <errno.h>

static void ask_page(struct admin_call *call);

/* After a worker's last page. */
static void
go_on(struct admin_call *call)
{
	json_t *no_place = call->from;

	call->from = NULL;
	json_decref(no_place);
	call->worker++;
	ask_page(call);
}

static void
on_page(void *arg, int code, const char *text)
{
	struct admin_call *call = arg;
	unsigned generation = call->workers[call->worker];
	json_t *page, *row, *next;
	size_t i;

	if (code == -EINVAL && !call->may_refuse)
		admin_fail_text(call, text);
	if (code < 0 || call->over) {
		if (!call->over)
			go_on(call); /* it died, and its rows with it */
		admin_release(call);
		return;
	}
	page = json_loads(text, 0, NULL);
	json_array_foreach(json_object_get(page, "rows"), i, row) call->on_row(call, generation, row);
	next = json_object_get(page, "next");
	if (next != NULL) {
		json_decref(call->from);
		call->from = json_incref(next);
		admin_when_room(call, ask_page);
	} else
		go_on(call);
	json_decref(page);
	admin_release(call);
}

static void
ask_page(struct admin_call *call)
{
	json_t *request;
	char *text;

	if (call->worker == call->worker_count) {
		call->on_last(call);
		return;
	}
	request = json_pack(
		"{s:s, s:O*, s:O*}", "ask", call->ask, "argument", call->argument, "from", call->from);
	text = request != NULL ? json_dumps(request, JSON_COMPACT) : NULL;
	json_decref(request);
	if (text == NULL) {
		admin_fail(call, "out of memory");
		return;
	}
	admin_hold(call);
	call->host->ask(call->host_arg, call->workers[call->worker], text, on_page, call);
	free(text);
}

static void
begin(struct admin_call *call, const char *ask, json_t *argument, admin_row_fn *row,
	void (*last)(struct admin_call *call))
{
	json_decref(call->argument);
	json_decref(call->from);
	call->ask = ask;
	call->argument = argument;
	call->from = NULL;
	call->on_row = row;
	call->on_last = last;
	call->worker = 0;
	ask_page(call);
}

void
admin_ask_all(struct admin_call *call, const char *ask, json_t *argument, admin_row_fn *row,
	void (*last)(struct admin_call *call))
{
	call->worker_count = call->host->workers(call->host_arg, call->workers);
	begin(call, ask, argument, row, last);
}

void
admin_ask_one(struct admin_call *call, unsigned generation, const char *ask, json_t *argument,
	admin_row_fn *row, void (*last)(struct admin_call *call))
{
	call->workers[0] = generation;
	call->worker_count = 1;
	begin(call, ask, argument, row, last);
}
