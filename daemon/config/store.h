/* One value: from its node into the field that its row names, and from there back to text. One pair of
 * functions a type. */
#ifndef CONFIG_STORE_H
#define CONFIG_STORE_H

#include "base/strbuf.h"
#include "config/arena.h"
#include "config/key.h"
#include "config/report.h"
#include "config/source.h"

/** Check the node against the row and store it. @return 0; -EINVAL, told; -ENOMEM, told */
must_check int store_value(const struct key *key, const struct cfg_node *node,
	const struct cfg_source *source, struct arena *arena, void *field, struct cfg_report *report);

/** Store the row's default. @return 0 or -ENOMEM, told */
must_check int store_fallback(
	const struct key *key, struct arena *arena, void *field, struct cfg_report *report);

/** A field of a scalar type as text that store_value() reads back. Numbers and truth values (*ret_bare) need
 * no quotes.
 * @return false if the field holds nothing to show: text that was not given */
bool store_format(const struct key *key, const void *field, struct strbuf *out, bool *ret_bare);

#endif
