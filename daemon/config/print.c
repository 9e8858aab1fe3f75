/* Printing walks the same tables as reading. YAML and JSON have the same shape and differ only in
 * punctuation, which the few functions at the top know. */
#include "config/print.h"

#include <string.h>

#include "config/key.h"
#include "config/networks.h"
#include "config/quote.h"
#include "config/store.h"

enum { INDENT = 2, COMMENT_COLUMN = 48 };

struct printer {
	struct strbuf *out;
	enum quote_format format;
	const struct cfg_print_options *options;
	int depth;
	bool comma; /* JSON: something stands before on this level */
	bool dash;  /* YAML: the next line begins a list item */
};

/* One struct and the table that describes it. */
struct subject {
	const struct key_table *table;
	const void *target;
	const struct cfg_origin *origins;
	unsigned transports; /* 0: all keys are shown */
	const char *plugin;  /* whose settings these are */
	bool shared;         /* keys of a listener's own are not shown */
};

static void
begin_line(struct printer *p, const char *key)
{
	if (p->format == QUOTE_JSON) {
		strbuf_printf(p->out, "%s%*s", p->comma ? ",\n" : "\n", p->depth * INDENT, "");
		p->comma = true;
	} else {
		strbuf_printf(
			p->out, "%*s%s", (p->depth - (p->dash ? 1 : 0)) * INDENT, "", p->dash ? "- " : "");
		p->dash = false;
	}
	if (key == NULL)
		return;
	if (p->format == QUOTE_JSON)
		strbuf_printf(p->out, "\"%s\": ", key);
	else
		strbuf_printf(p->out, "%s:", key);
}

/* @p bracket is '{' or '['; an empty one is closed at once, and false returned. */
static bool
open_level(struct printer *p, const char *key, char bracket, bool empty)
{
	begin_line(p, key);
	if (empty) {
		strbuf_printf(p->out, "%s%s%s", p->format == QUOTE_YAML ? " " : "",
			bracket == '{' ? "{}" : "[]", p->format == QUOTE_YAML ? "\n" : "");
		return false;
	}
	strbuf_add_char(p->out, p->format == QUOTE_JSON ? bracket : '\n');
	p->depth++;
	p->comma = false;
	return true;
}

static void
close_level(struct printer *p, char bracket)
{
	p->depth--;
	if (p->format == QUOTE_JSON)
		strbuf_printf(p->out, "\n%*s%c", p->depth * INDENT, "", bracket);
	p->comma = true;
}

/* An item of a list: in YAML its first line begins with a dash, and its others stand below what follows that.
 */
static void
begin_item(struct printer *p)
{
	if (p->format == QUOTE_JSON)
		return;
	p->dash = true;
	p->depth++;
}

static void
end_item(struct printer *p)
{
	if (p->format == QUOTE_YAML)
		p->depth--;
}

static void
add_origin(struct strbuf *out, const struct cfg_origin *origin, enum quote_format format)
{
	if (origin->kind == CFG_FROM_DEFAULT || origin->place.file == NULL) {
		strbuf_add(out, "default");
		return;
	}
	strbuf_add(out, origin->kind == CFG_FROM_DEFAULTS_MAP ? "defaults " : "");
	if (format == QUOTE_JSON)
		strbuf_add_json(out, origin->place.file, strlen(origin->place.file));
	else
		strbuf_add_quoted(out, origin->place.file, strlen(origin->place.file));
	strbuf_printf(out, ":%d", origin->place.line);
}

/* A value that is already quoted, and where it comes from. */
static void
put_value(struct printer *p, const char *key, const struct strbuf *value, const struct cfg_origin *origin)
{
	size_t line_start = p->out->size, column;

	begin_line(p, key);
	if (value->failed)
		p->out->failed = true;
	if (p->format == QUOTE_JSON) {
		strbuf_printf(
			p->out, "{\"value\": %s, \"origin\": \"", value->data != NULL ? value->data : "");
		add_origin(p->out, origin, p->format);
		strbuf_add(p->out, "\"}");
		return;
	}
	strbuf_printf(p->out, "%s%s", key != NULL ? " " : "", value->data != NULL ? value->data : "");
	column = p->out->size - line_start;
	strbuf_printf(p->out, "%*s# ", column < COMMENT_COLUMN ? (int)(COMMENT_COLUMN - column) : 1, "");
	add_origin(p->out, origin, p->format);
	strbuf_add_char(p->out, '\n');
}

static void
put_text(struct printer *p, const char *key, enum quote_style style, const char *text,
	const struct cfg_origin *origin)
{
	auto_of(strbuf) struct strbuf quoted = { 0 };

	quote_scalar(&quoted, p->format, style, text);
	put_value(p, key, &quoted, origin);
}

static void put_level(struct printer *p, const struct subject *s, const char *prefix);

static void
put_addresses(struct printer *p, const struct key *key, const void *field)
{
	struct cfg_address *const *addresses = field;
	size_t count;

	memcpy(&count, (const char *)field + sizeof *addresses, sizeof count);
	if (!open_level(p, key_last(key), '[', count == 0))
		return;
	for (size_t i = 0; i < count; i++) {
		const struct cfg_origin origin = { CFG_FROM_FILE, (*addresses)[i].place };

		begin_item(p);
		put_text(p, NULL, QUOTE_TEXT, (*addresses)[i].url, &origin);
		end_item(p);
	}
	close_level(p, ']');
}

static void
put_paths(struct printer *p, const struct key *key, const void *field, const struct cfg_origin *origin)
{
	auto_of(strbuf) struct strbuf list = { 0 };
	const char *const *const *paths = field;
	size_t count;

	memcpy(&count, (const char *)field + sizeof *paths, sizeof count);
	strbuf_add_char(&list, '[');
	for (size_t i = 0; i < count; i++) {
		strbuf_add(&list, i > 0 ? ", " : "");
		quote_scalar(&list, p->format, QUOTE_TEXT, (*paths)[i]);
	}
	strbuf_add_char(&list, ']');
	put_value(p, key_last(key), &list, origin);
}

static void
put_networks(struct printer *p, const struct key *key, const void *field, const struct cfg_origin *origin)
{
	auto_of(strbuf) struct strbuf list = { 0 };
	const struct cfg_node *written = key->type == KEY_NETWORKS
						 ? ((const struct cfg_networks *)field)->written
						 : ((const struct cfg_accounts *)field)->written;

	if (written == NULL && key->fallback == NULL)
		return; /* no list is not an empty list */
	networks_format(&list, p->format, written);
	put_value(p, key_last(key), &list, origin);
}

static void
put_observers(struct printer *p, const struct key *key, const void *field)
{
	const struct cfg_observer *const *observers = field;
	size_t count;

	memcpy(&count, (const char *)field + sizeof *observers, sizeof count);
	if (!open_level(p, key_last(key), '[', count == 0))
		return;
	for (size_t i = 0; i < count; i++) {
		const struct cfg_observer *o = &(*observers)[i];
		const struct subject s = {
			.table = &key_table_observer, .target = o, .origins = o->origins, .plugin = o->plugin
		};

		begin_item(p);
		if (p->format == QUOTE_JSON)
			open_level(p, NULL, '{', false);
		put_level(p, &s, "");
		if (p->format == QUOTE_JSON)
			close_level(p, '}');
		end_item(p);
	}
	close_level(p, ']');
}

static void
put_certificates(struct printer *p, const struct key *key, const void *field)
{
	const struct cfg_certificate *const *certificates = field;
	size_t count;

	memcpy(&count, (const char *)field + sizeof *certificates, sizeof count);
	if (!open_level(p, key_last(key), '[', count == 0))
		return;
	for (size_t i = 0; i < count; i++) {
		const struct subject s = { .table = &key_table_certificate,
			.target = &(*certificates)[i],
			.origins = (*certificates)[i].origins };

		begin_item(p);
		if (p->format == QUOTE_JSON)
			open_level(p, NULL, '{', false);
		put_level(p, &s, "");
		if (p->format == QUOTE_JSON)
			close_level(p, '}');
		end_item(p);
	}
	close_level(p, ']');
}

/* The name for short, where that says it. */
static void
put_tls(struct printer *p, const struct key *key, const void *field, const struct cfg_origin *origin)
{
	const struct cfg_tls_use *use = field;
	const struct subject s = { .table = &key_table_tls,
		.target = use->tls,
		.origins = use->tls != NULL ? use->tls->origins : NULL };

	if (use->tls == NULL)
		return;
	if (use->tls->named && !use->by_handler) {
		put_text(p, key_last(key), QUOTE_TEXT, use->tls->name, origin);
		return;
	}
	open_level(p, key_last(key), '{', false);
	if (use->tls->named) {
		put_text(p, "use", QUOTE_TEXT, use->tls->name, origin);
		put_text(p, "start", QUOTE_WORD, "handler", origin);
	} else {
		put_level(p, &s, "");
	}
	close_level(p, '}');
}

static enum quote_style
style_of(const struct key *key, bool bare)
{
	if (bare)
		return QUOTE_NEVER;
	return key->type == KEY_WORD || key->type == KEY_SIZE || key->type == KEY_DURATION ||
			       key->type == KEY_RATE || key->type == KEY_BANDWIDTH || key->type == KEY_INTEGER
		       ? QUOTE_WORD
		       : QUOTE_TEXT;
}

static void
put_settings(struct printer *p, const struct subject *s, const struct key *key, const void *field,
	const struct cfg_origin *origin)
{
	auto_of(strbuf) struct strbuf quoted = { 0 };
	const struct cfg_node *const *settings = field;

	if (*settings != NULL)
		quote_settings(&quoted, p->format, *settings, s->plugin, p->options);
	else
		strbuf_add(&quoted, "{}");
	put_value(p, key_last(key), &quoted, origin);
}

static void
put_key(struct printer *p, const struct subject *s, const struct key *key)
{
	const struct cfg_origin *origin = &s->origins[key - s->table->keys];
	const void *field = (const char *)s->target + key->offset;
	auto_of(strbuf) struct strbuf text = { 0 };
	bool bare;

	switch (key->type) {
	case KEY_MAP:
		if (open_level(p, key_last(key), '{', false)) {
			put_level(p, s, key->name);
			close_level(p, '}');
		}
		break;
	case KEY_ADDRESSES:
		put_addresses(p, key, field);
		break;
	case KEY_TEXTS:
	case KEY_PATHS:
		put_paths(p, key, field, origin);
		break;
	case KEY_NETWORKS:
	case KEY_USERS:
	case KEY_GROUPS:
		put_networks(p, key, field, origin);
		break;
	case KEY_OBSERVERS:
		put_observers(p, key, field);
		break;
	case KEY_CERTIFICATES:
		put_certificates(p, key, field);
		break;
	case KEY_TLS:
		put_tls(p, key, field, origin);
		break;
	case KEY_SECRET:
		if (*(const struct cfg_node *const *)field != NULL)
			put_text(p, key_last(key), QUOTE_TEXT, "***", origin);
		break;
	case KEY_SETTINGS:
		put_settings(p, s, key, field, origin);
		break;
	default:
		if (store_format(key, field, &text, &bare))
			put_text(p, key_last(key), style_of(key, bare), text.data != NULL ? text.data : "",
				origin);
		if (text.failed)
			p->out->failed = true;
	}
}

static void
put_level(struct printer *p, const struct subject *s, const char *prefix)
{
	for (size_t i = 0; i < s->table->count; i++) {
		const struct key *key = &s->table->keys[i];

		if (key_below(key, prefix) == NULL || key->instead != NULL)
			continue;
		if (s->transports != 0 && (key->transports & s->transports) == 0)
			continue;
		if (s->shared && key->own)
			continue;
		put_key(p, s, key);
	}
}

static void
put_name(struct printer *p, const char *text)
{
	auto_of(strbuf) struct strbuf name = { 0 };

	if (p->format == QUOTE_YAML)
		quote_scalar(&name, p->format, QUOTE_TEXT, text);
	else
		strbuf_add(&name, text);
	if (name.failed || name.data == NULL)
		p->out->failed = true;
	else
		open_level(p, name.data, '{', false);
}

static void
put_listener(struct printer *p, const struct cfg_listener *l)
{
	struct subject s = {
		.table = &key_table_listener, .target = l, .origins = l->origins, .plugin = l->plugin
	};

	for (size_t i = 0; i < l->address_count; i++)
		s.transports |= 1u << l->addresses[i].transport;
	put_name(p, l->name);
	if (p->out->failed)
		return;
	put_level(p, &s, "");
	close_level(p, '}');
}

static void
put_named_tls(struct printer *p, const struct cfg_tls *t, bool first, bool last)
{
	const struct subject s = {
		.table = &key_table_tls, .target = t, .origins = t->origins, .shared = true
	};

	if (first)
		open_level(p, "tls", '{', false);
	put_name(p, t->name);
	if (p->out->failed)
		return;
	put_level(p, &s, "");
	close_level(p, '}');
	if (last)
		close_level(p, '}');
}

static void
put_config(struct printer *p, const struct config *c)
{
	const struct subject daemon = {
		.table = &key_table_daemon, .target = &c->daemon, .origins = c->daemon.origins
	};

	begin_line(p, "version");
	strbuf_add(p->out, p->format == QUOTE_YAML ? " 1\n" : "1");
	open_level(p, "daemon", '{', false);
	put_level(p, &daemon, "");
	close_level(p, '}');
	for (size_t i = 0; i < c->tls_named_count; i++)
		put_named_tls(p, c->tls[i], i == 0, i + 1 == c->tls_named_count);
	if (open_level(p, "listeners", '{', c->listener_count == 0)) {
		for (size_t i = 0; i < c->listener_count; i++)
			put_listener(p, &c->listeners[i]);
		close_level(p, '}');
	}
}

void
config_print_yaml(struct strbuf *out, const struct config *c, const struct cfg_print_options *options)
{
	struct printer p = { .out = out, .format = QUOTE_YAML, .options = options };

	put_config(&p, c);
}

void
config_print_json(struct strbuf *out, const struct config *c, const struct cfg_print_options *options)
{
	struct printer p = { .out = out, .format = QUOTE_JSON, .options = options, .depth = 1 };

	strbuf_add_char(out, '{');
	put_config(&p, c);
	strbuf_add(out, "\n}\n");
}
