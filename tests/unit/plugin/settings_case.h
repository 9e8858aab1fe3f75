/* A configuration whose only listener has a handler with settings, and what the plugin floor makes of them.
 */
#ifndef UNIT_PLUGIN_SETTINGS_CASE_H
#define UNIT_PLUGIN_SETTINGS_CASE_H

#include "base/strbuf.h"
#include "config/load.h"

#include "unit.h"

/** The settings of a handler begin on this line, behind these columns. */
enum { CASE_LINE = 7, CASE_COLUMN = 9 };

static struct config *case_config;
static struct cfg_report case_report;
static struct strbuf case_said;

/** @p config: lines of the handler's config map, each indented by eight blanks; "" for none. */
static inline const struct cfg_listener *
case_load(const char *config)
{
	char text[4096];

	snprintf(text, sizeof text,
		"version: 1\nlisteners:\n  one:\n    listen: tcp://127.0.0.1:0\n    handler:\n%s%s%s",
		*config != '\0' ? "      config:\n" : "", config, "      plugin: made\n");
	ck_assert_int_eq(
		config_parse_text("/etc/case.yaml", text, strlen(text), NULL, &case_config, &case_report), 0);
	return &case_config->listeners[0];
}

/** Everything that was complained of. */
static inline const char *
case_complaints(void)
{
	strbuf_reset(&case_said);
	cfg_report_print(&case_report, &case_said, false);
	return case_said.data != NULL ? case_said.data : "";
}

static inline void
case_end(void)
{
	config_unref(case_config);
	cfg_report_fini(&case_report);
	strbuf_fini(&case_said);
}

#define ck_complained(words) \
	ck_assert_msg(strstr(case_complaints(), words) != NULL, "said: %s", case_complaints())

#endif
