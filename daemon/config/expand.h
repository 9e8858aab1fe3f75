/* ${VAR}, ${VAR:-default} and $$ in the scalars of a configuration file. */
#ifndef CONFIG_EXPAND_H
#define CONFIG_EXPAND_H

#include "base/strbuf.h"
#include "config/report.h"
#include "config/source.h"

/**
 * Append @p text to @p out with the environment put in.
 *
 * @param limit  how many bytes @p out may have at most
 * @param out    its `failed` mark tells of memory that ran out
 * @return 0, or -EINVAL, told in @p report at @p place
 */
must_check int expand_variables(const char *text, const struct cfg_source *source, size_t limit,
	const struct cfg_place *place, struct cfg_report *report, struct strbuf *out);

#endif
