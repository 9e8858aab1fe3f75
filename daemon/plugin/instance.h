/* Instances: a plugin attached to one listener (or to the daemon, as an observer) with its settings. Each
 * stage is entered once and left once, in reverse order: the caller keeps to new, check, start, thread_start
 * on each loop, thread_stop, stop, free. Ending a stage that never began, or failed, does nothing. */
#ifndef PLUGIN_INSTANCE_H
#define PLUGIN_INSTANCE_H

#include "base/err.h"
#include "config/report.h"
#include "plugin/plugin_load.h"

struct instance;

/** What an instance is made of; all borrowed until instance_free(), but for the plugin, which is kept loaded.
 */
struct instance_options {
	struct plugin *plugin;
	const struct config *config;     /* that all of it is from; may go before the instance does */
	const char *owner;               /* the listener's name, for messages */
	const struct cfg_place *place;   /* where the handler is named */
	const struct cfg_node *settings; /* handler.config, or NULL */
	const struct cfg_source *source; /* reads the files of secrets; NULL: they are refused */
	unsigned loops;
};

/** Read the settings by the plugin's table. @return 0; -EINVAL, told; -ENOMEM, told */
must_check int instance_new(
	const struct instance_options *o, struct cfg_report *report, struct instance **ret);

/** Ask the plugin's check(). @return 0, or -EINVAL, told at the place of the setting that it names */
must_check int instance_check(struct instance *i, struct cfg_report *report);

/** The plugin's start(). Thread: main. */
must_check int instance_start(struct instance *i, struct sockd_host scope, struct err *e);
void instance_stop(struct instance *i);

/** The plugin's thread_start(), on the thread of loop @p loop. */
must_check int instance_thread_start(
	struct instance *i, unsigned loop, struct sockd_host scope, struct err *e);
void instance_thread_stop(struct instance *i, unsigned loop);

/** NULL is fine. */
void instance_free(struct instance *i);

/** Whether both are the same plugin with the same settings, so that one can go on for the other. */
bool instance_is_same(const struct instance *a, const struct instance *b);

const struct sockd_plugin *instance_plugin(const struct instance *i);
const struct sockd_settings *instance_settings(const struct instance *i);
/** As settings_name_tls() and settings_first_tls(). */
bool instance_names_tls(const struct instance *i, const char *name);
const char *instance_first_tls(const struct instance *i);
/** What start() returned. */
void *instance_data(const struct instance *i);
/** What thread_start() returned on that loop. */
void *instance_thread_state(const struct instance *i, unsigned loop);

/** Its number in control/watch.h. */
uint32_t instance_watch(const struct instance *i);

#endif
