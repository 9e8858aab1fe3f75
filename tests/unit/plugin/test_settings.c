/* plugin/settings.c */
#include <errno.h>

#include "plugin/settings.h"

#include "settings_case.h"

static const char *const colours[] = { "red", "green", NULL };

#define EVERY(prefix, bits)                                                                       \
	{ .name = prefix "flag", .type = SOCKD_T_BOOL | (bits) },                                 \
		{ .name = prefix "number", .type = SOCKD_T_INT | (bits), .min = -5, .max = 100 }, \
		{ .name = prefix "bytes", .type = SOCKD_T_SIZE | (bits) },                        \
		{ .name = prefix "time", .type = SOCKD_T_DURATION | (bits) },                     \
		{ .name = prefix "text", .type = SOCKD_T_STRING | (bits), .min = 1, .max = 8 },   \
		{ .name = prefix "colour", .type = SOCKD_T_WORD | (bits), .words = colours },     \
		{ .name = prefix "file", .type = SOCKD_T_PATH | (bits) },                         \
		{ .name = prefix "password", .type = SOCKD_T_SECRET | (bits) },                   \
		{ .name = prefix "peer", .type = SOCKD_T_URL | (bits) },                          \
	{                                                                                         \
		.name = prefix "crypto", .type = SOCKD_T_TLS | (bits)                             \
	}

static const struct sockd_option options[] = { EVERY("", 0), EVERY("many_", SOCKD_T_LIST), { 0 } };

static struct settings *settings;

static int
read_by(const struct sockd_option *table, const char *config)
{
	struct sockd_plugin plugin = { SOCKD_PLUGIN_INIT, .name = "made", .version = "1", .options = table };
	static struct sockd_plugin kept;
	const struct cfg_listener *l = case_load(config);

	kept = plugin;
	return settings_new(
		&kept, case_config, &l->plugin_place, l->settings, &cfg_source_disk, &case_report, &settings);
}

static const struct sockd_settings *
good(const struct sockd_option *table, const char *config)
{
	int r = read_by(table, config);

	ck_assert_msg(r == 0, "%s", case_complaints());
	return settings_api(settings);
}

static void
end(void)
{
	settings_free(settings);
	case_end();
}

START_TEST(values_of_every_type_are_read)
{
	const struct sockd_settings *s = good(options, "        flag: true\n        number: -5\n        "
						       "bytes: 64KiB\n        time: 30s\n        text: hi\n"
						       "        colour: green\n        file: data/x\n        "
						       "password: hush\n        peer: tcp://[::1]:5\n");

	ck_assert(sockd_setting_bool(s, "flag"));
	ck_assert_int_eq(sockd_setting_int(s, "number"), -5);
	ck_assert_uint_eq(sockd_setting_size(s, "bytes"), 65536);
	ck_assert_int_eq(sockd_setting_duration_ms(s, "time"), 30000);
	ck_assert_str_eq(sockd_setting_string(s, "text"), "hi");
	ck_assert_str_eq(sockd_setting_string(s, "colour"), "green");
	ck_assert_str_eq(sockd_setting_string(s, "file"), "/etc/data/x");
	ck_assert_str_eq(sockd_setting_string(s, "password"), "hush");
	ck_assert_str_eq(sockd_setting_string(s, "peer"), "tcp://[::1]:5");
	end();
}
END_TEST

START_TEST(lists_of_every_type_are_read)
{
	const struct sockd_settings *s = good(options,
		"        many_flag: [true, false]\n        many_number: [1, 2]\n        many_bytes: [1KiB]\n"
		"        many_time: [1m, off]\n        many_text: alone\n        many_colour: [red]\n"
		"        many_file: [a, /b]\n        many_password: [x]\n        many_peer: "
		"[\"unix:///run/x\"]\n");

	ck_assert_str_eq(sockd_setting_list(s, "many_flag", 1), "false");
	ck_assert_str_eq(sockd_setting_list(s, "many_number", 0), "1");
	ck_assert_str_eq(sockd_setting_list(s, "many_number", 1), "2");
	ck_assert_ptr_null(sockd_setting_list(s, "many_number", 2));
	ck_assert_str_eq(sockd_setting_list(s, "many_bytes", 0), "1024");
	ck_assert_str_eq(sockd_setting_list(s, "many_time", 0), "60000");
	ck_assert_str_eq(sockd_setting_list(s, "many_time", 1), "-1");
	ck_assert_str_eq(sockd_setting_list(s, "many_text", 0), "alone");
	ck_assert_str_eq(sockd_setting_list(s, "many_file", 0), "/etc/a");
	ck_assert_str_eq(sockd_setting_list(s, "many_file", 1), "/b");
	end();
}
END_TEST

START_TEST(what_is_not_given_is_zero)
{
	const struct sockd_settings *s = good(options, "");

	ck_assert(!sockd_setting_bool(s, "flag"));
	ck_assert_int_eq(sockd_setting_int(s, "number"), 0);
	ck_assert_ptr_null(sockd_setting_string(s, "text"));
	ck_assert_ptr_null(sockd_setting_list(s, "many_text", 0));
	end();
}
END_TEST

START_TEST(defaults_are_read_as_yaml)
{
	const struct sockd_option table[] = { { .name = "a", .type = SOCKD_T_DURATION, .fallback = "off" },
		{ .name = "b", .type = SOCKD_T_STRING, .fallback = "\"\"" },
		{ .name = "c", .type = SOCKD_T_STRING | SOCKD_T_LIST, .fallback = "[\"x, y\", z]" },
		{ .name = "d", .type = SOCKD_T_PATH, .fallback = "here" },
		{ .name = "e", .type = SOCKD_T_INT | SOCKD_T_LIST, .fallback = "[]" }, { 0 } };
	const struct sockd_settings *s = good(table, "");

	ck_assert_int_eq(sockd_setting_duration_ms(s, "a"), SOCKD_FOREVER);
	ck_assert_str_eq(sockd_setting_string(s, "b"), "");
	ck_assert_str_eq(sockd_setting_list(s, "c", 0), "x, y");
	ck_assert_str_eq(sockd_setting_list(s, "c", 1), "z");
	ck_assert_str_eq(sockd_setting_string(s, "d"), "/etc/here");
	ck_assert_ptr_null(sockd_setting_list(s, "e", 0));
	end();
}
END_TEST

START_TEST(a_bad_default_is_the_fault_of_the_plugin)
{
	const struct sockd_option table[] = { { .name = "a", .type = SOCKD_T_INT, .fallback = "many" },
		{ 0 } };

	ck_assert_int_eq(read_by(table, ""), -EINVAL);
	ck_complained("the plugin 'made' has an unusable default for 'a' (many)");
	case_end();
}
END_TEST

START_TEST(a_required_setting_has_to_be_given)
{
	const struct sockd_option table[] = {
		{ .name = "a", .type = SOCKD_T_INT, .required = 1, .help = "How many" }, { 0 }
	};

	ck_assert_int_eq(read_by(table, ""), -EINVAL);
	ck_complained("the plugin 'made' needs the setting 'a': How many");
	case_end();
}
END_TEST

START_TEST(an_unknown_setting_is_told_with_its_place_and_the_nearest)
{
	ck_assert_int_eq(read_by(options, "        flag: true\n        nubmer: 3\n"), -EINVAL);
	ck_complained("/etc/case.yaml:8:9: error: the plugin 'made' has no setting 'nubmer'; did you mean "
		      "'number'?");
	case_end();
}
END_TEST

START_TEST(every_fault_is_told_in_one_run)
{
	ck_assert_int_eq(
		read_by(options,
			"        flag: perhaps\n        number: 101\n        bytes: lots\n        time: 30\n"
			"        text: much too long\n        colour: gren\n        peer: nowhere\n"
			"        crypto: public\n        file: [a]\n        many_number: [1, x]\n"),
		-EINVAL);
	ck_complained("/etc/case.yaml:7:");
	ck_complained("/etc/case.yaml:8:");
	ck_complained("/etc/case.yaml:9:");
	ck_complained("/etc/case.yaml:10:");
	ck_complained("'text' has 13 bytes; 1 to 8 are possible");
	ck_complained("did you mean 'green'?");
	ck_complained("/etc/case.yaml:13:");
	ck_complained("under 'tls:' at the top");
	ck_complained("/etc/case.yaml:15:");
	ck_complained("/etc/case.yaml:16:26: ");
	case_end();
}
END_TEST

START_TEST(settings_of_a_plugin_without_any_are_refused)
{
	ck_assert_int_eq(read_by(NULL, "        flag: true\n"), -EINVAL);
	ck_complained("settings here: none");
	case_end();
}
END_TEST

START_TEST(a_longer_row_is_stepped_over_by_its_stride)
{
	static const struct {
		struct sockd_option o;
		void *later;
	} table[] = { { { .name = "a", .type = SOCKD_T_INT, .fallback = "1" }, NULL },
		{ { .name = "b", .type = SOCKD_T_INT, .fallback = "2" }, NULL }, { { 0 }, NULL } };
	struct sockd_plugin plugin = { SOCKD_PLUGIN_INIT, .name = "made", .version = "1",
		.options = &table[0].o };
	const struct cfg_listener *l = case_load("");
	struct err e = { 0 };

	plugin.option_size = sizeof table[0];
	ck_assert_int_eq(settings_check_table(&plugin, &e), 0);
	ck_assert_int_eq(settings_new(&plugin, case_config, &l->plugin_place, l->settings, &cfg_source_disk,
				 &case_report, &settings),
		0);
	ck_assert_int_eq(sockd_setting_int(settings_api(settings), "b"), 2);
	end();
}
END_TEST

START_TEST(asking_for_what_is_not_declared_gives_zero)
{
	const struct sockd_settings *s = good(options, "        number: 7\n        many_number: [3]\n");

	ck_assert_int_eq(sockd_setting_int(s, "nothing"), 0);
	ck_assert_ptr_null(sockd_setting_string(s, "number"));
	ck_assert_int_eq(sockd_setting_int(s, "many_number"), 0);
	ck_assert_ptr_null(sockd_setting_list(s, "number", 0));
	ck_assert_int_eq(sockd_setting_int(s, "number"), 7);
	end();
}
END_TEST

START_TEST(a_complaint_finds_the_place_of_its_option)
{
	struct settings_error e;
	const struct cfg_place *place;

	good(options, "        number: 7\n        many_text: [a, b, c]\n");
	settings_error_init(&e);
	ck_assert_int_eq(sockd_error_set(&e.api, "number", "%d is taken", 7), -1);
	ck_assert_str_eq(e.text, "7 is taken");
	place = settings_error_place(settings, &e);
	ck_assert_int_eq(place->line, CASE_LINE);

	sockd_error_set(&e.api, "many_text[2]", "no");
	place = settings_error_place(settings, &e);
	ck_assert_int_eq(place->line, CASE_LINE + 1);
	ck_assert_int_eq(place->column, 27);

	sockd_error_set(&e.api, "many_text[9]", "no");
	ck_assert_int_eq(settings_error_place(settings, &e)->column, 20);

	sockd_error_set(&e.api, NULL, "no");
	ck_assert_ptr_nonnull(settings_error_place(settings, &e)->file);
	end();
}
END_TEST

UNIT_TESTS("settings", values_of_every_type_are_read, lists_of_every_type_are_read, what_is_not_given_is_zero,
	defaults_are_read_as_yaml, a_bad_default_is_the_fault_of_the_plugin,
	a_required_setting_has_to_be_given, an_unknown_setting_is_told_with_its_place_and_the_nearest,
	every_fault_is_told_in_one_run, settings_of_a_plugin_without_any_are_refused,
	a_longer_row_is_stepped_over_by_its_stride, asking_for_what_is_not_declared_gives_zero,
	a_complaint_finds_the_place_of_its_option)
