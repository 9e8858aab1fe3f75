/* Values as YAML and JSON write them. */
#ifndef CONFIG_QUOTE_H
#define CONFIG_QUOTE_H

#include "base/strbuf.h"
#include "config/node.h"
#include "config/print.h"

enum quote_format { QUOTE_YAML, QUOTE_JSON };

/** How much a text may mean besides itself. */
enum quote_style {
	QUOTE_NEVER, /* a number, a truth value: bare in both formats */
	QUOTE_WORD,  /* one of our own words, a size, a duration: bare in YAML */
	QUOTE_TEXT,  /* quoted wherever another reader of YAML could take it for something else */
};

/** Append one scalar. A dollar is doubled in YAML, where a single one would begin a variable. */
void quote_scalar(struct strbuf *out, enum quote_format format, enum quote_style style, const char *text);

/** Append a plugin's settings on one line, secrets as ***. @p plugin is asked about in @p options, which may
 * be NULL. */
void quote_settings(struct strbuf *out, enum quote_format format, const struct cfg_node *settings,
	const char *plugin, const struct cfg_print_options *options);

#endif
