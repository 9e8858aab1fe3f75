/* Nodes -> values, with errors that name the place. The keys of sockd and the settings of plugins are read by
 * the same functions, so they accept and refuse the same spellings in the same words.
 *
 * Each returns 0; -EINVAL after telling the report what is wrong; -ENOMEM, told as well. @p what is how the
 * error names the value: the key. Values that are lent live as long as the configuration. */
#ifndef CONFIG_VALUE_H
#define CONFIG_VALUE_H

#include <stdint.h>
#include <sys/types.h>

#include "config/config.h"
#include "config/node.h"
#include "config/report.h"
#include "config/source.h"

/** Nothing was written behind the key (or `null`, or `~`). */
bool cfg_node_is_null(const struct cfg_node *node);

/** "a map", "a list", "text", "nothing". */
const char *cfg_node_kind_name(const struct cfg_node *node);

must_check int cfg_node_bool(
	const struct cfg_node *node, const char *what, bool *ret, struct cfg_report *report);

/** A whole number from @p min to @p max. */
must_check int cfg_node_integer(const struct cfg_node *node, const char *what, int64_t min, int64_t max,
	int64_t *ret, struct cfg_report *report);

/** Bytes, from @p min to @p max. */
must_check int cfg_node_size(const struct cfg_node *node, const char *what, int64_t min, int64_t max,
	int64_t *ret, struct cfg_report *report);

/** Milliseconds from @p min to @p max; `off` gives CFG_OFF if @p off allows it. */
must_check int cfg_node_duration(const struct cfg_node *node, const char *what, int64_t min, int64_t max,
	bool off, int64_t *ret_ms, struct cfg_report *report);

/** Events in a time. */
must_check int cfg_node_rate(
	const struct cfg_node *node, const char *what, struct cfg_rate *ret, struct cfg_report *report);

/** Bytes in a second from @p min to @p max, or CFG_OFF. */
must_check int cfg_node_bandwidth(const struct cfg_node *node, const char *what, int64_t min, int64_t max,
	int64_t *ret, struct cfg_report *report);

must_check int cfg_node_mode(
	const struct cfg_node *node, const char *what, mode_t *ret, struct cfg_report *report);

/** The text of a scalar; "" only if it was written so, in quotes. */
must_check int cfg_node_text(
	const struct cfg_node *node, const char *what, const char **ret_lent, struct cfg_report *report);

/** A path; a relative one starts at the folder of the file that it is written in. The caller frees it. */
must_check int cfg_node_path(
	const struct cfg_node *node, const char *what, char **ret, struct cfg_report *report);

/**
 * A secret: text, {file: PATH} for the content of that file (at most 64 KiB of text, one newline at its end
 * dropped), or {credential: NAME} for that of a file of the service's credentials ($CREDENTIALS_DIRECTORY).
 *
 * Blocks: reads the file. @param ret the caller wipes and frees it
 */
must_check int cfg_node_secret(const struct cfg_node *node, const char *what, const struct cfg_source *source,
	char **ret, struct cfg_report *report);

/** Ask @p source for everything that cfg_node_secret() would ask for, wherever {file: PATH} stands below @p
 * node, for a source that remembers. What is wrong with it is for the one who uses it to tell. @p node may be
 * NULL.
 * @return 0 or -ENOMEM */
must_check int cfg_node_read_secrets(const struct cfg_node *node, const struct cfg_source *source);

/** Complain of a wrong kind of node: `'WHAT' has to be EXPECTED, not a list`. @return -EINVAL always */
int cfg_node_wrong_kind(
	const struct cfg_node *node, const char *what, const char *expected, struct cfg_report *report);

/** Whether @p node is what stands for a secret that is kept elsewhere: {file: ...} or {credential: ...}. */
bool cfg_node_is_secret_reference(const struct cfg_node *node);

/** Tell of every key that stands twice in a map and keep the first. @return 0 or -ENOMEM, told */
must_check int cfg_node_drop_duplicates(struct cfg_node *map, struct cfg_report *report);

#endif
