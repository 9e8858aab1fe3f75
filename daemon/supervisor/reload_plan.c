/* A listener is the same one as long as it has its name. One that takes over an address of a listener that is
 * gone is that listener under another name: its socket stays, and so do its connections. */
#include "supervisor/reload_plan.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/fdutil.h"
#include "control/snapshot.h"

static const struct cfg_listener *
find_listener(const struct config *c, const char *name)
{
	for (size_t i = 0; i < c->listener_count; i++)
		if (strcmp(c->listeners[i].name, name) == 0)
			return &c->listeners[i];
	return NULL;
}

static bool
has_url(const struct cfg_listener *l, const char *url)
{
	for (size_t i = 0; i < l->address_count; i++)
		if (strcmp(l->addresses[i].url, url) == 0)
			return true;
	return false;
}

/* The listener of @p before that is gone in @p after, and whose address @p l has now. */
static const struct cfg_listener *
former_name(const struct reload_plan *p, const struct cfg_listener *l)
{
	for (size_t i = 0; i < p->before->listener_count; i++) {
		const struct cfg_listener *gone = &p->before->listeners[i];

		for (size_t k = 0; k < gone->address_count; k++)
			if (find_listener(p->after, gone->name) == NULL && has_url(l, gone->addresses[k].url))
				return gone;
	}
	return NULL;
}

static bool
was_renamed(const struct reload_plan *p, const char *name)
{
	for (size_t i = 0; i < p->renamed_count; i++)
		if (strcmp(p->renamed[i].from, name) == 0)
			return true;
	return false;
}

static void
plan_names(struct reload_plan *p)
{
	for (size_t i = 0; i < p->after->listener_count; i++) {
		const struct cfg_listener *l = &p->after->listeners[i], *former;

		if (find_listener(p->before, l->name) != NULL)
			continue;
		former = former_name(p, l);
		if (former != NULL && !was_renamed(p, former->name))
			p->renamed[p->renamed_count++] = (struct reload_rename){ former->name, l->name };
		else
			p->added[p->added_count++] = l->name;
	}
	for (size_t i = 0; i < p->before->listener_count; i++) {
		const char *name = p->before->listeners[i].name;

		if (find_listener(p->after, name) == NULL && !was_renamed(p, name))
			p->removed[p->removed_count++] = name;
	}
}

/* Only what has to wait for a new worker or for more, or only the rest. */
static void
keep_changes(struct cfg_changes *c, bool waiting)
{
	size_t left = 0;

	for (size_t i = 0; i < c->count; i++) {
		if ((c->items[i].key->reload >= KEY_UPGRADE) == waiting) {
			c->items[left++] = c->items[i];
			continue;
		}
		free(c->items[i].before);
		free(c->items[i].after);
	}
	c->count = left;
}

static void
diff_configs(const struct config *before, const struct config *after, struct cfg_changes *io)
{
	cfg_diff_daemon(&before->daemon, &after->daemon, io);
	for (size_t i = 0; i < after->listener_count; i++) {
		const struct cfg_listener *l = &after->listeners[i];
		const struct cfg_listener *was = find_listener(before, l->name);

		if (was != NULL)
			cfg_diff_listener(was, l, io);
	}
}

static bool
has_other_code(const struct snapshot *before, const struct snapshot *after, const char *plugin)
{
	const struct snapshot_plugin *a = snapshot_plugin_find(before, plugin);
	const struct snapshot_plugin *b = snapshot_plugin_find(after, plugin);

	return a != NULL && b != NULL && !fd_has_same_bytes(a->fd, b->fd);
}

static void
plan_code(struct reload_plan *p, const struct snapshot *before, const struct snapshot *after)
{
	const struct cfg_daemon *d = &p->after->daemon;

	for (size_t i = 0; i < p->after->listener_count; i++) {
		const struct cfg_listener *l = &p->after->listeners[i];
		const struct cfg_listener *was = find_listener(p->before, l->name);

		if (was != NULL && strcmp(was->plugin, l->plugin) == 0 &&
			has_other_code(before, after, l->plugin))
			p->code[p->code_count++] = l->name;
	}
	for (size_t i = 0; i < d->observer_count; i++)
		if (has_other_code(before, after, d->observers[i].plugin))
			p->code[p->code_count++] = d->observers[i].plugin;
}

void
reload_plan_waiting(const struct config *started, const struct held_keys *held, const struct config *now,
	struct cfg_changes *io)
{
	diff_configs(started, now, io);
	keep_changes(io, true);
	held_keys_apply(held, now, io);
}

int
reload_plan_make(const struct snapshot *before, const struct snapshot *after, struct config *started,
	const struct held_keys *held, struct reload_plan *ret)
{
	struct reload_plan p = { .before = config_ref(before->config),
		.after = config_ref(after->config),
		.started = config_ref(started) };
	size_t count = p.after->listener_count + p.after->daemon.observer_count + 1;

	p.added = calloc(count, sizeof *p.added);
	p.renamed = calloc(count, sizeof *p.renamed);
	p.code = calloc(count, sizeof *p.code);
	p.removed = calloc(p.before->listener_count + 1, sizeof *p.removed);
	if (p.added != NULL && p.renamed != NULL && p.code != NULL && p.removed != NULL) {
		plan_names(&p);
		plan_code(&p, before, after);
		diff_configs(p.before, p.after, &p.changes);
		keep_changes(&p.changes, false);
		reload_plan_waiting(p.started, held, p.after, &p.waiting);
	} else {
		p.changes.failed = true;
	}
	if (p.changes.failed || p.waiting.failed) {
		reload_plan_fini(&p);
		return -ENOMEM;
	}
	*ret = p;
	return 0;
}

bool
reload_plan_is_empty(const struct reload_plan *p)
{
	return p->added_count + p->removed_count + p->renamed_count + p->code_count + p->changes.count +
		       p->waiting.count ==
	       0;
}

static bool
has_change(const struct reload_plan *p, const char *name)
{
	for (size_t i = 0; i < p->changes.count; i++)
		if (p->changes.items[i].listener != NULL && strcmp(p->changes.items[i].listener, name) == 0)
			return true;
	for (size_t i = 0; i < p->code_count; i++)
		if (strcmp(p->code[i], name) == 0)
			return true;
	return false;
}

size_t
reload_plan_changed(const struct reload_plan *p)
{
	size_t count = 0;

	for (size_t i = 0; i < p->after->listener_count; i++)
		count += has_change(p, p->after->listeners[i].name);
	return count;
}

void
reload_plan_fini(struct reload_plan *p)
{
	cfg_changes_fini(&p->changes);
	cfg_changes_fini(&p->waiting);
	free(p->added);
	free(p->removed);
	free(p->renamed);
	free(p->code);
	config_unref(p->before);
	config_unref(p->after);
	config_unref(p->started);
	*p = (struct reload_plan){ 0 };
}
