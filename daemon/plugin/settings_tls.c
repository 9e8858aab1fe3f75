/* Which entries of `tls:` a plugin may dial with: those that its settings name. */
#include "plugin/settings.h"

#include <string.h>

#include "plugin/option.h"

/* The @p i th name in a setting; NULL: there is no such. */
static const char *
name_at(const struct sockd_settings *s, const struct sockd_option *o, size_t i)
{
	if (option_type(o) != SOCKD_T_TLS)
		return NULL;
	if ((o->type & SOCKD_T_LIST) != 0)
		return sockd_setting_list(s, o->name, i);
	return i == 0 ? sockd_setting_string(s, o->name) : NULL;
}

bool
settings_name_tls(const struct sockd_plugin *plugin, const struct sockd_settings *s, const char *name)
{
	const struct sockd_option *o;
	const char *one;

	for (size_t i = 0; (o = settings_row(plugin, i)) != NULL; i++)
		for (size_t k = 0; (one = name_at(s, o, k)) != NULL; k++)
			if (strcmp(one, name) == 0)
				return true;
	return false;
}

const char *
settings_first_tls(const struct sockd_plugin *plugin, const struct sockd_settings *s)
{
	const struct sockd_option *o;

	for (size_t i = 0; (o = settings_row(plugin, i)) != NULL; i++)
		if (name_at(s, o, 0) != NULL)
			return name_at(s, o, 0);
	return NULL;
}
