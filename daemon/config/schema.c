/* Rows become JSON Schema. It is looser than the parser where a schema cannot follow (what fits which
 * transport) or must not (a ${VARIABLE} may stand for any scalar), and never stricter: what sockd takes, an
 * editor shows as right. */
#include "config/schema.h"

#include <inttypes.h>
#include <string.h>

#include "config/key.h"

enum { INDENT = 2 };

struct writer {
	struct strbuf *out;
	int depth;
	bool comma;
};

static void
next(struct writer *w, const char *name)
{
	strbuf_printf(w->out, "%s%*s", w->comma ? ",\n" : "\n", w->depth * INDENT, "");
	w->comma = true;
	if (name == NULL)
		return;
	strbuf_add_char(w->out, '"');
	strbuf_add_json(w->out, name, strlen(name));
	strbuf_add(w->out, "\": ");
}

static void
open_object(struct writer *w, const char *name)
{
	next(w, name);
	strbuf_add_char(w->out, '{');
	w->depth++;
	w->comma = false;
}

static void
close_object(struct writer *w)
{
	w->depth--;
	strbuf_printf(w->out, "\n%*s}", w->depth * INDENT, "");
	w->comma = true;
}

static void
put_string(struct writer *w, const char *name, const char *text)
{
	next(w, name);
	strbuf_add_char(w->out, '"');
	strbuf_add_json(w->out, text, strlen(text));
	strbuf_add_char(w->out, '"');
}

/* A member whose value is JSON already. */
static void
put_raw(struct writer *w, const char *name, const char *json)
{
	next(w, name);
	strbuf_add(w->out, json);
}

#define LIST_FILE                                                                                   \
	"{\"type\": \"object\", \"properties\": {\"file\": {\"type\": \"string\"}}, \"required\": " \
	"[\"file\"], \"additionalProperties\": false}"
#define ACCOUNTS                                                                                        \
	"{\"type\": [\"string\", \"integer\", \"null\"]}, {\"type\": \"array\", \"items\": {\"type\": " \
	"[\"string\", \"integer\"]}}"

/* The schemas of the types that are no maps; NULL: the words alone. Each is one of several in an anyOf,
 * beside words and variables. */
static const char *const type_schemas[KEY_TYPE_COUNT] = {
	[KEY_BOOL] = "{\"type\": \"boolean\"}",
	[KEY_SIZE] = "{\"type\": [\"string\", \"integer\"], \"pattern\": \"^[0-9]+([KMG](iB)?|B)?$\", "
		     "\"minimum\": 0}",
	[KEY_DURATION] = "{\"const\": 0}, {\"type\": \"string\", \"pattern\": "
			 "\"^(0|([0-9]+d)?([0-9]+h)?([0-9]+m)?([0-9]+s)?([0-9]+ms)?)$\", \"minLength\": 1}",
	[KEY_RATE] = "{\"enum\": [\"off\", false]}, {\"type\": \"string\", \"pattern\": "
		     "\"^[0-9]+/[smh]$\"}",
	[KEY_BANDWIDTH] = "{\"enum\": [\"off\", false]}, {\"type\": \"string\", \"pattern\": "
			  "\"^[0-9]+([KMG](iB)?|B)?/s$\"}",
	[KEY_NETWORKS] =
		"{\"type\": [\"string\", \"null\"]}, " LIST_FILE
		", {\"type\": \"array\", \"items\": {\"anyOf\": [{\"type\": \"string\"}, " LIST_FILE "]}}",
	[KEY_USERS] = ACCOUNTS,
	[KEY_GROUPS] = ACCOUNTS,
	[KEY_MODE] = "{\"type\": \"string\", \"pattern\": \"^0[0-7]+$\"}",
	[KEY_TEXT] = "{\"type\": [\"string\", \"integer\"]}",
	[KEY_TARGET] = "{\"type\": \"string\", \"pattern\": \"^/\"}",
	[KEY_SOCKET] = "{\"type\": \"string\", \"pattern\": \"^unix:(///|@)\"}",
	[KEY_PLUGIN] = "{\"type\": \"string\", \"minLength\": 1}",
	[KEY_TEXTS] = "{\"type\": [\"string\", \"null\"]}, {\"type\": \"array\", \"items\": {\"type\": "
		      "\"string\"}}",
	[KEY_PATH] = "{\"type\": \"string\", \"minLength\": 1}",
	[KEY_SECRET] = "{\"type\": [\"string\", \"object\"]}",
	[KEY_PATHS] = "{\"type\": [\"string\", \"null\"]}, {\"type\": \"array\", \"items\": {\"type\": "
		      "\"string\"}}",
	[KEY_FILES] = "{\"type\": [\"string\", \"null\"]}, {\"type\": \"array\", \"items\": {\"type\": "
		      "\"string\"}}",
	[KEY_SETTINGS] = "{\"type\": [\"object\", \"null\"]}",
	[KEY_VERSION] = "{\"const\": 1}",
};

#define ADDRESS \
	"{\"type\": \"string\", \"pattern\": \"^((tcp|udp)[46]?://|unix(gram)?:(///|@)|systemd:|\\\\$)\"}"
static const char address_schema[] =
	ADDRESS ", {\"type\": \"array\", \"minItems\": 1, \"items\": " ADDRESS "}";
static const char variable_schema[] = "{\"type\": \"string\", \"pattern\": \"\\\\$\\\\{\"}";

static bool
is_fit_for_defaults(const struct key *key)
{
	return !key->own;
}

static bool
is_fit_for_anything(const struct key *key)
{
	(void)key;
	return true;
}

struct level {
	const struct key_table *table;
	bool (*fits)(const struct key *key);
};

static void put_properties(struct writer *w, const struct level *l, const char *prefix);

static void
put_words(struct writer *w, const struct key_word *words)
{
	next(w, NULL);
	strbuf_add(w->out, "{\"enum\": [");
	for (const struct key_word *word = words; word->name != NULL; word++) {
		bool bare = strcmp(word->name, "true") == 0 || strcmp(word->name, "false") == 0;
		const char *quote = bare ? "" : "\"";

		strbuf_printf(w->out, "%s%s%s%s", word != words ? ", " : "", quote, word->name, quote);
		/* `threads: 1` is a number to every other reader of YAML. */
		if (word->name[strspn(word->name, "0123456789")] == '\0')
			strbuf_printf(w->out, ", %s", word->name);
	}
	strbuf_add(w->out, "]}");
}

static void
put_scalar(struct writer *w, const struct key *key)
{
	next(w, "anyOf");
	strbuf_add_char(w->out, '[');
	w->depth++;
	w->comma = false;
	if (key->words != NULL)
		put_words(w, key->words);
	if (key->off)
		put_raw(w, NULL, "{\"enum\": [\"off\", false]}");
	if (key->type == KEY_INTEGER) {
		next(w, NULL);
		strbuf_printf(w->out,
			"{\"type\": \"integer\", \"minimum\": %" PRId64 ", \"maximum\": %" PRId64 "}",
			key->min, key->max);
	} else if (key->type == KEY_ADDRESSES)
		put_raw(w, NULL, address_schema);
	else if (type_schemas[key->type] != NULL)
		put_raw(w, NULL, type_schemas[key->type]);
	put_raw(w, NULL, variable_schema);
	w->depth--;
	strbuf_printf(w->out, "\n%*s]", w->depth * INDENT, "");
	w->comma = true;
}

static void
put_default(struct writer *w, const struct key *key)
{
	bool quoted = key->fallback[0] == '"';
	size_t digits = strspn(key->fallback, "0123456789");

	next(w, "default");
	if (quoted || key->fallback[0] == '[' || strcmp(key->fallback, "true") == 0 ||
		strcmp(key->fallback, "false") == 0 || (digits > 0 && key->fallback[digits] == '\0'))
		strbuf_add(w->out, key->fallback);
	else {
		strbuf_add_char(w->out, '"');
		strbuf_add_json(w->out, key->fallback, strlen(key->fallback));
		strbuf_add_char(w->out, '"');
	}
}

/* A map, or the short form that stands for one key in it. */
static void
put_map(struct writer *w, const struct level *l, const struct key *key)
{
	if (key->brief == NULL) {
		put_raw(w, "type", "[\"object\", \"null\"]");
		put_properties(w, l, key->name);
		return;
	}
	next(w, "anyOf");
	strbuf_add_char(w->out, '[');
	w->depth++;
	w->comma = false;
	put_raw(w, NULL, "{\"type\": [\"string\", \"boolean\", \"null\"]}");
	open_object(w, NULL);
	put_string(w, "type", "object");
	put_properties(w, l, key->name);
	close_object(w);
	w->depth--;
	strbuf_printf(w->out, "\n%*s]", w->depth * INDENT, "");
	w->comma = true;
}

/* A list of maps of another table, or one of them. */
static void
put_items(struct writer *w, const struct key_table *table)
{
	const struct level item = { table, is_fit_for_anything };

	put_raw(w, "type", "[\"array\", \"string\", \"object\", \"null\"]");
	open_object(w, "items");
	put_raw(w, "type", "[\"object\", \"string\"]");
	put_properties(w, &item, "");
	close_object(w);
}

/* The name of a map, or the map. */
static void
put_tls(struct writer *w)
{
	static const struct level tls = { &key_table_tls, is_fit_for_anything };

	next(w, "anyOf");
	strbuf_add_char(w->out, '[');
	w->depth++;
	w->comma = false;
	put_raw(w, NULL, "{\"type\": \"string\"}");
	open_object(w, NULL);
	put_string(w, "type", "object");
	put_properties(w, &tls, "");
	close_object(w);
	w->depth--;
	strbuf_printf(w->out, "\n%*s]", w->depth * INDENT, "");
	w->comma = true;
}

static void
put_key(struct writer *w, const struct level *l, const struct key *key, const char *name)
{
	auto_of(strbuf) struct strbuf help = { 0 };

	open_object(w, name);
	strbuf_printf(&help, "%s%s%s", key->help, key->instead != NULL ? ". Refused: " : "",
		key->instead != NULL ? key->instead : "");
	if (help.failed)
		w->out->failed = true;
	else
		put_string(w, "description", help.data);
	if (key->instead != NULL)
		put_raw(w, "not", "{}");
	else if (key->type == KEY_MAP)
		put_map(w, l, key);
	else if (key->type == KEY_OBSERVERS)
		put_items(w, &key_table_observer);
	else if (key->type == KEY_CERTIFICATES)
		put_items(w, &key_table_certificate);
	else if (key->type == KEY_TLS)
		put_tls(w);
	else
		put_scalar(w, key);
	if (key->fallback != NULL && key->instead == NULL)
		put_default(w, key);
	close_object(w);
}

static void
put_required(struct writer *w, const struct level *l, const char *prefix)
{
	const char *separator = "";
	bool any = false;

	for (size_t i = 0; i < l->table->count; i++) {
		const struct key *key = &l->table->keys[i];
		const char *name = key_below(key, prefix);
		bool required = key->required;

		if (name == NULL || !l->fits(key))
			continue;
		/* A map is required when something in it is. */
		for (size_t j = 0; key->type == KEY_MAP && j < l->table->count; j++)
			required = required ||
				   (l->table->keys[j].required && key_below(&l->table->keys[j], key->name));
		if (!required)
			continue;
		if (!any) {
			next(w, "required");
			strbuf_add_char(w->out, '[');
		}
		any = true;
		strbuf_printf(w->out, "%s\"%s\"", separator, name);
		separator = ", ";
	}
	if (any)
		strbuf_add_char(w->out, ']');
}

static void
put_properties(struct writer *w, const struct level *l, const char *prefix)
{
	open_object(w, "properties");
	for (size_t i = 0; i < l->table->count; i++) {
		const char *name = key_below(&l->table->keys[i], prefix);

		if (name != NULL && l->fits(&l->table->keys[i]))
			put_key(w, l, &l->table->keys[i], name);
	}
	close_object(w);
	put_required(w, l, prefix);
	put_raw(w, "additionalProperties", "false");
}

/* The three maps at the top of the file whose keys are in tables of their own. */
static void
put_section(struct writer *w, const struct key *key)
{
	static const struct level daemon = { &key_table_daemon, is_fit_for_anything },
				  defaults = { &key_table_listener, is_fit_for_defaults },
				  listener = { &key_table_listener, is_fit_for_anything },
				  tls = { &key_table_tls, is_fit_for_defaults };

	open_object(w, key->name);
	put_string(w, "description", key->help);
	put_raw(w, "type", "[\"object\", \"null\"]");
	if (key->type == KEY_NAMED) {
		open_object(w, "propertyNames");
		put_string(w, "pattern", "^[A-Za-z0-9_.-]{1,64}$");
		close_object(w);
		open_object(w, "additionalProperties");
		put_string(w, "type", "object");
		put_properties(w, strcmp(key->name, "tls") == 0 ? &tls : &listener, "");
		close_object(w);
	} else
		put_properties(w, strcmp(key->name, "daemon") == 0 ? &daemon : &defaults, "");
	close_object(w);
}

void
config_print_schema(struct strbuf *out)
{
	struct writer w = { .out = out, .depth = 1 };
	const struct level file = { &key_table_file, is_fit_for_anything };

	strbuf_add_char(out, '{');
	put_string(&w, "$schema", "https://json-schema.org/draft/2020-12/schema");
	put_string(&w, "title", "sockd.yaml");
	put_string(&w, "description", "The configuration file of sockd");
	put_string(&w, "type", "object");
	open_object(&w, "properties");
	for (size_t i = 0; i < key_table_file.count; i++) {
		const struct key *key = &key_table_file.keys[i];

		if (key->instead == NULL && (key->type == KEY_MAP || key->type == KEY_NAMED))
			put_section(&w, key);
		else
			put_key(&w, &file, key, key->name);
	}
	close_object(&w);
	put_required(&w, &file, "");
	put_raw(&w, "additionalProperties", "false");
	strbuf_add(out, "\n}\n");
}
