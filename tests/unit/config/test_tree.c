/* YAML that is wrong, hostile, or merely unusual. */
#include "config/tree.h"

#include <time.h>

#include "fixture.h"

/* Settings of a plugin are any YAML, so they show what becomes of it. */
#define SETTINGS(yaml)                                                                               \
	"version: 1\nlisteners:\n  a:\n    listen: tcp://*:1\n    handler:\n      plugin: p\n      " \
	"config:\n" yaml

static const struct cfg_node *
settings_of(const struct load *l)
{
	return l->config->listeners[0].settings;
}

START_TEST(nodes_know_their_place)
{
	struct load l = assert_taken(SETTINGS("        one: 1\n        two: [a, \"b c\"]\n"));
	const struct cfg_node *list = cfg_node_get(settings_of(&l), "two");

	ck_assert_str_eq(cfg_node_get(settings_of(&l), "one")->text, "1");
	ck_assert_int_eq(list->kind, CFG_LIST);
	ck_assert_int_eq(list->place.line, 9);
	ck_assert_int_eq(list->place.column, 14);
	ck_assert_str_eq(list->place.file, "t.yaml");
	ck_assert_uint_eq(list->count, 2);
	ck_assert(list->items[0]->plain);
	ck_assert(!list->items[1]->plain);
	ck_assert_int_eq(list->items[1]->place.column, 18);
	ck_assert_int_eq(list->items[1]->place.width, 5);
	ck_assert_int_eq(strncmp(list->place.line_text, "        two: [a", 15), 0);
	ck_assert_ptr_null(cfg_node_get(settings_of(&l), "three"));
	ck_assert_ptr_null(cfg_node_get(list, "one"));
	ck_assert_ptr_null(cfg_node_get(NULL, "one"));
	load_done(&l);
}
END_TEST

START_TEST(columns_count_characters)
{
	assert_refused("version: 1\ndaemon: {\"\xc3\xbc\xe2\x82\xac\": 1, \xf0\x9f\x98\x80: 2}\n",
		"t.yaml:2:19: error: unknown key");
	assert_refused("\xef\xbb\xbfversion: 1\nx: 1\n", "t.yaml:2:1: error: unknown key 'x'");
	assert_refused("version: 1\r\nx: 1\r\n", "t.yaml:2:1: error: unknown key 'x'");
	assert_refused("version: 1\rx: 1\r", "t.yaml:2:1: error: unknown key 'x'");
}
END_TEST

START_TEST(aliases_stand_for_their_anchor)
{
	struct load l = assert_taken(
		SETTINGS("        a: &x {k: v}\n        b: *x\n        c: &x other\n        d: *x\n"));

	ck_assert_ptr_eq(cfg_node_get(settings_of(&l), "a"), cfg_node_get(settings_of(&l), "b"));
	ck_assert_str_eq(cfg_node_get(settings_of(&l), "d")->text, "other");
	load_done(&l);
}
END_TEST

START_TEST(wrong_yaml_is_refused_at_its_place)
{
	static const struct {
		const char *text, *says;
	} rows[] = {
		{ "version: 1\ndaemon:\n\tlog: x\n",
			"t.yaml:3:1: error: found character that cannot start any token" },
		{ "version: 1\n\tfoo: 1\n", "a tab cannot indent" },
		{ "version: 1\ndaemon: {log: {\n", "t.yaml:3:1: error: " },
		{ "version: 1\na: [1, 2\nb: 3\n", "t.yaml:3:2: error: did not find expected ',' or ']'" },
		{ "version: 1\n  a: 1\n",
			"t.yaml:2:4: error: mapping values are not allowed in this context" },
		{ "version: 1\na: \"x\n", "a closing quote is missing" },
		{ "version: 1\na:\n  b: 1\n c: 2\n",
			"t.yaml:4:2: error: did not find expected key while parsing a block mapping" },
		{ "version: 1\n--- \nversion: 1\n", "t.yaml:2:1: error: a second document" },
		{ "version: 1\nversion: 1\n",
			"t.yaml:2:1: error: the key 'version' is here twice; the first is at t.yaml:1:1" },
		{ "version: 1\n? [a]\n: 1\n", "t.yaml:2:3: error: a key has to be a plain word" },
		{ "version: 1\n\"a\\0b\": 1\n", "t.yaml:2:1: error: a NUL character" },
		{ "version: \"a\\0b\"\n", "t.yaml:1:10: error: a NUL character" },
		{ "version: 1\ndaemon: &a {log: *a}\n",
			"t.yaml:2:18: error: '*a' stands inside of what it stands for" },
		{ "version: 1\ndaemon: *b\n", "t.yaml:2:9: error: there is no '&b' above" },
		{ "version: 1\ndefaults: &d {}\ndaemon: {<<: *d}\n",
			"t.yaml:3:10: error: merge keys ('<<') are not supported" },
		{ "version: !foo 1\n", "t.yaml:1:10: error: the tag '!foo' means nothing here" },
		{ "version: 1\ndaemon: !x {}\n", "the tag '!x'" },
		{ "version: 1\ninclude: !x []\n", "the tag '!x'" },
		{ "%YAML 2.0\n---\nversion: 1\n", "t.yaml:1:1: error: found incompatible YAML document" },
		{ "version: 1\na: \xff\xfe\n", "t.yaml:2:4: error: bytes that are not valid UTF-8" },
		{ "version: 1\n# \xc3\xbc \x01\n", "t.yaml:2:5: error: a control character" },
		{ "version: 1\n# \xc2\x80\n", "a control character" },
		{ "version: 1\n# \xef\xbf\xbf\n", "a control character" },
		{ "version: 1\n\xef\xbb\xbf\n", "a control character" },
	};

	for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++)
		assert_refused(rows[i].text, rows[i].says);
}
END_TEST

START_TEST(a_nul_byte_is_refused_at_its_place)
{
	struct load l = load_text_sized("version: 1\nab\0c", 15);

	ck_assert_int_eq(l.result, -EINVAL);
	ck_assert_ptr_nonnull(strstr(load_says(&l), "t.yaml:2:3: error: a NUL byte; is this a text file?"));
	load_done(&l);
}
END_TEST

START_TEST(utf16_is_refused)
{
	struct load l = load_text_sized("\xff\xfev\0:\0", 6);

	ck_assert_int_eq(l.result, -EINVAL);
	ck_assert_ptr_nonnull(strstr(load_says(&l), "save the file as UTF-8"));
	load_done(&l);
}
END_TEST

START_TEST(harmless_tags_are_taken)
{
	struct load l = assert_taken(
		"%YAML 1.1\n---\nversion: !!int 1\ndaemon: !!map {log: !!str \"stderr\"}\n...\n");

	load_done(&l);
}
END_TEST

/* `a: {a: {a: ... }}`, in flow or block style. */
static char *
nested(int depth, bool flow)
{
	struct strbuf text = { 0 };

	strbuf_add(&text, "version: 1\nlisteners: {a: {listen: tcp://*:1, handler: {plugin: p, config: ");
	for (int i = 0; i < depth; i++)
		strbuf_add(&text, flow ? "[" : "{a: ");
	for (int i = 0; i < depth; i++)
		strbuf_add(&text, flow ? "]" : "}");
	strbuf_add(&text, "}}}\n");
	return strbuf_take(&text);
}

START_TEST(nesting_has_a_bound)
{
	char *deep = nested(27, false), *deeper = nested(29, false);
	struct load l = assert_taken(deep);

	load_done(&l);
	assert_refused(deeper, "t.yaml:2:");
	assert_refused(deeper, "more than 32 levels of maps and lists");
	free(deep);
	free(deeper);
}
END_TEST

START_TEST(a_nesting_bomb_costs_no_time)
{
	char *bomb = nested(400000, true);
	clock_t begin = clock();

	assert_refused(bomb, "more than 32 levels");
	ck_assert_int_lt((clock() - begin) / CLOCKS_PER_SEC, UNIT_SANITIZED ? 60 : 2);
	free(bomb);
}
END_TEST

START_TEST(an_alias_bomb_is_refused)
{
	struct strbuf text = { 0 };

	strbuf_add(&text, SETTINGS("        l0: &l0 [x, x, x, x, x, x, x, x, x, x]\n"));
	for (int i = 1; i < 12; i++)
		strbuf_printf(&text,
			"        l%d: &l%d [*l%d, *l%d, *l%d, *l%d, *l%d, *l%d, *l%d, *l%d, *l%d]\n", i, i,
			i - 1, i - 1, i - 1, i - 1, i - 1, i - 1, i - 1, i - 1, i - 1);

	assert_refused(text.data, "more than 100000 values in all (aliases count as what they stand for)");
	strbuf_fini(&text);
}
END_TEST

START_TEST(aliases_do_not_get_around_the_depth)
{
	struct strbuf text = { 0 };

	strbuf_add(&text, SETTINGS("        l0: &l0 [x]\n"));
	for (int i = 1; i < 40; i++)
		strbuf_printf(&text, "        l%d: &l%d [*l%d]\n", i, i, i - 1);

	assert_refused(text.data, "more than 32 levels");
	strbuf_fini(&text);
}
END_TEST

START_TEST(anchors_have_a_bound)
{
	struct strbuf text = { 0 };

	strbuf_add(&text, SETTINGS("        l: ["));
	for (int i = 0; i < 1001; i++)
		strbuf_printf(&text, "&a%d x, ", i);
	strbuf_add(&text, "]\n");

	assert_refused(text.data, "more than 1000 anchors");
	strbuf_fini(&text);
}
END_TEST

START_TEST(values_have_a_bound)
{
	struct strbuf text = { 0 };

	strbuf_add(&text, SETTINGS("        l: ["));
	for (int i = 0; i < 100001; i++)
		strbuf_add(&text, "x, ");
	strbuf_add(&text, "]\n");

	assert_refused(text.data, "more than 100000 values");
	strbuf_fini(&text);
}
END_TEST

START_TEST(bytes_have_a_bound)
{
	struct strbuf text = { 0 };

	strbuf_add(&text, "version: 1\n");
	while (text.size < 1024 * 1024)
		strbuf_add(&text, "# the quick brown fox jumps over the lazy dog\n");

	assert_refused(text.data, "more than 1048576 bytes");
	strbuf_fini(&text);
}
END_TEST

START_TEST(many_keys_cost_no_square)
{
	struct strbuf text = { 0 };
	clock_t begin = clock();
	struct load l;

	strbuf_add(&text, SETTINGS(""));
	for (int i = 0; i < 40000; i++)
		strbuf_printf(&text, "        key%d: 1\n", i);
	l = assert_taken(text.data);

	ck_assert_uint_eq(settings_of(&l)->count, 40000);
	ck_assert_int_lt((clock() - begin) / CLOCKS_PER_SEC, UNIT_SANITIZED ? 60 : 5);
	load_done(&l);
	strbuf_fini(&text);
}
END_TEST

START_TEST(the_environment_is_put_into_values)
{
	struct load l = assert_taken(
		SETTINGS("        a: ${HOME}/x\n        b: \"$${HOME}$$\"\n        c: ${NOPE:-a-b:c}\n"
			 "        d: '${EMPTY:-full}'\n        e: x${EMPTY}y\n        f: \"${NOPE:-}\"\n"
			 "        ${HOME}: key\n"));
	const struct cfg_node *s = settings_of(&l);

	ck_assert_str_eq(cfg_node_get(s, "a")->text, "/nowhere/x");
	ck_assert_str_eq(cfg_node_get(s, "b")->text, "${HOME}$");
	ck_assert_str_eq(cfg_node_get(s, "c")->text, "a-b:c");
	ck_assert_str_eq(cfg_node_get(s, "d")->text, "full");
	ck_assert_str_eq(cfg_node_get(s, "e")->text, "xy");
	ck_assert_str_eq(cfg_node_get(s, "f")->text, "");
	ck_assert_str_eq(cfg_node_get(s, "${HOME}")->text, "key");
	load_done(&l);
}
END_TEST

START_TEST(wrong_variables_are_refused)
{
	assert_refused(SETTINGS("        a: ${NOPE}\n"),
		"t.yaml:8:12: error: the environment variable 'NOPE' is not set; set it, "
		"or write ${NOPE:-default}");
	assert_refused(SETTINGS("        a: pa$word\n"), "a lone '$'; write $$ for a dollar");
	assert_refused(SETTINGS("        a: x$\n"), "a '$' at the end");
	assert_refused(SETTINGS("        a: {b: ${HOME}}\n"), "\"${NAME}\" in quotes within {} and []");
	assert_refused(SETTINGS("        a: ${HOME\n"), "the '}' of a '${' is missing");
	assert_refused(SETTINGS("        a: ${}\n"), "is not a variable");
	assert_refused(SETTINGS("        a: ${1A}\n"), "'${1A}' is not a variable");
	assert_refused(SETTINGS("        a: ${A-b}\n"), "'${A-b}' is not a variable");
	assert_refused(SETTINGS("        a: ${BAD}\n"), "not valid UTF-8");
}
END_TEST

static const char *
huge_lookup(void *arg, const char *name)
{
	(void)name;
	return arg;
}

START_TEST(variables_cannot_grow_without_end)
{
	struct cfg_report report = { 0 };
	struct config *config = NULL;
	struct strbuf text = { 0 }, printed = { 0 };
	char *huge = malloc(100001);
	struct cfg_source source = MEMORY_SOURCE(NULL);

	ck_assert_ptr_nonnull(huge);
	memset(huge, 'x', 100000);
	huge[100000] = '\0';
	source.arg = huge;
	source.lookup = huge_lookup;
	strbuf_add(&text, SETTINGS("        a: \""));
	for (int i = 0; i < 100000; i++)
		strbuf_add(&text, "${X}");
	strbuf_add(&text, "\"\n");

	ck_assert_int_eq(config_parse_text("t", text.data, text.size, &source, &config, &report), -EINVAL);
	cfg_report_print(&report, &printed, false);
	ck_assert_ptr_nonnull(strstr(printed.data, "too large"));
	cfg_report_fini(&report);
	strbuf_fini(&text);
	strbuf_fini(&printed);
	free(huge);
}
END_TEST

UNIT_TESTS("tree", nodes_know_their_place, columns_count_characters, aliases_stand_for_their_anchor,
	wrong_yaml_is_refused_at_its_place, a_nul_byte_is_refused_at_its_place, utf16_is_refused,
	harmless_tags_are_taken, nesting_has_a_bound, a_nesting_bomb_costs_no_time, an_alias_bomb_is_refused,
	aliases_do_not_get_around_the_depth, anchors_have_a_bound, values_have_a_bound, bytes_have_a_bound,
	many_keys_cost_no_square, the_environment_is_put_into_values, wrong_variables_are_refused,
	variables_cannot_grow_without_end)
