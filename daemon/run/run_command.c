/* Options to YAML. Text goes in double quotes with everything unusual escaped, and `$` doubled, for the file
 * format would put a variable in its place where the shell has already done so. A setting keeps its bare form
 * where that is safe: `5`, `yes` and `10s` have to stay what a plugin's table says they are. */
#include "run/run_command.h"

#include <string.h>

#include "run/plugin_name.h"

/* In double quotes (YAML 1.2 section 5.7). Bytes above 127 pass: the loader refuses what is not UTF-8. */
static void
add_quoted(struct strbuf *s, const char *text, size_t size)
{
	strbuf_add_char(s, '"');
	for (size_t i = 0; i < size; i++) {
		unsigned char c = (unsigned char)text[i];

		if (c == '"' || c == '\\')
			strbuf_printf(s, "\\%c", c);
		else if (c == '$')
			strbuf_add(s, "$$");
		else if (c < 0x20 || c == 0x7f)
			strbuf_printf(s, "\\x%02x", c);
		else
			strbuf_add_char(s, (char)c);
	}
	strbuf_add_char(s, '"');
}

static bool
is_bare(const char *text)
{
	static const char safe[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_./+-:%";
	size_t size = strlen(text);

	if (size == 0 || strspn(text, safe) != size || strchr(":%", text[0]) != NULL || text[size - 1] == ':')
		return false;
	return text[0] != '-' || (size > 1 && text[1] >= '0' && text[1] <= '9');
}

/* `[a, b]` and `{a: 1}` are YAML already; only a line break could carry them out of their place, and YAML's
 * own brackets have to balance for the rest of the text to parse. */
static bool
is_flow(const char *text)
{
	size_t size = strlen(text);
	int depth = 0;

	if (size < 2 || strpbrk(text, "\r\n#") != NULL || (text[0] != '[' && text[0] != '{'))
		return false;
	for (size_t i = 0; i < size; i++) {
		if (text[i] == '[' || text[i] == '{')
			depth++;
		else if (text[i] == ']' || text[i] == '}')
			depth--;
		if (depth == 0)
			return i == size - 1;
	}
	return false;
}

static void
add_value(struct strbuf *s, const char *text)
{
	if (is_bare(text)) {
		strbuf_add(s, text);
	} else if (is_flow(text)) {
		for (const char *p = text; *p != '\0'; p++)
			strbuf_add(s, *p == '$' ? "$$" : (const char[]){ *p, '\0' });
	} else {
		add_quoted(s, text, strlen(text));
	}
}

/* One setting of the list that is still to be written: what is left of its key, and its value. */
struct setting {
	const char *key;
	size_t key_size;
	const char *value;
	bool done;
};

static size_t
component(const struct setting *s)
{
	const char *dot = memchr(s->key, '.', s->key_size);

	return dot != NULL ? (size_t)(dot - s->key) : s->key_size;
}

static bool
same_component(const struct setting *a, const struct setting *b)
{
	return component(a) == component(b) && memcmp(a->key, b->key, component(a)) == 0;
}

static void add_map(struct strbuf *s, struct setting *settings, size_t count);

/* Everything that is nested under the first component of settings[first]. */
static void
add_nested(struct strbuf *s, struct setting *settings, size_t count, size_t first)
{
	struct setting inner[CLI_REPEAT_MAX];
	size_t head = component(&settings[first]), n = 0;

	for (size_t i = first; i < count; i++) {
		if (settings[i].done || !same_component(&settings[first], &settings[i]) ||
			settings[i].key_size == component(&settings[i]))
			continue;
		inner[n++] = (struct setting){
			.key = settings[i].key + head + 1,
			.key_size = settings[i].key_size - head - 1,
			.value = settings[i].value,
		};
		settings[i].done = i != first;
	}
	add_map(s, inner, n);
}

/* A key that is given twice comes out twice, and the loader says what it says of any duplicate. The recursion
 * is as deep as a key has dots, which cli_parse() bounds. */
static void
add_map(struct strbuf *s, struct setting *settings, size_t count)
{
	const char *separator = "";

	strbuf_add_char(s, '{');
	for (size_t i = 0; i < count; i++) {
		if (settings[i].done)
			continue;
		strbuf_add(s, separator);
		add_quoted(s, settings[i].key, component(&settings[i]));
		strbuf_add(s, ": ");
		if (component(&settings[i]) == settings[i].key_size)
			add_value(s, settings[i].value);
		else
			add_nested(s, settings, count, i);
		separator = ", ";
	}
	strbuf_add_char(s, '}');
}

/* The listener is called what the plugin is called: the file's name without folder and suffix. */
static void
add_name(struct strbuf *s, const char *plugin)
{
	const char *slash = strrchr(plugin, '/');
	const char *base = slash != NULL ? slash + 1 : plugin;
	size_t size = strlen(base);

	if (size > 3 && strcmp(base + size - 3, ".so") == 0)
		size -= 3;
	strbuf_add_char(s, '"');
	for (size_t i = 0; i < size && i < 32; i++) {
		bool word = strchr("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-",
				    base[i]) != NULL;

		strbuf_add_char(s, word ? base[i] : '_');
	}
	if (size == 0)
		strbuf_add(s, "run");
	strbuf_add_char(s, '"');
}

void
run_command_yaml(const struct cli *cli, struct strbuf *yaml)
{
	auto_of(strbuf) struct strbuf plugin = { 0 };
	struct setting settings[CLI_REPEAT_MAX];

	for (size_t i = 0; i < cli->set.count; i++) {
		const char *equals = strchr(cli->set.items[i], '=');

		settings[i] = (struct setting){
			.key = cli->set.items[i],
			.key_size = (size_t)(equals - cli->set.items[i]),
			.value = equals + 1,
		};
	}
	strbuf_add(yaml, "version: 1\n");
	/* Several of these may run at once, each for a person who sees it: none claims the admin socket. */
	strbuf_add(yaml, "daemon:\n  admin: off\n");
	if (cli->threads != NULL) {
		strbuf_add(yaml, "  threads: ");
		add_value(yaml, cli->threads);
		strbuf_add_char(yaml, '\n');
	}
	strbuf_add(yaml, "listeners:\n  ");
	add_name(yaml, cli->plugin);
	strbuf_add(yaml, ":\n    listen:\n");
	for (size_t i = 0; i < cli->listen.count; i++) {
		strbuf_add(yaml, "      - ");
		add_quoted(yaml, cli->listen.items[i], strlen(cli->listen.items[i]));
		strbuf_add_char(yaml, '\n');
	}
	strbuf_add(yaml, "    handler:\n      plugin: ");
	plugin_name_add(&plugin, cli->plugin);
	yaml->failed |= plugin.failed;
	if (!plugin.failed)
		add_quoted(yaml, plugin.data, plugin.size);
	strbuf_add(yaml, "\n      config: ");
	add_map(yaml, settings, cli->set.count);
	strbuf_add_char(yaml, '\n');
}
