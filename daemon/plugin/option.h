/* One row of a plugin's table of options: the bounds and words that a value has to keep to. The checks return
 * 0, or -EINVAL after telling the report. */
#ifndef PLUGIN_OPTION_H
#define PLUGIN_OPTION_H

#include "sockd/plugin.h"

#include "base/err.h"
#include "config/report.h"

/** The type without SOCKD_T_LIST. */
static inline uint32_t
option_type(const struct sockd_option *o)
{
	return o->type & ~(uint32_t)SOCKD_T_LIST;
}

/** What is wrong with a row by itself, the fault of the plugin's author. */
must_check int option_check_row(const struct sockd_option *o, const char *plugin, struct err *e);

/** Both bounds 0 mean none. */
bool option_has_bounds(const struct sockd_option *o);

must_check int option_check_word(const struct sockd_option *o, const struct cfg_node *node, const char *text,
	struct cfg_report *report);
must_check int option_check_url(const struct sockd_option *o, const struct cfg_node *node, const char *text,
	struct cfg_report *report);
/** The length in bytes, for strings and paths. */
must_check int option_check_length(const struct sockd_option *o, const struct cfg_node *node,
	const char *text, struct cfg_report *report);

#endif
