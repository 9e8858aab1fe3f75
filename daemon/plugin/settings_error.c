/* The words in which a plugin complains of its settings. */
#include <stdarg.h>
#include <stdio.h>

#include "plugin/settings.h"

static printf_like(3, 0) int error_vset(
	struct sockd_error *api, const char *option, const char *format, va_list args)
{
	struct settings_error *e = container_of(api, struct settings_error, api);

	e->set = true;
	snprintf(e->option, sizeof e->option, "%s", option != NULL ? option : "");
	vsnprintf(e->text, sizeof e->text, format, args);
	return -1;
}

static const struct sockd_error_ops error_ops = { .size = sizeof(struct sockd_error_ops),
	.vset = error_vset };

void
settings_error_init(struct settings_error *e)
{
	*e = (struct settings_error){ .api.ops = &error_ops };
}
