/* sockd/settings.h - the settings of an instance, and how to refuse them. SPDX-License-Identifier: MIT
 *
 * What a plugin can be set is declared in sockd_plugin.options. sockd parses the file by that table, applies
 * defaults, checks types, ranges and words, and tells people file, line and column of what is wrong. A plugin
 * reads values.
 *
 * Settings and the strings in them are valid until stop() returns; in check() until it returns. They never
 * change, and every thread may read them. Asking for a name that the table does not have, or with the
 * function of another type, is a fault of the plugin: it is logged, and the zero of the type is given. */
#ifndef SOCKD_SETTINGS_H
#define SOCKD_SETTINGS_H

#include "ops.h"

#ifdef __cplusplus
extern "C" {
#endif

/** The text of a string, word, path, secret, URL or tls setting. @return NULL: not given, and there is no
 * default */
static inline const char *
sockd_setting_string(const struct sockd_settings *s, const char *name)
{
	SOCKD_CALL_AT_(s, get_string, NULL, (s, name));
}

/** The number of an int setting. */
static inline int64_t
sockd_setting_int(const struct sockd_settings *s, const char *name)
{
	SOCKD_CALL_AT_(s, get_int, 0, (s, name));
}

/** The value of a bool setting. */
static inline bool
sockd_setting_bool(const struct sockd_settings *s, const char *name)
{
	SOCKD_CALL_AT_(s, get_bool, false, (s, name));
}

/** The milliseconds of a duration setting; SOCKD_FOREVER: `off`. */
static inline int64_t
sockd_setting_duration_ms(const struct sockd_settings *s, const char *name)
{
	SOCKD_CALL_AT_(s, get_duration_ms, 0, (s, name));
}

/** The bytes of a size setting. */
static inline uint64_t
sockd_setting_size(const struct sockd_settings *s, const char *name)
{
	SOCKD_CALL_AT_(s, get_size, 0, (s, name));
}

/** Item @p i, counted from 0, of a list setting, as text: paths absolute, numbers in decimal in their base
 * unit (bytes, milliseconds, -1 for `off`), true or false. @return NULL: past the end */
static inline const char *
sockd_setting_list(const struct sockd_settings *s, const char *name, size_t i)
{
	SOCKD_CALL_AT_(s, get_list, NULL, (s, name, i));
}

/** Say what is wrong, in check(), start() or thread_start(): `return sockd_error_set(e, "port", "%d is
 * taken", port);` sockd adds the place in the file. Of several calls the last one counts.
 * @param option  the setting that it is about; "list[2]": its item; NULL: none in particular
 * @return -1 always */
static inline int sockd_error_set(struct sockd_error *e, const char *option, const char *format, ...)
	SOCKD_FORMAT_(3, 4);
static inline int
sockd_error_set(struct sockd_error *e, const char *option, const char *format, ...)
{
	va_list args;

	if (e == NULL || e->ops == NULL || !SOCKD_HAS(*e, vset)) {
		sockd_refuse_(e == NULL || e->ops == NULL);
		return -1;
	}
	va_start(args, format);
	(void)e->ops->vset(e, option, format, args);
	va_end(args);
	return -1;
}

#ifdef __cplusplus
}
#endif

#endif
