/* Settings and errors of the fakes. */
#include "fake.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* A fallback is written as in the configuration: quoted or plain, and a list in brackets. Cut one item out of
 * the text. @return what is behind it */
static char *
cut_item(struct fake_setting *v, char *at)
{
	char quote = *at == '"' || *at == '\'' ? *at : '\0';
	char *end = quote != '\0' ? strchr(at + 1, quote) : NULL;

	at += end != NULL;
	if (end == NULL)
		end = at + strcspn(at, (v->option->type & SOCKD_T_LIST) != 0 ? ",]" : "");
	v->fallbacks[v->fallback_count++] = at;
	at = *end != '\0' ? end + 1 : end;
	*end = '\0';
	return at;
}

void
fake_settings_init(struct sockd_fake *f)
{
	const struct sockd_option *o = f->plugin->options;

	for (; o != NULL && o->name != NULL && f->value_count < FAKE_SETTINGS; o++) {
		struct fake_setting *v = &f->values[f->value_count++];
		bool list = (o->type & SOCKD_T_LIST) != 0;
		char *at = v->fallback;

		v->option = o;
		snprintf(v->fallback, sizeof v->fallback, "%s", o->fallback != NULL ? o->fallback : "");
		do {
			at += strspn(at, list ? "[], " : "");
			if (*at != '\0')
				at = cut_item(v, at);
		} while (list && *at != '\0' && v->fallback_count < FAKE_SETTINGS);
	}
}

static const char *
get_list(const struct sockd_settings *s, const char *name, size_t i)
{
	const struct sockd_fake *f = (const struct sockd_fake *)(const void *)s; /* its first member */

	for (size_t k = 0; k < f->value_count; k++) {
		const struct fake_setting *v = &f->values[k];

		if (strcmp(v->option->name, name) == 0)
			return v->count == 0  ? i < v->fallback_count ? v->fallbacks[i] : NULL
			       : i < v->count ? v->items[i]
					      : NULL;
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
