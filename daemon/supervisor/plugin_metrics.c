/* The format wants the lines of one family together, whichever plugins and workers they come from, so rows
 * are gathered by family first. The first row of a family gives its help. */
#include "supervisor/plugin_metrics.h"

#include <inttypes.h>

#include "metric/metric.h"
#include "metric/own_metrics.h"

/* The family of a name and kind, made if it is not there. */
static json_t *
family_of(json_t *families, const char *name, bool is_counter, const char *help)
{
	char key[OWN_METRIC_NAME_MAX + sizeof "_total"];
	json_t *family;

	snprintf(key, sizeof key, "%s%s", name, is_counter ? "_total" : "");
	family = json_object_get(families, key);
	if (family != NULL)
		return family;
	family = json_pack("{s:s, s:b, s:{}}", "help", help, "counter", is_counter, "series");
	return json_object_set_new(families, key, family) == 0 ? family : NULL;
}

static int64_t
sum(const json_t *series, json_int_t value)
{
	return (int64_t)((uint64_t)json_integer_value(json_object_get(series, "value")) + (uint64_t)value);
}

void
plugin_metrics_add(json_t *families, json_t *row)
{
	const char *plugin, *listener, *name, *help;
	json_t *family, *all, *series;
	json_int_t value;
	int is_counter;
	char *key;

	if (json_unpack(row, "{s:s, s:s, s:s, s:b, s:s, s:I}", "plugin", &plugin, "listener", &listener,
		    "name", &name, "counter", &is_counter, "help", &help, "value", &value) < 0 ||
		!own_metric_name_is_good(name))
		return;
	family = family_of(families, name, is_counter, help);
	all = json_object_get(family, "series");
	series = json_pack("[s, s]", plugin, listener);
	key = series != NULL ? json_dumps(series, JSON_COMPACT) : NULL;
	json_decref(series);
	if (key == NULL)
		return;
	series = json_object_get(all, key);
	if (series != NULL)
		json_object_set_new(series, "value", json_integer(sum(series, value)));
	else
		json_object_set_new(all, key,
			json_pack("{s:s, s:s, s:I}", "plugin", plugin, "listener", listener, "value", value));
	free(key);
}

/* Help knows two escapes: of a line's end and of the backslash. */
static void
add_help(struct strbuf *out, const char *help)
{
	for (; *help != '\0'; help++) {
		if (*help == '\n')
			strbuf_add(out, "\\n");
		else if (*help == '\\')
			strbuf_add(out, "\\\\");
		else
			strbuf_add_char(out, *help);
	}
}

static void
add_series(struct strbuf *out, const char *family, bool is_counter, const json_t *series)
{
	json_int_t value = json_integer_value(json_object_get(series, "value"));

	strbuf_printf(out, "sockd_plugin_%s{plugin=\"", family);
	metric_label_value(out, json_string_value(json_object_get(series, "plugin")));
	strbuf_add(out, "\",listener=\"");
	metric_label_value(out, json_string_value(json_object_get(series, "listener")));
	if (is_counter)
		strbuf_printf(out, "\"} %" PRIu64 "\n", (uint64_t)value);
	else
		strbuf_printf(out, "\"} %" PRId64 "\n", (int64_t)value);
}

void
plugin_metrics_expose(const json_t *families, struct strbuf *out)
{
	json_t *all = (json_t *)(uintptr_t)families; /* json_object_foreach() takes no const */
	json_t *family, *series;
	const char *name, *key;

	json_object_foreach(all, name, family)
	{
		bool is_counter = json_is_true(json_object_get(family, "counter"));

		strbuf_printf(out, "# HELP sockd_plugin_%s ", name);
		add_help(out, json_string_value(json_object_get(family, "help")));
		strbuf_printf(out, "\n# TYPE sockd_plugin_%s %s\n", name, is_counter ? "counter" : "gauge");
		json_object_foreach(json_object_get(family, "series"), key, series)
		{
			add_series(out, name, is_counter, series);
		}
	}
}
