/* What a worker can be asked:
 *
 *   connections  {"argument": FILTER, "from": {"loop", "slot"}} -> {"rows": [...], "next": {"loop", "slot"}}
 *   kill         the same; the rows are those that were ended
 *   alive        -> {"log": {"error", "for_ms", "lost"}}
 *   listeners    -> {"rows": [{"name", "plugin", "open", ...}]}
 *   plugins      -> {"rows": [{"plugin", "name", "version", ...}]}
 *   metrics      {"from": {"handler"}} -> {"rows": [{"plugin", "listener", "name", "counter", "help",
 * "value"}], "next": {"handler"}}; two rows may have the same names log-level    {"argument": WORD} pause,
 * resume, drain  {"argument": LISTENER} bans, why    worker/ask_guard.h
 *
 * The first two go to the loops, a page at a time: without "next" it was the last one. A filter was checked
 * by whoever made it, and is not believed all the same: between the two lies a process boundary. */
#include "worker/ask.h"

#include <assert.h>
#include <errno.h>
#include <jansson.h>
#include <string.h>

#include "base/log.h"
#include "control/json_text.h"
#include "control/snapshot.h"
#include "engine/handler_metrics.h"
#include "engine/query.h"
#include "guard/sources.h"
#include "metric/metric.h"
#include "worker/ask_guard.h"

struct asks {
	struct mailbox answers;
	unsigned pending; /* asks whose answer was not delivered yet */
};

/* One question, and where its answer goes. Those that are answered at once are mail all the same, so that
 * nobody is called back from inside his own call. */
struct ask {
	struct query query; /* its mail brings the answer, whoever gives it */
	struct asks *owner;
	ask_reply_fn *reply;
	void *arg;
	bool of_loops; /* the answer is the query's page; otherwise: */
	json_t *answer;
	struct err error; /* if there is no answer: why, or memory */
};

/* Numbers of JSON are signed; a counter that does not fit has other troubles. */
static json_t *
count(uint64_t n)
{
	return json_integer((json_int_t)n);
}

/* ---- connections, page by page ---- */

static int
read_filter(json_t *filter, struct query_filter *ret, struct err *e)
{
	const char *listener = "", *peer = "";
	json_int_t older = 0, idle = 0, id = 0;

	if (filter == NULL)
		return 0;
	if (json_unpack(filter, "{s?s, s?s, s?I, s?I, s?I}", "listener", &listener, "peer", &peer,
		    "older_than_ms", &older, "idle_for_ms", &idle, "id", &id) < 0)
		return err_set(e, -EINVAL, "the filter is not understood");
	if (strlen(listener) >= sizeof ret->listener)
		return err_set(e, -EINVAL, "there is no listener of such a long name");
	strcpy(ret->listener, listener);
	ret->older_than_ms = older;
	ret->idle_for_ms = idle;
	ret->id = (uint64_t)id;
	return *peer == '\0' ? 0 : query_peer_parse(peer, &ret->peer, e);
}

static int
read_place(json_t *from, struct query_place *ret, struct err *e)
{
	json_int_t loop, slot;

	if (from == NULL)
		return 0;
	if (json_unpack(from, "{s:I, s:I}", "loop", &loop, "slot", &slot) < 0 || loop < 0 ||
		loop > UINT16_MAX || slot < 0 || slot > UINT32_MAX)
		return err_set(e, -EINVAL, "the place in the list is not understood");
	*ret = (struct query_place){ (unsigned)loop, (uint32_t)slot };
	return 0;
}

static json_t *
row_json(const struct query_row *r)
{
	json_t *row = json_pack("{s:o, s:s, s:s, s:s, s:s, s:b, s:I, s:I, s:o, s:o, s:o}", "id", count(r->id),
		"listener", r->listener, "transport", r->transport, "peer", r->peer, "state", r->state,
		"busy", r->busy, "age_ms", (json_int_t)r->age_ms, "idle_ms", (json_int_t)r->idle_ms, "rx",
		count(r->rx), "tx", count(r->tx), "pending", count(r->pending));

	if (row != NULL && r->uid >= 0) {
		json_object_set_new(row, "uid", json_integer((json_int_t)r->uid));
		json_object_set_new(row, "pid", json_integer((json_int_t)r->pid));
	}
	return row;
}

static json_t *
page_json(const struct query *q)
{
	json_t *rows = json_array(), *answer;

	for (size_t i = 0; i < q->count; i++)
		if (json_array_append_new(rows, row_json(&q->rows[i])) < 0) {
			json_decref(rows);
			return NULL;
		}
	answer = json_pack("{s:o}", "rows", rows);
	if (answer != NULL && q->more)
		json_object_set_new(answer, "next",
			json_pack("{s:I, s:I}", "loop", (json_int_t)q->next.loop, "slot",
				(json_int_t)q->next.slot));
	return answer;
}

static void
ask_loops(struct ask *ask, const struct ask_subject *s, json_t *request, bool kill)
{
	if (read_place(json_object_get(request, "from"), &ask->query.from, &ask->error) < 0 ||
		read_filter(json_object_get(request, "argument"), &ask->query.filter, &ask->error) < 0)
		return; /* the error is the answer */
	ask->of_loops = true;
	ask->query.answers = &ask->owner->answers;
	ask->query.kill = kill;
	engine_query(s->engine, &ask->query);
}

/* ---- what is known here ---- */

struct gathering {
	const struct ask_subject *subject;
	json_t *rows;
};

static const char *
state_of(const struct engine_listener_info *l)
{
	if (l->draining)
		return "draining";
	return l->paused ? "paused" : "serving";
}

/* Whether limits.per_source.entries are enough. */
static void
tell_sources(json_t *row, struct sources *sources)
{
	struct sources_counts n = sources_counts(sources);

	json_object_set_new(row, "sources", count(n.used));
	json_object_set_new(row, "sources_forgotten", count(n.forgotten));
	json_object_set_new(row, "sources_unlimited", count(n.unlimited));
}

static void
add_listener(void *arg, const struct engine_listener_info *l)
{
	struct gathering *g = arg;
	const struct metric_block *m = g->subject->metrics;
	int row = (int)l->index;

	json_t *told = json_pack("{s:s, s:s, s:s, s:I, s:I, s:o, s:o, s:o, s:o, s:o}", "name", l->cfg->name,
		"plugin", l->cfg->plugin, "state", state_of(l), "open", (json_int_t)l->open, "limit",
		(json_int_t)l->cfg->connections_limit, "accepted",
		count(metric_sum(m, row, METRIC_CONNECTIONS_ACCEPTED)), "rx",
		count(metric_sum(m, row, METRIC_BYTES_READ)), "tx",
		count(metric_sum(m, row, METRIC_BYTES_WRITTEN)), "datagrams_rx",
		count(metric_sum(m, row, METRIC_DATAGRAMS_READ)), "datagrams_tx",
		count(metric_sum(m, row, METRIC_DATAGRAMS_WRITTEN)));

	if (told != NULL && l->sources != NULL)
		tell_sources(told, l->sources);
	json_array_append_new(g->rows, told);
}

static json_t *
answer_listeners(const struct ask_subject *s, json_t *request, struct err *e)
{
	struct gathering g = { s, json_array() };

	(void)request, (void)e; /* nothing to be told, nothing to refuse */
	engine_each_listener(s->engine, add_listener, &g);
	return json_pack("{s:o}", "rows", g.rows);
}

/* The file that a plugin was loaded from, by what the configuration calls it. */
static const char *
file_of(const struct snapshot *s, const char *plugin)
{
	const struct snapshot_plugin *p = snapshot_plugin_find(s, plugin);

	return p != NULL ? p->path : "";
}

/* The row of the plugin with the listener added to its list; a new one if it is not there yet. */
static void
add_plugin(void *arg, const struct engine_listener_info *l)
{
	struct gathering *g = arg;
	json_t *row;
	size_t i;

	json_array_foreach(g->rows, i, row)
	{
		if (strcmp(json_string_value(json_object_get(row, "plugin")), l->cfg->plugin) == 0) {
			json_array_append_new(json_object_get(row, "listeners"), json_string(l->cfg->name));
			return;
		}
	}
	json_array_append_new(g->rows,
		json_pack("{s:s, s:o, s:o, s:[i,i], s:o, s:o, s:o, s:[s]}", "plugin", l->cfg->plugin, "name",
			json_text(l->plugin->name), "version", json_text(l->plugin->version), "abi",
			(int)l->plugin->abi_major, (int)l->plugin->abi_minor, "summary",
			json_text(l->plugin->summary), "license", json_text(l->plugin->license), "file",
			json_text(file_of(g->subject->snapshot, l->cfg->plugin)), "listeners", l->cfg->name));
}

static json_t *
answer_plugins(const struct ask_subject *s, json_t *request, struct err *e)
{
	struct gathering g = { s, json_array() };

	(void)request, (void)e; /* nothing to be told, nothing to refuse */
	engine_each_listener(s->engine, add_plugin, &g);
	return json_pack("{s:o}", "rows", g.rows);
}

/* ---- metrics of plugins, page by page ---- */

enum { METRICS_OF_PAGE = 256 };

static void
add_metric(void *arg, const struct handler_metric *m)
{
	struct gathering *g = arg;

	json_array_append_new(g->rows,
		json_pack("{s:o, s:s, s:s, s:b, s:o, s:I}", "plugin", json_text(m->plugin), "listener",
			m->listener, "name", m->own.name, "counter", m->own.kind == METRIC_COUNTER, "help",
			json_text(m->own.help), "value", (json_int_t)m->own.value));
}

static json_t *
answer_metrics(const struct ask_subject *s, json_t *request, struct err *e)
{
	struct gathering g = { s, NULL };
	json_int_t from = 0;
	uint32_t place;

	if (json_unpack(request, "{s?{s:I}}", "from", "handler", &from) < 0 || from < 0 ||
		from > UINT32_MAX) {
		err_set(e, -EINVAL, "the place in the list is not understood");
		return NULL;
	}
	place = (uint32_t)from;
	g.rows = json_array();
	if (!engine_each_handler_metric(s->engine, &place, METRICS_OF_PAGE, add_metric, &g))
		return json_pack("{s:o}", "rows", g.rows);
	return json_pack("{s:o, s:{s:I}}", "rows", g.rows, "next", "handler", (json_int_t)place);
}

static json_t *
answer_log_level(const struct ask_subject *s, json_t *request, struct err *e)
{
	const char *word = json_string_value(json_object_get(request, "argument"));
	int level = word != NULL ? log_level_parse(word) : -1;

	(void)s;
	if (level < 0) {
		err_set(e, -EINVAL, "there is no such level");
		return NULL;
	}
	log_set_level(level);
	return json_object();
}

/* ---- orders to one listener ---- */

static json_t *
obeyed(int code, const char *listener, struct err *e)
{
	if (code == 0)
		return json_object();
	err_set(e, code == -ENOENT ? -EINVAL : code,
		code == -ENOENT ? "there is no listener '%s'" : "out of memory", listener);
	return NULL;
}

static const char *
listener_of(json_t *request)
{
	const char *name = json_string_value(json_object_get(request, "argument"));

	return name != NULL ? name : "";
}

static json_t *
answer_pause(const struct ask_subject *s, json_t *request, struct err *e)
{
	const char *name = listener_of(request);

	return obeyed(engine_listener_pause(s->engine, name), name, e);
}

static json_t *
answer_resume(const struct ask_subject *s, json_t *request, struct err *e)
{
	const char *name = listener_of(request);

	return obeyed(engine_listener_resume(s->engine, name), name, e);
}

static json_t *
answer_drain(const struct ask_subject *s, json_t *request, struct err *e)
{
	const struct cfg_daemon *d = &s->snapshot->config->daemon;
	const char *name = listener_of(request);

	return obeyed(engine_listener_drain(s->engine, name, d->shutdown_timeout_ms, d->shutdown_spread_ms),
		name, e);
}

/* That it comes is the answer, and what a log that is not written cannot tell goes along. */
static json_t *
answer_alive(const struct ask_subject *s, json_t *request, struct err *e)
{
	struct log_health h = log_look();

	(void)s, (void)request, (void)e;
	return json_pack("{s:{s:i, s:I, s:o}}", "log", "error", h.error, "for_ms", (json_int_t)h.for_ms,
		"lost", count(h.lost));
}

static const struct {
	const char *name;
	/* NULL: refused with @p e filled, or there was no memory. */
	json_t *(*answer)(const struct ask_subject *s, json_t *request, struct err *e);
} rows[] = {
	{ "alive", answer_alive },
	{ "listeners", answer_listeners },
	{ "plugins", answer_plugins },
	{ "metrics", answer_metrics },
	{ "log-level", answer_log_level },
	{ "pause", answer_pause },
	{ "resume", answer_resume },
	{ "drain", answer_drain },
	{ "bans", ask_guard_bans },
	{ "why", ask_guard_why },
};

static void
answer_here(struct ask *ask, const struct ask_subject *s, const char *name, json_t *request)
{
	for (size_t i = 0; i < array_len(rows); i++) {
		if (strcmp(rows[i].name, name) == 0) {
			ask->answer = rows[i].answer(s, request, &ask->error);
			return;
		}
	}
	err_set(&ask->error, -EINVAL, "this worker does not know the question '%.40s'", name);
}

/* ---- there and back ---- */

static void
give(struct ask *ask)
{
	json_t *answer = ask->of_loops ? page_json(&ask->query) : ask->answer;
	char *text = answer != NULL ? json_dumps(answer, JSON_COMPACT) : NULL;

	if (text != NULL)
		ask->reply(ask->arg, 0, text);
	else if (ask->error.code < 0)
		ask->reply(ask->arg, ask->error.code, ask->error.text);
	else
		ask->reply(ask->arg, -ENOMEM, "out of memory");
	free(text);
	json_decref(answer);
	free(ask);
}

static void
on_answered(struct loop *loop, struct mail *mail)
{
	struct ask *ask = container_of(container_of(mail, struct query, mail), struct ask, query);

	(void)loop; /* this mailbox is nobody's */
	ask->owner->pending--;
	give(ask);
}

void
asks_ask(struct asks *a, const struct ask_subject *subject, const char *request, ask_reply_fn *reply,
	void *arg)
{
	struct ask *ask = malloc(sizeof *ask);
	json_t *parsed = json_loads(request, 0, NULL);
	const char *name = json_string_value(json_object_get(parsed, "ask"));

	if (ask == NULL) {
		json_decref(parsed);
		reply(arg, -ENOMEM, "out of memory");
		return;
	}
	*ask = (struct ask){ .owner = a, .reply = reply, .arg = arg };
	ask->query.mail.deliver = on_answered;
	a->pending++;
	if (name != NULL && (strcmp(name, "connections") == 0 || strcmp(name, "kill") == 0))
		ask_loops(ask, subject, parsed, name[0] == 'k');
	else
		answer_here(ask, subject, name != NULL ? name : "", parsed);
	if (!ask->of_loops && mailbox_send(&a->answers, &ask->query.mail) < 0)
		on_answered(NULL, &ask->query.mail); /* asked at the very end: at once, then */
	json_decref(parsed);
}

int
asks_new(struct asks **ret, struct err *e)
{
	struct asks *a = mem_new(*a);
	int r;

	if (a == NULL)
		return err_set(e, -ENOMEM, "out of memory");
	r = mailbox_init(&a->answers, e);
	if (r < 0) {
		free(a);
		return r;
	}
	*ret = a;
	return 0;
}

int
asks_fd(const struct asks *a)
{
	return a->answers.fd;
}

void
asks_deliver(struct asks *a)
{
	mailbox_deliver(&a->answers, NULL);
}

void
asks_free(struct asks *a)
{
	if (a == NULL)
		return;
	mailbox_close(&a->answers, NULL);
	assert(a->pending == 0); /* every loop answers before it ends */
	mailbox_fini(&a->answers);
	free(a);
}
