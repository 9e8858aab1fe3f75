/* One walk over a plan gives its items in the order in which people read them; text and log print them, and
 * JSON has them in lists. */
#include "supervisor/reload_verdict.h"

#include <jansson.h>
#include <stdio.h>
#include <string.h>

#include "base/log.h"

/* One thing that is another now. */
struct item {
	const char *effect; /* "at once", ... */
	const char *listener, *what, *before, *after;
};

typedef void item_fn(void *arg, const struct item *item);

static void
each_change(const struct cfg_changes *c, enum key_reload effect, item_fn *fn, void *arg)
{
	for (size_t i = 0; i < c->count; i++) {
		const struct cfg_change *change = &c->items[i];
		const struct item item = {
			.effect = key_reload_name(effect),
			.listener = change->listener,
			.what = change->key->name,
			.before = change->before,
			.after = change->after,
		};

		if (change->key->reload == effect)
			fn(arg, &item);
	}
}

static void
each_waiting(const struct cfg_changes *c, item_fn *fn, void *arg)
{
	each_change(c, KEY_UPGRADE, fn, arg);
	each_change(c, KEY_RESTART, fn, arg);
}

static void
each_item(const struct reload_plan *p, item_fn *fn, void *arg)
{
	for (size_t i = 0; i < p->added_count; i++)
		fn(arg, &(struct item){ "at once", p->added[i], "added", NULL, NULL });
	for (size_t i = 0; i < p->removed_count; i++)
		fn(arg, &(struct item){ "at once", p->removed[i], "removed", NULL, NULL });
	for (size_t i = 0; i < p->renamed_count; i++)
		fn(arg, &(struct item){
				"at once", p->renamed[i].to, "name", p->renamed[i].from, p->renamed[i].to });
	each_change(&p->changes, KEY_LIVE, fn, arg);
	for (size_t i = 0; i < p->code_count; i++)
		fn(arg, &(struct item){ "for new connections", p->code[i], "plugin file", NULL, NULL });
	each_change(&p->changes, KEY_NEW_CONNECTIONS, fn, arg);
	each_waiting(&p->waiting, fn, arg);
}

/* ---- text ---- */

static void
add_line(void *arg, const struct item *item)
{
	struct strbuf *out = arg;
	const char *listener = item->listener;

	strbuf_printf(out, "%s: ", item->effect);
	if (listener != NULL)
		strbuf_printf(out, "listener '%s': ", listener);
	else
		strbuf_add(out, "daemon: ");
	strbuf_add(out, item->what);
	if (item->before != NULL || item->after != NULL)
		strbuf_printf(out, ": %s -> %s", item->before != NULL ? item->before : "(none)",
			item->after != NULL ? item->after : "(none)");
	else if (strcmp(item->what, "removed") == 0)
		strbuf_add(out, ", its connections drain");
	else if (strcmp(item->what, "plugin file") == 0)
		strbuf_add(out, " has changed");
	strbuf_add_char(out, '\n');
}

void
reload_verdict_text(const struct reload_verdict *v, struct strbuf *out)
{
	if (v->why[0] != '\0')
		strbuf_printf(out, "%s\n", v->why);
	if (v->ok && v->plan != NULL)
		each_item(v->plan, add_line, out);
	if (v->ok && v->plan != NULL && reload_plan_is_empty(v->plan))
		strbuf_add(out, "nothing has changed\n");
	cfg_report_print(v->report, out, false);
	if (!v->ok && !v->dry && cfg_report_is_ok(v->report))
		strbuf_add(out, "nothing was changed\n"); /* a report with errors says so itself */
}

void
reload_waiting_text(const struct cfg_changes *waiting, struct strbuf *out)
{
	each_waiting(waiting, add_line, out);
}

/* ---- JSON ---- */

/* Values are what somebody wrote, so they may be no UTF-8. */
static json_t *
any_text(const char *text)
{
	auto_of(strbuf) struct strbuf escaped = { 0 };
	json_t *json;

	if (text == NULL)
		return json_null();
	json = json_string(text);
	if (json != NULL)
		return json;
	strbuf_add_quoted(&escaped, text, strlen(text));
	return escaped.failed ? NULL : json_string(escaped.data);
}

struct lists {
	json_t *live, *fresh, *upgrade;
};

static void
add_json(void *arg, const struct item *item)
{
	const struct lists *lists = arg;
	json_t *list = strcmp(item->effect, key_reload_name(KEY_LIVE)) == 0              ? lists->live
		       : strcmp(item->effect, key_reload_name(KEY_NEW_CONNECTIONS)) == 0 ? lists->fresh
											 : lists->upgrade;

	if (item->before == NULL && item->after == NULL && list == lists->live)
		return; /* added and removed ones have lists of their own */
	json_array_append_new(
		list, json_pack("{s:o, s:s, s:o, s:o}", "listener", any_text(item->listener), "key",
			      item->what, "before", any_text(item->before), "after", any_text(item->after)));
}

json_t *
reload_waiting_json(const struct cfg_changes *waiting)
{
	struct lists lists = { .upgrade = json_array() };

	each_waiting(waiting, add_json, &lists);
	return lists.upgrade;
}

static json_t *
names_json(const char *const *names, size_t count)
{
	json_t *list = json_array();

	for (size_t i = 0; i < count; i++)
		json_array_append_new(list, any_text(names[i]));
	return list;
}

static json_t *
plan_json(const struct reload_plan *p)
{
	struct lists lists = { json_array(), json_array(), json_array() };
	json_t *renamed = json_array();

	each_item(p, add_json, &lists);
	for (size_t i = 0; i < p->renamed_count; i++)
		json_array_append_new(renamed, json_pack("{s:o, s:o}", "from", any_text(p->renamed[i].from),
						       "to", any_text(p->renamed[i].to)));
	return json_pack("{s:o, s:o, s:o, s:o, s:o, s:o}", "added", names_json(p->added, p->added_count),
		"removed", names_json(p->removed, p->removed_count), "renamed", renamed, "live", lists.live,
		"new_connections", lists.fresh, "upgrade", lists.upgrade);
}

static json_t *
findings_json(const struct cfg_report *report, enum cfg_severity severity)
{
	json_t *list = json_array();

	for (size_t i = 0; i < report->count; i++) {
		const struct cfg_finding *f = &report->findings[i];

		if (f->severity == severity)
			json_array_append_new(
				list, json_pack("{s:o, s:i, s:i, s:o}", "file", any_text(f->file), "line",
					      f->line, "column", f->column, "text", any_text(f->text)));
	}
	return list;
}

char *
reload_verdict_json(const struct reload_verdict *v)
{
	auto_of(strbuf) struct strbuf text = { 0 };
	json_t *json;
	char *bytes;

	reload_verdict_text(v, &text);
	json = json_pack("{s:b, s:b, s:I, s:o, s:o, s:o}", "ok", v->ok, "dry", v->dry, "duration_ms",
		(json_int_t)v->duration_ms, "errors", findings_json(v->report, CFG_ERROR), "warnings",
		findings_json(v->report, CFG_WARNING), "text", any_text(text.data != NULL ? text.data : ""));
	if (json != NULL && v->plan != NULL)
		json_object_update_new(json, plan_json(v->plan));
	bytes = json != NULL && !text.failed ? json_dumps(json, JSON_COMPACT) : NULL;
	json_decref(json);
	return bytes;
}

/* ---- log ---- */

static void
log_change(const char *event, const struct item *item)
{
	log_notice(event, LOG_S("listener", item->listener), LOG_S("key", item->what),
		LOG_S("before", item->before), LOG_S("after", item->after),
		LOG_S("takes_effect", item->effect));
}

static void
log_item(void *arg, const struct item *item)
{
	(void)arg; /* the log is the process's */
	log_change("reload_change", item);
}

static void
log_waiting(void *arg, const struct item *item)
{
	(void)arg; /* the log is the process's */
	log_change("key_waits", item);
}

void
reload_waiting_log(const struct cfg_changes *waiting)
{
	each_waiting(waiting, log_waiting, NULL);
}

static void
log_findings(const struct cfg_report *report)
{
	for (size_t i = 0; i < report->count; i++) {
		const struct cfg_finding *f = &report->findings[i];
		char place[512];

		snprintf(place, sizeof place, "%s:%d:%d", f->file != NULL ? f->file : "", f->line, f->column);
		LOG_AT(f->severity == CFG_ERROR ? LOG_LEVEL_ERROR : LOG_LEVEL_WARNING, "configuration",
			LOG_S("place", f->file != NULL ? place : NULL), LOG_S("msg", f->text));
	}
}

/* Why it was refused, on one line. */
static void
refusal_text(const struct reload_verdict *v, char *text, size_t size)
{
	const struct cfg_finding *first = NULL;

	for (size_t i = 0; first == NULL && i < v->report->count; i++)
		if (v->report->findings[i].severity == CFG_ERROR)
			first = &v->report->findings[i];
	if (v->why[0] != '\0' || first == NULL)
		snprintf(text, size, "%s", v->why);
	else if (first->file == NULL)
		snprintf(text, size, "%s", first->text);
	else
		snprintf(text, size, "%s:%d:%d: %s", first->file, first->line, first->column, first->text);
}

void
reload_verdict_log(const struct reload_verdict *v)
{
	const struct reload_plan *p = v->plan;
	char why[1024];

	log_findings(v->report);
	if (!v->ok) {
		refusal_text(v, why, sizeof why);
		log_error("reload_refused", LOG_S("reason", v->reason), LOG_U("errors", v->report->errors),
			LOG_S("msg", why));
		return;
	}
	each_item(p, log_item, NULL);
	log_notice("reloaded", LOG_S("reason", v->reason), LOG_U("listeners", p->after->listener_count),
		LOG_U("added", p->added_count), LOG_U("removed", p->removed_count),
		LOG_U("renamed", p->renamed_count), LOG_U("changed", reload_plan_changed(p)),
		LOG_U("waiting", p->waiting.count), LOG_I("duration_ms", v->duration_ms));
}

void
reload_verdict_status(const struct reload_verdict *v, char *text, size_t size)
{
	static const char prefix[] = "reload refused: ";

	text[0] = '\0';
	if (v->ok || size < sizeof prefix)
		return;
	strcpy(text, prefix);
	refusal_text(v, text + sizeof prefix - 1, size - sizeof prefix + 1);
}
