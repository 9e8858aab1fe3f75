/* The verbs, in one table. What a person sees of them, their options and their help are sockctl's table
 * (ctl/verbs.c); here is what they do. */
#include "supervisor/admin_call.h"

#include <errno.h>
#include <inttypes.h>
#include <string.h>

#include "base/log.h"
#include "supervisor/admin_bans.h"
#include "supervisor/admin_pages.h"
#include "supervisor/plugin_metrics.h"

static void
done_empty(struct admin_call *call)
{
	admin_done(call, json_object());
}

/* ---- looking ---- */

static void
verb_status(struct admin_call *call)
{
	admin_done(call, call->host->status(call->host_arg));
}

/* Add the numbers of a worker's row to those of the listener; the rest is the youngest worker's to say. */
static void
merge_listener(json_t *into, json_t *row)
{
	const char *key;
	json_t *value;

	json_object_foreach(row, key, value)
	{
		json_t *old = json_object_get(into, key);

		if (old == NULL)
			json_object_set(into, key, value);
		else if (json_is_integer(old) && json_is_integer(value) && strcmp(key, "limit") != 0)
			json_object_set_new(
				into, key, json_integer(json_integer_value(old) + json_integer_value(value)));
	}
}

static void
listener_row(struct admin_call *call, unsigned generation, json_t *row)
{
	const char *name = json_string_value(json_object_get(row, "name"));
	json_t *known;
	size_t i;

	(void)generation; /* a listener is the same in all of them */
	json_array_foreach(call->list, i, known)
	{
		if (name != NULL && strcmp(json_string_value(json_object_get(known, "name")), name) == 0) {
			merge_listener(known, row);
			return;
		}
	}
	json_array_append(call->list, row); /* one that is no longer configured, and drains */
}

static void
listeners_last(struct admin_call *call)
{
	json_t *row;
	size_t i;

	json_array_foreach(call->list, i, row) admin_row(call, json_incref(row));
	done_empty(call);
}

static void
verb_listeners(struct admin_call *call)
{
	call->list = call->host->listeners(call->host_arg);
	if (call->list == NULL)
		admin_fail(call, "out of memory");
	else
		admin_ask_all(call, "listeners", NULL, listener_row, listeners_last);
}

/* Say a worker's row as it is, with the generation that it comes from. */
static void
plain_row(struct admin_call *call, unsigned generation, json_t *row)
{
	call->total++;
	json_object_set_new(row, "generation", json_integer((json_int_t)generation));
	admin_row(call, json_incref(row));
}

static void
count_last(struct admin_call *call)
{
	admin_done(call, json_pack("{s:I}", "count", (json_int_t)call->total));
}

static void
verb_plugins(struct admin_call *call)
{
	admin_ask_all(call, "plugins", NULL, plain_row, count_last);
}

static void
verb_certs(struct admin_call *call)
{
	json_t *rows = call->host->certs(call->host_arg), *row;
	size_t i;

	if (rows == NULL) {
		admin_fail(call, "out of memory");
		return;
	}
	json_array_foreach(rows, i, row) admin_row(call, json_incref(row));
	json_decref(rows);
	done_empty(call);
}

/* ---- connections ---- */

struct selection {
	const char *listener, *peer;
	int64_t older_than_ms, idle_for_ms, id, generation;
};

static bool
read_selection(struct admin_call *call, struct selection *ret)
{
	*ret = (struct selection){ .listener = "", .peer = "" };
	return admin_text(call, "listener", &ret->listener) && admin_text(call, "peer", &ret->peer) &&
	       admin_number(call, "older_than_ms", &ret->older_than_ms) &&
	       admin_number(call, "idle_for_ms", &ret->idle_for_ms) && admin_number(call, "id", &ret->id) &&
	       admin_number(call, "generation", &ret->generation);
}

static json_t *
filter_of(const struct selection *s)
{
	return json_pack("{s:s, s:s, s:I, s:I, s:I}", "listener", s->listener, "peer", s->peer,
		"older_than_ms", (json_int_t)s->older_than_ms, "idle_for_ms", (json_int_t)s->idle_for_ms,
		"id", (json_int_t)s->id);
}

static void
ask_selected(struct admin_call *call, const char *ask, const struct selection *s, admin_row_fn *row,
	void (*last)(struct admin_call *call))
{
	if (s->generation > 0)
		admin_ask_one(call, (unsigned)s->generation, ask, filter_of(s), row, last);
	else
		admin_ask_all(call, ask, filter_of(s), row, last);
}

static void
verb_connections(struct admin_call *call)
{
	struct selection s;

	if (read_selection(call, &s))
		ask_selected(call, "connections", &s, plain_row, count_last);
}

static void
kill_last(struct admin_call *call)
{
	log_notice("killed", LOG_U("connections", call->total), LOG_S("msg", "by sockctl"));
	count_last(call);
}

static void
keep_row(struct admin_call *call, unsigned generation, json_t *row)
{
	(void)row;
	json_array_append_new(call->list, json_integer((json_int_t)generation));
}

/* Each worker gives its own numbers to connections, so one number may stand for several. */
static void
kill_found(struct admin_call *call)
{
	int64_t id = json_integer_value(json_object_get(call->request, "id"));
	struct selection s;

	if (!read_selection(call, &s))
		return;
	if (json_array_size(call->list) == 0)
		admin_fail(call, "there is no connection %" PRId64, id);
	else if (json_array_size(call->list) > 1)
		admin_fail(
			call, "several workers have a connection %" PRId64 "; say which, by generation", id);
	else
		admin_ask_one(call, (unsigned)json_integer_value(json_array_get(call->list, 0)), "kill",
			filter_of(&s), plain_row, kill_last);
}

static void
verb_kill(struct admin_call *call)
{
	struct selection s;
	bool all = false;

	if (!read_selection(call, &s) || !admin_flag(call, "all", &all))
		return;
	if (s.id > 0) {
		call->list = json_array();
		ask_selected(call, "connections", &s, keep_row, kill_found);
	} else if (!all && *s.listener == '\0' && *s.peer == '\0' && s.older_than_ms == 0 &&
		   s.idle_for_ms == 0)
		admin_fail(call, "kill needs an id, a filter, or \"all\"");
	else
		ask_selected(call, "kill", &s, plain_row, kill_last);
}

/* ---- numbers ---- */

static void
metrics_row(struct admin_call *call, unsigned generation, json_t *row)
{
	(void)generation; /* they are sums over all of them */
	plugin_metrics_add(call->list, row);
}

static void
metrics_last(struct admin_call *call)
{
	auto_of(strbuf) struct strbuf text = { 0 };

	call->host->metrics(call->host_arg, &text);
	plugin_metrics_expose(call->list, &text);
	if (text.failed)
		admin_fail(call, "out of memory");
	else
		admin_done(call, json_pack("{s:s}", "text", text.data != NULL ? text.data : ""));
}

/* The workers are asked for what plugins count. One of another version may not know the question, and has
 * none, then. */
static void
verb_metrics(struct admin_call *call)
{
	call->list = json_object();
	if (call->list == NULL) {
		admin_fail(call, "out of memory");
		return;
	}
	call->may_refuse = true;
	admin_ask_all(call, "metrics", NULL, metrics_row, metrics_last);
}

/* ---- orders ---- */

static int
level_now(void)
{
	int level = LOG_LEVEL_ERROR;

	while (level < LOG_LEVEL_DEBUG && log_is_on(level + 1))
		level++;
	return level;
}

static void
level_last(struct admin_call *call)
{
	admin_done(call, json_pack("{s:s}", "level", log_level_name(level_now())));
}

static void
no_row(struct admin_call *call, unsigned generation, json_t *row)
{
	(void)call, (void)generation, (void)row;
}

static void
verb_log_level(struct admin_call *call)
{
	const char *word = NULL;
	int level;

	if (!admin_text(call, "level", &word))
		return;
	if (word == NULL) {
		level_last(call);
		return;
	}
	level = log_level_parse(word);
	if (level < 0) {
		admin_fail(
			call, "there is no level '%.20s'; write error, warning, notice, info or debug", word);
		return;
	}
	log_set_level(level);
	log_notice("log_level", LOG_S("log_level", word), LOG_S("msg", "by sockctl"));
	admin_ask_all(call, "log-level", json_string(word), no_row, level_last);
}

static void
order_and_wait(struct admin_call *call, enum signal_order order, bool ordered_before)
{
	int64_t open = 0, at_start = 0, left_ms = -1;
	bool wait = false;

	if (!admin_flag(call, "wait", &wait))
		return;
	if (!ordered_before)
		call->host->order(call->host_arg, order, "sockctl");
	if (wait)
		admin_wait_for_end(call);
	else if (call->host->draining(call->host_arg, &open, &at_start, &left_ms))
		admin_done(call,
			json_pack("{s:I, s:I}", "open", (json_int_t)open, "left_ms", (json_int_t)left_ms));
	else
		done_empty(call);
}

/* The worker has obeyed, or knows no such listener and has said so. */
static void
keep_order(struct admin_call *call, enum snapshot_hold hold)
{
	const char *listener = json_string_value(json_object_get(call->request, "listener"));

	if (call->host->hold(call->host_arg, listener, hold) < 0)
		admin_fail(call, "out of memory: a worker that replaces this one will serve it as before");
	else
		done_empty(call);
}

static void
paused(struct admin_call *call)
{
	keep_order(call, SNAPSHOT_PAUSED);
}

static void
resumed(struct admin_call *call)
{
	keep_order(call, SNAPSHOT_SERVES);
}

static void
drained(struct admin_call *call)
{
	keep_order(call, SNAPSHOT_REFUSES);
}

/* To the youngest worker, which is the one that accepts. */
static void
order_listener(struct admin_call *call, const char *ask, void (*last)(struct admin_call *call))
{
	const char *listener = NULL;

	if (!admin_text(call, "listener", &listener))
		return;
	if (listener == NULL)
		admin_fail(call, "the name of a listener is missing");
	else if (call->host->workers(call->host_arg, call->workers) == 0)
		admin_fail(call, "no worker runs");
	else
		admin_ask_one(call, call->workers[0], ask, json_string(listener), no_row, last);
}

static void
verb_pause(struct admin_call *call)
{
	order_listener(call, "pause", paused);
}

static void
verb_resume(struct admin_call *call)
{
	order_listener(call, "resume", resumed);
}

/* A second drain only waits: unlike a second SIGTERM it is no impatience. */
static void
verb_drain(struct admin_call *call)
{
	const char *listener = NULL;
	int64_t open, at_start, left_ms;

	if (!admin_text(call, "listener", &listener))
		return;
	if (listener != NULL) {
		order_listener(call, "drain", drained);
		return;
	}
	order_and_wait(call, SIGNAL_DRAIN, call->host->draining(call->host_arg, &open, &at_start, &left_ms));
}

static void
verb_stop(struct admin_call *call)
{
	order_and_wait(call, SIGNAL_STOP, false);
}

static void
verb_reopen(struct admin_call *call)
{
	call->host->order(call->host_arg, SIGNAL_REOPEN, "sockctl");
	done_empty(call);
}

/* The verdict of a reload or an upgrade. */
static void
on_verdict(void *arg, int code, const char *text)
{
	struct admin_call *call = arg;

	if (!call->over && code < 0)
		admin_fail_text(call, text);
	else if (!call->over)
		admin_done(call, json_loads(text, 0, NULL));
	admin_release(call);
}

static void
verb_reload(struct admin_call *call)
{
	bool dry = false;

	if (!admin_flag(call, "dry", &dry))
		return;
	call->takeover = ADMIN_CALL_REPEATED; /* none runs while an upgrade does: it waits */
	admin_hold(call);
	admin_wait_for_steps(call);
	call->host->reload(call->host_arg, dry, on_verdict, call);
}

static void
verb_upgrade(struct admin_call *call)
{
	call->takeover = ADMIN_CALL_TOLD;
	admin_hold(call);
	admin_wait_for_steps(call);
	call->host->upgrade(call->host_arg, on_verdict, call);
}

const struct admin_verb admin_verbs[] = {
	{ "status", verb_status },
	{ "listeners", verb_listeners },
	{ "connections", verb_connections },
	{ "kill", verb_kill },
	{ "plugins", verb_plugins },
	{ "certs", verb_certs },
	{ "metrics", verb_metrics },
	{ "log-level", verb_log_level },
	{ "reload", verb_reload },
	{ "upgrade", verb_upgrade },
	{ "ban", verb_ban },
	{ "unban", verb_unban },
	{ "bans", verb_bans },
	{ "why", verb_why },
	{ "reopen", verb_reopen },
	{ "pause", verb_pause },
	{ "resume", verb_resume },
	{ "drain", verb_drain },
	{ "stop", verb_stop },
};
const size_t admin_verb_count = array_len(admin_verbs);
