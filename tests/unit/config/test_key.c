/* The tables themselves, and what is generated from them: the schema and the manual. */
#include "config/key.h"

#include "config/man.h"
#include "config/schema.h"
#include "config/store.h"
#include "fixture.h"

static const struct key_table *const tables[] = { &key_table_file, &key_table_daemon, &key_table_listener,
	&key_table_observer };

START_TEST(every_row_is_complete)
{
	for (size_t t = 0; t < array_len(tables); t++) {
		for (size_t i = 0; i < tables[t]->count; i++) {
			const struct key *k = &tables[t]->keys[i];

			ck_assert_ptr_nonnull(k->name);
			ck_assert_msg(k->help != NULL && k->help[strlen(k->help) - 1] != '.', "%s", k->name);
			ck_assert_msg(
				!k->required || k->example != NULL || k->type == KEY_MAP, "%s", k->name);
			ck_assert_msg(tables[t] != &key_table_listener || k->transports != 0, "%s", k->name);
			ck_assert_msg(
				k->size == 0 || k->offset + k->size <= tables[t]->target_size, "%s", k->name);
			ck_assert_msg((k->type == KEY_MAP || k->instead != NULL ||
					      tables[t] == &key_table_file) == (k->size == 0),
				"%s", k->name);
			for (size_t j = 0; j < i; j++)
				ck_assert_str_ne(k->name, tables[t]->keys[j].name);
		}
	}
}
END_TEST

START_TEST(every_nested_key_has_its_map)
{
	for (size_t t = 0; t < array_len(tables); t++) {
		for (size_t i = 0; i < tables[t]->count; i++) {
			const struct key *k = &tables[t]->keys[i];
			bool found = strchr(k->name, '.') == NULL;

			for (size_t j = 0; !found && j < i; j++)
				found = tables[t]->keys[j].type == KEY_MAP &&
					key_below(k, tables[t]->keys[j].name) != NULL;
			ck_assert_msg(found, "%s", k->name);
		}
	}
}
END_TEST

START_TEST(every_default_is_a_value_that_its_row_allows)
{
	for (size_t t = 0; t < array_len(tables); t++) {
		for (size_t i = 0; i < tables[t]->count; i++) {
			const struct key *k = &tables[t]->keys[i];
			_Alignas(16) char field[64];
			struct arena arena = { 0 };
			struct cfg_report report = { 0 };

			if (k->fallback == NULL || k->size == 0)
				continue;
			ck_assert_msg(store_fallback(k, &arena, field, &report) == 0, "%s", k->name);
			ck_assert_uint_eq(report.errors, 0);
			arena_fini(&arena);
			cfg_report_fini(&report);
		}
	}
}
END_TEST

START_TEST(keys_are_found_in_their_map)
{
	char names[64];

	ck_assert_str_eq(
		key_find(&key_table_listener, "socket.keepalive", "idle")->name, "socket.keepalive.idle");
	ck_assert_ptr_null(key_find(&key_table_listener, "socket", "keepalive.idle"));
	ck_assert_ptr_null(key_find(&key_table_listener, "sock", "et"));
	ck_assert_str_eq(key_last(key_find(&key_table_listener, "", "listen")), "listen");
	ck_assert_str_eq(key_transports_name(KEY_ON_ALL, names), "tcp, udp, unix, unixgram, systemd");
	ck_assert_str_eq(key_transports_name(0, names), "");
	ck_assert_ptr_null(key_word_name(NULL, 0));
	for (int i = 0; i < KEY_TYPE_COUNT; i++)
		ck_assert_ptr_nonnull(key_type_name((enum key_type)i));
	for (int i = 0; i < KEY_RELOAD_COUNT; i++)
		ck_assert_ptr_nonnull(key_reload_name((enum key_reload)i));
}
END_TEST

/* JSON is YAML: our own reader says whether it is well formed, and gives it back as a tree. */
static struct load
read_schema(struct strbuf *schema)
{
	struct strbuf wrapped = { 0 };
	struct load l;

	config_print_schema(schema);
	ck_assert(!schema->failed);
	strbuf_add(&wrapped, "version: 1\nlisteners: {a: {listen: tcp://*:1, handler: {plugin: p, config: ");
	for (const char *at = schema->data; *at != '\0'; at++)
		strbuf_printf(&wrapped, *at == '$' ? "$$" : *at == '\n' ? " " : "%c", *at);
	strbuf_add(&wrapped, "}}}\n");
	l = assert_taken(wrapped.data);
	strbuf_fini(&wrapped);
	return l;
}

/* What describes the keys below: the node itself, or the map among its alternatives. */
static const struct cfg_node *
properties_of(const struct cfg_node *node)
{
	const struct cfg_node *any = cfg_node_get(node, "anyOf");

	for (size_t i = 0; any != NULL && any->kind == CFG_LIST && i < any->count; i++)
		if (cfg_node_get(any->items[i], "properties") != NULL)
			return cfg_node_get(any->items[i], "properties");
	return cfg_node_get(node, "properties");
}

static void
assert_described(const struct cfg_node *properties, const struct key_table *table, bool defaults)
{
	for (size_t i = 0; i < table->count; i++) {
		const struct key *k = &table->keys[i];
		const struct cfg_node *node = NULL, *level = properties;
		char name[64], *rest = name, *part;

		snprintf(name, sizeof name, "%s", k->name);
		while ((part = strsep(&rest, ".")) != NULL && level != NULL) {
			node = cfg_node_get(level, part);
			level = properties_of(node);
		}
		ck_assert_msg((node != NULL) == !(defaults && k->own), "%s", k->name);
		if (node == NULL)
			continue;
		ck_assert_msg(strncmp(cfg_node_get(node, "description")->text, k->help, strlen(k->help)) == 0,
			"%s: %s", k->name, cfg_node_get(node, "description")->text);
		ck_assert_msg((cfg_node_get(node, "not") != NULL) == (k->instead != NULL), "%s", k->name);
	}
}

START_TEST(the_schema_describes_every_key)
{
	struct strbuf schema = { 0 };
	struct load l = read_schema(&schema);
	const struct cfg_node *file = cfg_node_get(l.config->listeners[0].settings, "properties");
	const struct cfg_node *daemon = cfg_node_get(cfg_node_get(file, "daemon"), "properties");

	assert_described(file, &key_table_file, false);
	assert_described(daemon, &key_table_daemon, false);
	assert_described(
		cfg_node_get(cfg_node_get(file, "defaults"), "properties"), &key_table_listener, true);
	assert_described(cfg_node_get(cfg_node_get(cfg_node_get(file, "listeners"), "additionalProperties"),
				 "properties"),
		&key_table_listener, false);
	assert_described(cfg_node_get(cfg_node_get(cfg_node_get(daemon, "observers"), "items"), "properties"),
		&key_table_observer, false);
	strbuf_fini(&schema);
	load_done(&l);
}
END_TEST

START_TEST(the_manual_describes_every_key)
{
	struct strbuf text = { 0 };

	config_print_man(&text);

	ck_assert(!text.failed);
	for (size_t t = 0; t < array_len(tables); t++) {
		for (size_t i = 0; i < tables[t]->count; i++) {
			char item[80];

			snprintf(item, sizeof item, ".It Cm %s\n", tables[t]->keys[i].name);
			ck_assert_msg(strstr(text.data, item) != NULL, "%s", item);
		}
	}
	ck_assert_ptr_nonnull(strstr(text.data, "Takes a size, 4KiB to 16MiB.\n"));
	ck_assert_ptr_nonnull(
		strstr(text.data, "Refused: serve them over HTTP by a listener with `handler: metrics`.\n"));
	strbuf_fini(&text);
}
END_TEST

/* The manual, the schema and --print-config go by the order of the rows. */
START_TEST(the_keys_of_a_map_stand_together_behind_it)
{
	for (size_t t = 0; t < array_len(tables); t++) {
		for (size_t i = 0; i < tables[t]->count; i++) {
			const char *name = tables[t]->keys[i].name, *last = key_last(&tables[t]->keys[i]);
			const char *before = i > 0 ? tables[t]->keys[i - 1].name : "";
			size_t size = (size_t)(last - name);

			if (size > 0)
				ck_assert_msg(strncmp(before, name, size - 1) == 0 &&
						      (before[size - 1] == '\0' || before[size - 1] == '.'),
					"%s behind %s", name, before);
		}
	}
}
END_TEST

UNIT_TESTS("key", every_row_is_complete, every_nested_key_has_its_map,
	every_default_is_a_value_that_its_row_allows, keys_are_found_in_their_map,
	the_schema_describes_every_key, the_manual_describes_every_key,
	the_keys_of_a_map_stand_together_behind_it)
