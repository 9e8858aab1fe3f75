/* The stages of an instance, and how a plugin's own words become an error with a place. */
#include "plugin/instance.h"

#include <assert.h>
#include <errno.h>

#include "control/watch.h"
#include "plugin/settings.h"

struct instance {
	struct plugin *loaded;             /* ref */
	const struct sockd_plugin *plugin; /* its description */
	const char *owner;
	struct settings *settings; /* owned */
	void *data;
	struct thread {
		void *state;
		bool started;
	} * threads; /* owned; one for each loop, each touched by that loop's thread only */
	unsigned loops;
	uint32_t watch; /* its number in control/watch.h */
	bool started;
};

int
instance_new(const struct instance_options *o, struct cfg_report *report, struct instance **ret)
{
	struct instance *i = mem_new(*i);
	int r;

	if (i == NULL)
		return cfg_report_no_memory(report);
	*i = (struct instance){
		.loaded = plugin_ref(o->plugin),
		.plugin = plugin_description(o->plugin),
		.owner = o->owner,
		.loops = o->loops,
		.watch = watch_name(o->owner, plugin_description(o->plugin)->name),
	};
	i->threads = calloc((size_t)o->loops + 1, sizeof *i->threads);
	if (i->threads == NULL) {
		instance_free(i);
		return cfg_report_no_memory(report);
	}
	r = settings_new(i->plugin, o->config, o->place, o->settings, o->source, report, &i->settings);
	if (r < 0) {
		instance_free(i);
		return r;
	}
	*ret = i;
	return 0;
}

uint32_t
instance_watch(const struct instance *i)
{
	return i->watch;
}

int
instance_check(struct instance *i, struct cfg_report *report)
{
	struct settings_error e;

	if (i->plugin->check == NULL)
		return 0;
	settings_error_init(&e);
	if (WATCHED_RESULT(i->watch, WATCH_CHECK, 0, i->plugin->check(settings_api(i->settings), &e.api)) >=
		0)
		return 0;
	return cfg_report_error(report, settings_error_place(i->settings, &e), "%s: %s", i->plugin->name,
		e.set ? e.text : "the plugin refuses its settings without saying why");
}

/* What start() and thread_start() have in common when they fail. */
static int
instance_failed(const struct instance *i, const struct settings_error *e, const char *stage, struct err *ret)
{
	const struct cfg_place *place = settings_error_place(i->settings, e);
	const char *text = e->set ? e->text : "it did not say why";

	if (e->option[0] != '\0' && place != NULL && place->file != NULL)
		return err_set(ret, -EINVAL, "%s:%d:%d: the plugin '%s' of '%s' failed to %s: %s",
			place->file, place->line, place->column, i->plugin->name, i->owner, stage, text);
	return err_set(ret, -EINVAL, "the plugin '%s' of '%s' failed to %s: %s", i->plugin->name, i->owner,
		stage, text);
}

int
instance_start(struct instance *i, struct sockd_host scope, struct err *ret)
{
	struct settings_error e;

	assert(!i->started);
	settings_error_init(&e);
	if (i->plugin->start != NULL &&
		WATCHED_RESULT(i->watch, WATCH_START, 0,
			i->plugin->start(scope, settings_api(i->settings), &i->data, &e.api)) < 0) {
		i->data = NULL;
		return instance_failed(i, &e, "start", ret);
	}
	i->started = true;
	return 0;
}

void
instance_stop(struct instance *i)
{
	if (i->started && i->plugin->stop != NULL)
		WATCHED(i->watch, WATCH_STOP, 0, i->plugin->stop(i->data));
	i->started = false;
	i->data = NULL;
}

int
instance_thread_start(struct instance *i, unsigned loop, struct sockd_host scope, struct err *ret)
{
	struct settings_error e;

	assert(i->started && loop < i->loops && !i->threads[loop].started);
	settings_error_init(&e);
	if (i->plugin->thread_start != NULL &&
		WATCHED_RESULT(i->watch, WATCH_THREAD_START, 0,
			i->plugin->thread_start(scope, i->data, &i->threads[loop].state, &e.api)) < 0) {
		i->threads[loop].state = NULL;
		return instance_failed(i, &e, "start on a thread", ret);
	}
	i->threads[loop].started = true;
	return 0;
}

void
instance_thread_stop(struct instance *i, unsigned loop)
{
	struct thread *t = &i->threads[loop];

	if (t->started && i->plugin->thread_stop != NULL)
		WATCHED(i->watch, WATCH_THREAD_STOP, 0, i->plugin->thread_stop(i->data, t->state));
	*t = (struct thread){ 0 };
}

void
instance_free(struct instance *i)
{
	if (i == NULL)
		return;
	settings_free(i->settings);
	plugin_close(i->loaded);
	free(i->threads);
	free(i);
}

bool
instance_is_same(const struct instance *a, const struct instance *b)
{
	return a->loaded == b->loaded && settings_are_same(a->settings, b->settings);
}

const struct sockd_plugin *
instance_plugin(const struct instance *i)
{
	return i->plugin;
}

const struct sockd_settings *
instance_settings(const struct instance *i)
{
	return settings_api(i->settings);
}

void *
instance_data(const struct instance *i)
{
	return i->data;
}

void *
instance_thread_state(const struct instance *i, unsigned loop)
{
	return i->threads[loop].state;
}

bool
instance_names_tls(const struct instance *i, const char *name)
{
	return settings_name_tls(i->plugin, settings_api(i->settings), name);
}

const char *
instance_first_tls(const struct instance *i)
{
	return settings_first_tls(i->plugin, settings_api(i->settings));
}
