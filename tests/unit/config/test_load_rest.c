/* config/load_rest.c: of a file with errors stays what is not in doubt. */
#include "config/load_rest.h"

#include <errno.h>
#include <string.h>

#include "fixture.h"
#include "unit.h"

static struct config *config;
static enum cfg_extent extent;

static void
load_file(const char *text)
{
	const struct memory_file files[] = { { "/c/sockd.yaml", text }, { 0 } };
	const struct cfg_source source = MEMORY_SOURCE(files);
	auto_of(cfg_report) struct cfg_report report = { 0 };
	int code = config_load_rest("/c/sockd.yaml", &source, &config, &extent, &report);

	ck_assert_int_eq(code, extent == CFG_WHOLE ? 0 : -EINVAL);
}

static void
finish(void)
{
	config_unref(config);
	config = NULL;
}

#define LISTENERS(of_a, of_b)                                        \
	"listeners:\n  a: {listen: 'tcp://127.0.0.1:0', " of_a "}\n" \
	"  b: {listen: 'tcp://127.0.0.1:0', " of_b "}\n"

START_TEST(a_good_file_is_known_as_a_whole)
{
	load_file("version: 1\n" LISTENERS("handler: echo", "handler: discard"));

	ck_assert_int_eq(extent, CFG_WHOLE);
	ck_assert_uint_eq(config->listener_count, 2);
	finish();
}
END_TEST

START_TEST(a_listener_whose_handler_is_in_doubt_is_left_out)
{
	static const char *const doubts[] = {
		"version: 1\n" LISTENERS("handler: echo", "handler: [echo]"),
		"version: 1\n" LISTENERS("handler: echo", "handler: {plugin: echo, cfg: {}}"),
		"version: 1\n" LISTENERS(
			"handler: echo", "handler: {plugin: echo, config: {a: [\"${NONE}\"]}}"),
		"version: 1\n" LISTENERS("handler: echo", "handler: \"${NONE}\""),
		"version: 1\n" LISTENERS("handler: echo", "handlr: echo"),
	};

	for (size_t i = 0; i < array_len(doubts); i++) {
		load_file(doubts[i]);
		ck_assert_int_eq(extent, CFG_WORKERS);
		ck_assert_uint_eq(config->listener_count, 1);
		ck_assert_str_eq(config->listeners[0].name, "a");
		finish();
	}
}
END_TEST

START_TEST(a_fault_elsewhere_leaves_all_handlers)
{
	load_file("version: 1\ntls: {x: {min_version: 5}}\n" LISTENERS(
		"handler: echo, timeouts: {idle: 5}", "handler: {plugin: proxy, config: {a: 1}}"));

	ck_assert_int_eq(extent, CFG_WORKERS);
	ck_assert_uint_eq(config->listener_count, 2);
	ck_assert_ptr_nonnull(config->listeners[1].settings);
	finish();
}
END_TEST

START_TEST(after_a_fault_of_the_daemon_nobody_knows_who_workers_are)
{
	load_file("version: 1\ndaemon: {plugin_path: [/p], usr: x, observers: [{plugin: o}, {plugn: "
		  "o}]}\n" LISTENERS("handler: echo", "handler: discard"));

	ck_assert_int_eq(extent, CFG_HANDLERS);
	ck_assert_uint_eq(config->listener_count, 2);
	ck_assert_uint_eq(config->daemon.observer_count, 1);
	finish();
}
END_TEST

START_TEST(nor_where_plugins_are_unless_that_was_written)
{
	load_file(
		"version: 1\ndaemon: {plugin_pth: [/p]}\n" LISTENERS("handler: echo", "handler: /p/echo.so"));

	ck_assert_int_eq(extent, CFG_HANDLERS);
	ck_assert_uint_eq(config->listener_count, 1);
	ck_assert_str_eq(config->listeners[0].plugin, "/p/echo.so");
	finish();
	load_file("version: 1\ninclude: missing.yaml\n" LISTENERS("handler: echo", "handler: /p/echo.so"));
	ck_assert_int_eq(extent, CFG_HANDLERS);
	ck_assert_uint_eq(config->listener_count, 1);
	finish();
	load_file("version: 1\nlisteners: [\n");
	ck_assert_int_eq(extent, CFG_NOTHING);
	ck_assert_ptr_null(config);
}
END_TEST

UNIT_TESTS("load_rest", a_good_file_is_known_as_a_whole, a_listener_whose_handler_is_in_doubt_is_left_out,
	a_fault_elsewhere_leaves_all_handlers, after_a_fault_of_the_daemon_nobody_knows_who_workers_are,
	nor_where_plugins_are_unless_that_was_written)
