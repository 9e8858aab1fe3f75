/* run/run_command.c: options become YAML, and nothing in them becomes more than a value. */
#include <string.h>

#include "run/run_command.h"
#include "unit.h"

static char *
yaml(const struct cli *cli)
{
	struct strbuf s = { 0 };

	run_command_yaml(cli, &s);
	ck_assert(!s.failed);
	return strbuf_take(&s);
}

/* The line after `config: ` for one or more settings. */
static void
settings_become(const char *const *sets, size_t count, const char *want)
{
	struct cli cli = { .plugin = "echo", .listen = { .items = { "tcp://127.0.0.1:0" }, .count = 1 } };
	char line[512];
	char *text;

	for (size_t i = 0; i < count; i++)
		cli.set.items[cli.set.count++] = sets[i];
	text = yaml(&cli);
	snprintf(line, sizeof line, "\n      config: %s\n", want);
	ck_assert_msg(strstr(text, line) != NULL, "no %s in:\n%s", line, text);
	free(text);
}
#define BECOME(want, ...)                                \
	settings_become((const char *[]){ __VA_ARGS__ }, \
		sizeof((const char *[]){ __VA_ARGS__ }) / sizeof(const char *), want)

START_TEST(a_file_of_this_folder_needs_no_slash)
{
	static const struct {
		const char *word, *plugin;
	} rows[] = { { "echo.so", "\"./echo.so\"" }, { "./echo.so", "\"./echo.so\"" }, { "echo", "\"echo\"" },
		{ ".so", "\".so\"" }, { "a/b", "\"a/b\"" } };

	for (size_t i = 0; i < array_len(rows); i++) {
		const struct cli cli = { .plugin = rows[i].word };
		char *text = yaml(&cli), line[80];

		snprintf(line, sizeof line, "\n      plugin: %s\n", rows[i].plugin);
		ck_assert_msg(strstr(text, line) != NULL, "no %s in:\n%s", line, text);
		free(text);
	}
}
END_TEST

START_TEST(one_listener_holds_all_addresses)
{
	const struct cli cli = {
		.plugin = "/opt/my plugin.so",
		.listen = { .items = { "tcp://127.0.0.1:0", "unix:///run/a b" }, .count = 2 },
		.threads = "auto",
	};
	char *text = yaml(&cli);

	ck_assert_str_eq(text, "version: 1\n"
			       "daemon:\n"
			       "  admin: off\n"
			       "  threads: auto\n"
			       "listeners:\n"
			       "  \"my_plugin\":\n"
			       "    listen:\n"
			       "      - \"tcp://127.0.0.1:0\"\n"
			       "      - \"unix:///run/a b\"\n"
			       "    handler:\n"
			       "      plugin: \"/opt/my plugin.so\"\n"
			       "      config: {}\n");
	free(text);
}
END_TEST

START_TEST(plain_values_stay_plain)
{
	BECOME("{\"n\": 5}", "n=5");
	BECOME("{\"n\": -5}", "n=-5");
	BECOME("{\"on\": yes}", "on=yes");
	BECOME("{\"t\": 10s}", "t=10s");
	BECOME("{\"u\": tcp://127.0.0.1:80}", "u=tcp://127.0.0.1:80");
}
END_TEST

START_TEST(unusual_values_are_quoted)
{
	BECOME("{\"s\": \"\"}", "s=");
	BECOME("{\"s\": \"a b\"}", "s=a b");
	BECOME("{\"s\": \"a: b\"}", "s=a: b");
	BECOME("{\"s\": \"a:\"}", "s=a:");
	BECOME("{\"s\": \"- x\"}", "s=- x");
	BECOME("{\"s\": \"-\"}", "s=-");
	BECOME("{\"s\": \"\\\"q\\\\\"}", "s=\"q\\");
	BECOME("{\"s\": \"a\\x0ab\\x09\"}", "s=a\nb\t");
	BECOME("{\"s\": \"$${HOME}\"}", "s=${HOME}");
	BECOME("{\"s\": \"}, evil: {\"}", "s=}, evil: {");
	BECOME("{\"a\\\"b\": 1}", "a\"b=1");
}
END_TEST

START_TEST(lists_and_maps_are_flow_values)
{
	BECOME("{\"l\": [a, b]}", "l=[a, b]");
	BECOME("{\"l\": [[1], {a: 2}]}", "l=[[1], {a: 2}]");
	BECOME("{\"l\": [$$x]}", "l=[$x]");
	BECOME("{\"l\": []}", "l=[]");
}
END_TEST

START_TEST(what_only_looks_like_a_list_is_text)
{
	BECOME("{\"l\": \"[a\"}", "l=[a");
	BECOME("{\"l\": \"[a]]\"}", "l=[a]]");
	BECOME("{\"l\": \"[a] [b]\"}", "l=[a] [b]");
	BECOME("{\"l\": \"[a\\x0a]\"}", "l=[a\n]");
	BECOME("{\"l\": \"[a # b]\"}", "l=[a # b]");
}
END_TEST

START_TEST(dots_nest_and_siblings_share_a_map)
{
	BECOME("{\"a\": {\"b\": 1}}", "a.b=1");
	BECOME("{\"a\": {\"b\": 1, \"c\": {\"d\": 2}}, \"e\": 3}", "a.b=1", "e=3", "a.c.d=2");
	BECOME("{\"a\": {\"b\": {\"c\": 1, \"d\": 2}}}", "a.b.c=1", "a.b.d=2");
}
END_TEST

START_TEST(a_key_given_twice_stays_twice_for_the_loader_to_refuse)
{
	BECOME("{\"a\": 1, \"a\": 2}", "a=1", "a=2");
	BECOME("{\"a\": 1, \"a\": {\"b\": 2}}", "a=1", "a.b=2");
	BECOME("{\"a\": {\"b\": 2}, \"a\": 1}", "a.b=2", "a=1");
}
END_TEST

UNIT_TESTS("run_command", a_file_of_this_folder_needs_no_slash, one_listener_holds_all_addresses,
	plain_values_stay_plain, unusual_values_are_quoted, lists_and_maps_are_flow_values,
	what_only_looks_like_a_list_is_text, dots_nest_and_siblings_share_a_map,
	a_key_given_twice_stays_twice_for_the_loader_to_refuse)
