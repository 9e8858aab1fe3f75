/* Settings and errors of the fakes. */
#include "fake.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const char *
get_list(const struct sockd_settings *s, const char *name, size_t i)
{
	const struct sockd_fake *f = (const struct sockd_fake *)(const void *)s; /* its first member */

	for (size_t k = 0; k < f->value_count; k++) {
		const struct fake_setting *v = &f->values[k];

		if (strcmp(v->option->name, name) == 0)
			return i < v->count ? v->items[i] : i == 0 ? v->option->fallback : NULL;
	}
	return NULL;
}

static const char *
get_string(const struct sockd_settings *s, const char *name)
{
	return get_list(s, name, 0);
}

/* Sizes and durations may have their units, as a fallback has them. */
static int64_t
get_int(const struct sockd_settings *s, const char *name)
{
	static const struct {
		const char *unit;
		int64_t factor;
	} units[] = { { "K", 1024 }, { "KiB", 1024 }, { "M", 1 << 20 }, { "MiB", 1 << 20 }, { "G", 1 << 30 },
		{ "GiB", 1 << 30 }, { "ms", 1 }, { "s", 1000 }, { "m", 60000 }, { "h", 3600000 },
		{ "d", 86400000 } };
	const char *text = get_list(s, name, 0);
	char *end;
	int64_t n;

	if (text == NULL || strcmp(text, "off") == 0)
		return text == NULL ? 0 : SOCKD_FOREVER;
	n = strtoll(text, &end, 10);
	for (size_t i = 0; i < sizeof units / sizeof units[0]; i++)
		if (strcmp(end, units[i].unit) == 0)
			return n * units[i].factor;
	return n;
}

static bool
get_bool(const struct sockd_settings *s, const char *name)
{
	const char *text = get_list(s, name, 0);

	return text != NULL && strcmp(text, "true") == 0;
}

static uint64_t
get_size(const struct sockd_settings *s, const char *name)
{
	return (uint64_t)get_int(s, name);
}

const struct sockd_settings_ops fake_settings_ops = {
	.size = sizeof fake_settings_ops,
	.get_string = get_string,
	.get_int = get_int,
	.get_bool = get_bool,
	.get_duration_ms = get_int,
	.get_size = get_size,
	.get_list = get_list,
};

static int SOCKD_FORMAT_(3, 0)
	error_vset(struct sockd_error *e, const char *option, const char *format, va_list args)
{
	struct sockd_fake *f = (struct sockd_fake *)(void *)((char *)e - offsetof(struct sockd_fake, error));
	int n = option != NULL ? snprintf(f->error_text, sizeof f->error_text, "%.100s: ", option) : 0;

	vsnprintf(f->error_text + n, sizeof f->error_text - (size_t)n, format, args);
	return -1;
}

const struct sockd_error_ops fake_error_ops = { .size = sizeof fake_error_ops, .vset = error_vset };
