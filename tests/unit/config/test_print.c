/* The effective configuration as text. */
#include "config/print.h"

#include "fixture.h"

static const char everything[] =
	"version: 1\n"
	"daemon:\n"
	"  threads: 3\n"
	"  fiber_stack: 1MiB\n"
	"  plugin_path: [/a b, 'b: c']\n"
	"  log: {target: /var/log/sockd, level: error, format: json}\n"
	"  shutdown: {timeout: 1m, spread: 1500ms}\n"
	"  observers: [audit, {plugin: /o.so, config: {a: 1}}, 'null']\n"
	"defaults: {timeouts: {idle: 7s}}\n"
	"listeners:\n"
	"  \"123\":\n"
	"    listen: ['tcp://[::1]:1', unix:@$$a b, \"unix:///run/\\u00fc \\\"x\\\"\"]\n"
	"    handler: {plugin: sub/echo.so, config: {s: \"a\\tb\\u2028$$x\\u0085\\ufeff\\\"\\\\ '\", n: , t: "
	"~, l: [1, -5, [], {}],\n"
	"      'a: b': {x: 'yes', y: yes, z: null, w: 'null', e: ''}, -a: '-', p: 1.5e+3}}\n"
	"    threads: 1\n"
	"    backlog: 5\n"
	"    socket: {no_delay: false, keepalive: {idle: 2s, count: 9}, ipv6_only: true, reuse_port: false,\n"
	"      receive_buffer: 1K, freebind: true, device: lo, defer_accept: 4s, mode: \"0666\", owner: "
	"\"0\", group: 'on'}\n"
	"    timeouts: {first_byte: 1s, write: off, lifetime: 1d}\n"
	"    limits: {connections: 3}\n"
	"    buffers: {read: 4K, write: 8K}\n"
	"  u: {listen: udp://*:7, handler: echo}\n"
	"  p: {listen: systemd:legacy, handler: discard}\n";

static char *
printed_without_origins(const struct config *c)
{
	struct strbuf text = { 0 };
	char *all, *out, *at;

	config_print_yaml(&text, c, NULL);
	all = strbuf_take(&text);
	ck_assert_ptr_nonnull(all);
	for (at = out = all; *at != '\0'; at++) {
		if (*at == ' ' && at[1] == '#')
			at += strcspn(at, "\n");
		if (*at == '\n')
			while (out > all && out[-1] == ' ')
				out--;
		*out++ = *at;
	}
	*out = '\0';
	return all;
}

static void
assert_same_node(const struct cfg_node *a, const struct cfg_node *b)
{
	ck_assert_int_eq(a->kind, b->kind);
	ck_assert_uint_eq(a->count, b->count);
	if (a->kind == CFG_SCALAR)
		ck_assert_str_eq(a->text, b->text);
	for (size_t i = 0; i < a->count; i++) {
		if (a->kind == CFG_LIST)
			assert_same_node(a->items[i], b->items[i]);
		else {
			ck_assert_str_eq(a->pairs[i].key, b->pairs[i].key);
			assert_same_node(a->pairs[i].value, b->pairs[i].value);
		}
	}
}

START_TEST(printed_yaml_reads_back_as_the_same)
{
	struct load first = assert_taken(everything), second;
	struct strbuf text = { 0 };
	char *before = printed_without_origins(first.config), *after;

	config_print_yaml(&text, first.config, NULL);
	second = assert_taken(text.data);
	after = printed_without_origins(second.config);

	ck_assert_str_eq(before, after);
	ck_assert_str_eq(second.config->listeners[0].addresses[1].path, "$a b");
	ck_assert_int_eq(second.config->listeners[0].timeouts.idle_ms, 7000);
	ck_assert_str_eq(cfg_node_get(second.config->listeners[0].settings, "s")->text,
		"a\tb\xe2\x80\xa8$x\xc2\x85\xef\xbb\xbf\"\\ '");
	ck_assert_str_eq(cfg_node_get(second.config->listeners[0].settings, "n")->text, "null");
	ck_assert(cfg_node_get(cfg_node_get(second.config->listeners[0].settings, "l"), "x") == NULL);
	assert_same_node(cfg_node_get(first.config->listeners[0].settings, "a: b"),
		cfg_node_get(second.config->listeners[0].settings, "a: b"));
	ck_assert(!cfg_node_get(cfg_node_get(second.config->listeners[0].settings, "a: b"), "w")->plain);
	free(before);
	free(after);
	strbuf_fini(&text);
	load_done(&first);
	load_done(&second);
}
END_TEST

START_TEST(each_value_says_where_it_comes_from)
{
	static const char *const lines[] = { "  threads: 3                                    # t.yaml:3\n",
		"    spread: 1500ms                              # t.yaml:7\n",
		"      idle: 7s                                  # defaults t.yaml:9\n",
		"        interval: 15s                           # default\n",
		"      - \"udp://*:7\"                             # t.yaml:22\n",
		"      config: {a: 1}                            # t.yaml:8\n" };
	struct load l = assert_taken(everything);
	struct strbuf text = { 0 };

	config_print_yaml(&text, l.config, NULL);

	for (size_t i = 0; i < sizeof lines / sizeof lines[0]; i++)
		ck_assert_msg(strstr(text.data, lines[i]) != NULL, "%s\nis not in\n%s", lines[i], text.data);
	strbuf_fini(&text);
	load_done(&l);
}
END_TEST

START_TEST(keys_that_do_not_apply_are_not_printed)
{
	struct load l = assert_taken("version: 1\nlisteners: {u: {listen: udp://*:7, handler: echo}}\n");
	struct strbuf text = { 0 };

	config_print_yaml(&text, l.config, NULL);

	ck_assert_ptr_null(strstr(text.data, "backlog"));
	ck_assert_ptr_null(strstr(text.data, "      mode"));
	ck_assert_ptr_null(strstr(text.data, "timeouts"));
	ck_assert_ptr_null(strstr(text.data, "owner"));
	ck_assert_ptr_null(strstr(text.data, "  tls:"));
	strbuf_fini(&text);
	load_done(&l);
}
END_TEST

START_TEST(an_empty_configuration_prints)
{
	struct load l = assert_taken("version: 1\n"), again;
	struct strbuf text = { 0 };

	config_print_yaml(&text, l.config, NULL);
	again = assert_taken(text.data);

	ck_assert_ptr_nonnull(strstr(text.data, "listeners: {}\n"));
	ck_assert_ptr_nonnull(strstr(text.data, "  observers: []\n"));
	strbuf_fini(&text);
	load_done(&l);
	load_done(&again);
}
END_TEST

/* JSON is YAML, so our own reader tells whether it is well formed. */
START_TEST(printed_json_is_well_formed)
{
	struct load l = assert_taken(everything), read;
	struct strbuf text = { 0 }, wrapped = { 0 };

	config_print_json(&text, l.config, NULL);
	strbuf_add(&wrapped, "version: 1\nlisteners: {a: {listen: tcp://*:1, handler: {plugin: p, config: ");
	for (const char *at = text.data; *at != '\0'; at++)
		strbuf_printf(&wrapped, *at == '$' ? "$$" : *at == '\n' ? " " : "%c", *at);
	strbuf_add(&wrapped, "}}}\n");
	read = assert_taken(wrapped.data);

	ck_assert_ptr_nonnull(strstr(text.data, "\"threads\": {\"value\": 3, \"origin\": \"t.yaml:3\"}"));
	ck_assert_ptr_nonnull(
		strstr(text.data, "\"no_delay\": {\"value\": false, \"origin\": \"t.yaml:17\"}"));
	ck_assert_ptr_nonnull(
		strstr(text.data, "\"mode\": {\"value\": \"0666\", \"origin\": \"t.yaml:18\"}"));
	ck_assert_ptr_nonnull(strstr(text.data, "{\"value\": \"udp://*:7\", \"origin\": \"t.yaml:22\"}"));
	ck_assert_str_eq(
		cfg_node_get(
			cfg_node_get(
				cfg_node_get(cfg_node_get(cfg_node_get(read.config->listeners[0].settings,
								  "listeners"),
						     "123"),
					"limits"),
				"connections"),
			"value")
			->text,
		"3");
	strbuf_fini(&text);
	strbuf_fini(&wrapped);
	load_done(&l);
	load_done(&read);
}
END_TEST

#define SECRETS                                                                                            \
	"version: 1\nlisteners: {a: {listen: tcp://*:1, handler: {plugin: p, config: {user: u, password: " \
	"pw1, "                                                                                            \
	"tls: {key: pw2}, other: {file: /pw3}, db_token: [pw4], cred: {credential: pw5}}}}}\n"

START_TEST(secrets_are_stars)
{
	struct load l = assert_taken(SECRETS);
	struct strbuf text = { 0 };

	config_print_yaml(&text, l.config, NULL);
	config_print_json(&text, l.config, NULL);

	ck_assert_ptr_null(strstr(text.data, "pw1"));
	ck_assert_ptr_nonnull(strstr(text.data, "pw2"));
	ck_assert_ptr_null(strstr(text.data, "pw3"));
	ck_assert_ptr_null(strstr(text.data, "pw4"));
	ck_assert_ptr_null(strstr(text.data, "pw5"));
	ck_assert_ptr_nonnull(strstr(text.data, "user: u, password: \"***\""));
	strbuf_fini(&text);
	load_done(&l);
}
END_TEST

static bool
only_tls_key(void *arg, const char *plugin, const char *path)
{
	return arg == NULL && strcmp(plugin, "p") == 0 && strcmp(path, "tls.key") == 0;
}

START_TEST(a_plugin_may_say_what_is_secret)
{
	const struct cfg_print_options options = { .is_secret = only_tls_key };
	struct load l = assert_taken(SECRETS);
	struct strbuf text = { 0 };

	config_print_yaml(&text, l.config, &options);

	ck_assert_ptr_nonnull(strstr(text.data, "pw1"));
	ck_assert_ptr_null(strstr(text.data, "pw2"));
	ck_assert_ptr_null(strstr(text.data, "pw3"));
	strbuf_fini(&text);
	load_done(&l);
}
END_TEST

UNIT_TESTS("print", printed_yaml_reads_back_as_the_same, each_value_says_where_it_comes_from,
	keys_that_do_not_apply_are_not_printed, an_empty_configuration_prints, printed_json_is_well_formed,
	secrets_are_stars, a_plugin_may_say_what_is_secret)
