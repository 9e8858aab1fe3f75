/* The text of what plugins count. */
#include "supervisor/plugin_metrics.h"

#include <string.h>

#include "unit.h"

static json_t *families;
static struct strbuf text;

static void
add(const char *plugin, const char *listener, const char *name, bool is_counter, const char *help, int value)
{
	json_t *row = json_pack("{s:s, s:s, s:s, s:b, s:s, s:i}", "plugin", plugin, "listener", listener,
		"name", name, "counter", is_counter, "help", help, "value", value);

	ck_assert_ptr_nonnull(row);
	plugin_metrics_add(families, row);
	json_decref(row);
}

static const char *
exposed(void)
{
	plugin_metrics_expose(families, &text);
	ck_assert(!text.failed);
	return text.data != NULL ? text.data : "";
}

static void
prepare(void)
{
	families = json_object();
	text = (struct strbuf){ 0 };
}

static void
finish(void)
{
	json_decref(families);
	strbuf_fini(&text);
}

START_TEST(rows_of_the_same_names_are_summed)
{
	prepare();
	add("p", "a", "n", true, "First", 3);
	add("p", "b", "n", true, "Second", 10);
	add("p", "a", "n", true, "First", 4);

	ck_assert_str_eq(exposed(), "# HELP sockd_plugin_n_total First\n# TYPE sockd_plugin_n_total counter\n"
				    "sockd_plugin_n_total{plugin=\"p\",listener=\"a\"} 7\n"
				    "sockd_plugin_n_total{plugin=\"p\",listener=\"b\"} 10\n");
	finish();
}
END_TEST

START_TEST(lines_of_a_family_stand_together)
{
	prepare();
	add("p", "a", "n", false, "Gauge", -3);
	add("q", "b", "n", true, "Counter", 1);
	add("r", "", "n", false, "Gauge", 5);

	ck_assert_str_eq(exposed(),
		"# HELP sockd_plugin_n Gauge\n# TYPE sockd_plugin_n gauge\n"
		"sockd_plugin_n{plugin=\"p\",listener=\"a\"} -3\n"
		"sockd_plugin_n{plugin=\"r\",listener=\"\"} 5\n"
		"# HELP sockd_plugin_n_total Counter\n# TYPE sockd_plugin_n_total counter\n"
		"sockd_plugin_n_total{plugin=\"q\",listener=\"b\"} 1\n");
	finish();
}
END_TEST

START_TEST(nothing_that_a_worker_says_breaks_the_text)
{
	json_t *no_row = json_pack("{s:s, s:i}", "name", "n", "value", 3);

	prepare();
	add("p", "a", "n 1\nevil", true, "Name", 3);
	add("q\"}\n", "a\\", "n", false, "back\\slash\nand line", 3);
	plugin_metrics_add(families, no_row);

	ck_assert_str_eq(exposed(), "# HELP sockd_plugin_n back\\\\slash\\nand line\n"
				    "# TYPE sockd_plugin_n gauge\n"
				    "sockd_plugin_n{plugin=\"q\\\"}\\n\",listener=\"a\\\\\"} 3\n");
	json_decref(no_row);
	finish();
}
END_TEST

UNIT_TESTS("plugin_metrics", rows_of_the_same_names_are_summed, lines_of_a_family_stand_together,
	nothing_that_a_worker_says_breaks_the_text)
