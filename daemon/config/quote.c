/* Quoting that our own reader, and every other reader of YAML or JSON, undoes exactly. In YAML it is always
 * double quotes, the only style that can say everything; JSON's escapes are a part of YAML's. */
#include "config/quote.h"

#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "config/value.h"

/* Characters that YAML reads as line breaks, or that a file may not hold: C1 controls, U+2028, U+2029,
 * U+FEFF, U+FFFE, U+FFFF. */
static bool
needs_escape(const unsigned char *b, size_t n)
{
	if (n == 2)
		return b[0] == 0xc2 && b[1] < 0xa0;
	if (n != 3)
		return false;
	return (b[0] == 0xe2 && b[1] == 0x80 && (b[2] == 0xa8 || b[2] == 0xa9)) ||
	       (b[0] == 0xef && b[1] == 0xbb && b[2] == 0xbf) ||
	       (b[0] == 0xef && b[1] == 0xbf && b[2] >= 0xbe);
}

static void
add_quoted(struct strbuf *out, enum quote_format format, const char *text, bool variables)
{
	size_t size = strlen(text);

	strbuf_add_char(out, '"');
	for (size_t i = 0; i < size;) {
		const unsigned char *b = (const unsigned char *)text + i;
		size_t n = utf8_sequence(b, size - i);

		if (needs_escape(b, n)) {
			unsigned code = n == 2 ? (b[0] & 0x1fu) << 6 | (b[1] & 0x3fu)
					       : (b[0] & 0x0fu) << 12 | (b[1] & 0x3fu) << 6 | (b[2] & 0x3fu);

			strbuf_printf(out, "\\u%04x", code);
		} else {
			strbuf_add_json(out, text + i, n != 0 ? n : 1);
			if (*b == '$' && variables && format == QUOTE_YAML)
				strbuf_add_char(out, '$');
		}
		i += n != 0 ? n : 1;
	}
	strbuf_add_char(out, '"');
}

static bool
is_plain_safe(const char *text, enum quote_style style)
{
	static const char *const others_read[] = { "true", "false", "null", "yes", "no", "on", "off", "y",
		"n" };
	static const char letters[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";
	static const char allowed[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_./-";

	if (text[0] == '\0' || text[strspn(text, allowed)] != '\0' ||
		(text[0] == '-' && (style == QUOTE_TEXT || text[1] < '0' || text[1] > '9')))
		return false;
	if (style == QUOTE_WORD)
		return true;
	for (size_t i = 0; i < array_len(others_read); i++)
		if (strcasecmp(text, others_read[i]) == 0)
			return false;
	return strchr(letters, text[0]) != NULL || text[0] == '/';
}

void
quote_scalar(struct strbuf *out, enum quote_format format, enum quote_style style, const char *text)
{
	if (style == QUOTE_NEVER || (format == QUOTE_YAML && is_plain_safe(text, style)))
		strbuf_add(out, text);
	else
		add_quoted(out, format, text, true);
}

struct settings {
	struct strbuf *out;
	enum quote_format format;
	const char *plugin;
	const struct cfg_print_options *options;
	struct strbuf path; /* of the setting at hand: "tls.key" */
};

/* Without the plugin's own word on it, better a masked value too many than a password on a screen. */
static bool
sounds_secret(const char *path)
{
	static const char *const words[] = { "secret", "passw", "passphrase", "token", "credential",
		"private", "api_key", "apikey" };
	const char *dot = strrchr(path, '.'), *name = dot != NULL ? dot + 1 : path;

	for (size_t i = 0; i < array_len(words); i++)
		if (strcasestr(name, words[i]) != NULL)
			return true;
	return false;
}

static bool
is_secret(const struct settings *s, const struct cfg_node *node)
{
	const char *path = s->path.data != NULL ? s->path.data : "";

	if (cfg_node_is_secret_reference(node))
		return true;
	if (s->path.failed)
		return true;
	if (s->options != NULL && s->options->is_secret != NULL)
		return s->options->is_secret(s->options->arg, s->plugin, path);
	return sounds_secret(path);
}

static void add_node(struct settings *s, const struct cfg_node *node);

static void
add_map(struct settings *s, const struct cfg_node *map)
{
	strbuf_add_char(s->out, '{');
	for (size_t i = 0; i < map->count; i++) {
		const struct cfg_pair *pair = &map->pairs[i];
		size_t outer = s->path.size;

		strbuf_printf(&s->path, "%s%s", outer > 0 ? "." : "", pair->key);
		strbuf_add(s->out, i > 0 ? ", " : "");
		if (s->format == QUOTE_YAML && is_plain_safe(pair->key, QUOTE_TEXT))
			strbuf_add(s->out, pair->key);
		else
			add_quoted(s->out, s->format, pair->key, false);
		strbuf_add(s->out, ": ");
		add_node(s, pair->value);
		s->path.size = outer;
		if (s->path.data != NULL)
			s->path.data[outer] = '\0';
	}
	strbuf_add_char(s->out, '}');
}

/* What was plain stays plain if it can, so that a plugin still sees null where null was written. */
static void
add_setting(struct settings *s, const struct cfg_node *node)
{
	if (cfg_node_is_null(node))
		strbuf_add(s->out, "null");
	else
		quote_scalar(s->out, s->format, node->plain ? QUOTE_WORD : QUOTE_TEXT, node->text);
}

static void
add_node(struct settings *s, const struct cfg_node *node)
{
	if (is_secret(s, node)) {
		strbuf_add(s->out, "\"***\"");
	} else if (node->kind == CFG_MAP) {
		add_map(s, node);
	} else if (node->kind == CFG_LIST) {
		strbuf_add_char(s->out, '[');
		for (size_t i = 0; i < node->count; i++) {
			strbuf_add(s->out, i > 0 ? ", " : "");
			add_node(s, node->items[i]);
		}
		strbuf_add_char(s->out, ']');
	} else
		add_setting(s, node);
}

void
quote_settings(struct strbuf *out, enum quote_format format, const struct cfg_node *settings,
	const char *plugin, const struct cfg_print_options *options)
{
	struct settings s = { .out = out, .format = format, .plugin = plugin, .options = options };

	if (settings->kind == CFG_MAP)
		add_map(&s, settings);
	else
		add_node(&s, settings);
	if (s.path.failed)
		out->failed = true;
	strbuf_fini(&s.path);
}
