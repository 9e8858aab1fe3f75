/* A plugin's settings: its table of options, the operator's values, and the words in which a plugin
 * complains. */
#ifndef PLUGIN_SETTINGS_H
#define PLUGIN_SETTINGS_H

#include "sockd/plugin.h"

#include "config/config.h"
#include "config/report.h"
#include "config/source.h"

struct settings;

/** A row of a plugin's table of options; NULL behind its end. */
const struct sockd_option *settings_row(const struct sockd_plugin *plugin, size_t i);

/** What is wrong with a plugin's table of options (its author's fault), as text in @p e. */
must_check int settings_check_table(const struct sockd_plugin *plugin, struct err *e);

/**
 * Read @p node by the plugin's table.
 *
 * @param plugin  borrowed, with its option stride
 * @param config  whose `tls:` names of TLS settings stand in; borrowed while this runs
 * @param place   what stands for the whole where a value is missing
 * @param node    a map, or NULL; borrowed
 * @return 0; -EINVAL, told; -ENOMEM, told
 */
must_check int settings_new(const struct sockd_plugin *plugin, const struct config *config,
	const struct cfg_place *place, const struct cfg_node *node, const struct cfg_source *source,
	struct cfg_report *report, struct settings **ret);
void settings_free(struct settings *s);

/** Whether both are read by the same table and have the same values, those of secret files included. */
bool settings_are_same(const struct settings *a, const struct settings *b);

/** Whether a setting names this entry of `tls:`. */
bool settings_name_tls(const struct sockd_plugin *plugin, const struct sockd_settings *s, const char *name);
/** The first entry of `tls:` that a setting names, in the order of the table; NULL: none. */
const char *settings_first_tls(const struct sockd_plugin *plugin, const struct sockd_settings *s);

const struct sockd_settings *settings_api(const struct settings *s);

/** What a plugin fills through sockd_error_set(). Starts with settings_error_init(). */
struct settings_error {
	struct sockd_error api; /* first */
	bool set;
	char option[128], text[ERR_TEXT_SIZE / 2];
};
void settings_error_init(struct settings_error *e);

/** Where the option that @p e names was written ("list[2]": that item), else the whole. */
const struct cfg_place *settings_error_place(const struct settings *s, const struct settings_error *e);

#endif
