/* Rows become a manual, so that it cannot tell other defaults or ranges than those that hold. */
#include "config/man.h"

#include <inttypes.h>
#include <string.h>

#include "base/parse.h"
#include "config/key.h"

/* Text as roff takes it: no backslash, no line that begins like a request, each sentence on a line of its
 * own. */
static void
add_text(struct strbuf *out, const char *text)
{
	strbuf_add(out, *text == '.' || *text == '\'' ? "\\&" : "");
	for (; *text != '\0'; text++) {
		if (strncmp(text, ". ", 2) == 0 && text[2] >= 'A' && text[2] <= 'Z') {
			strbuf_add(out, ".\n");
			text++;
		} else if (*text == '\\')
			strbuf_add(out, "\\e");
		else if (*text == '-')
			strbuf_add(out, "\\-");
		else if (*text == '"')
			strbuf_add(out, "\\(dq");
		else
			strbuf_add_char(out, *text);
	}
}

static void
add_range(struct strbuf *out, const struct key *key)
{
	char low[PARSE_TEXT_SIZE], high[PARSE_TEXT_SIZE];

	if (key->type == KEY_INTEGER)
		strbuf_printf(out, ", %" PRId64 " to %" PRId64, key->min, key->max);
	else if (key->type == KEY_SIZE)
		strbuf_printf(out, ", %s to %s", parse_format_size(key->min, low),
			parse_format_size(key->max, high));
	else if (key->type == KEY_DURATION)
		strbuf_printf(out, ", %s to %s%s", parse_format_duration(key->min, low),
			parse_format_duration(key->max, high), key->off ? ", or off" : "");
	else if (key->type == KEY_BANDWIDTH)
		strbuf_printf(out, ", %s to %s", parse_format_bandwidth(key->min, low),
			parse_format_bandwidth(key->max, high));
	if (key->words == NULL)
		return;
	strbuf_add(out, key->type == KEY_WORD ? ": " : ", or ");
	for (const struct key_word *w = key->words; w->name != NULL; w++)
		strbuf_printf(out, "%s%s", w != key->words ? ", " : "", w->name);
}

static void
add_key(struct strbuf *out, const struct key *key)
{
	unsigned everywhere = KEY_ON_ALL;
	char transports[64];

	strbuf_add(out, ".It Cm ");
	add_text(out, key->name);
	strbuf_add(out, "\n");
	add_text(out, key->help);
	strbuf_add(out, ".\n.br\n");
	if (key->instead != NULL) {
		strbuf_add(out, "Refused: ");
		add_text(out, key->instead);
		strbuf_add(out, ".\n");
		return;
	}
	strbuf_printf(out, "Takes %s", key_type_name(key->type));
	add_range(out, key);
	strbuf_add(out, ".\n");
	if (key->required)
		strbuf_add(out, "It has to be given.\n");
	if (key->fallback != NULL) {
		strbuf_add(out, "Default: ");
		add_text(out, key->fallback);
		strbuf_add(out, ".\n");
	}
	if (key->transports != 0 && key->transports != everywhere)
		strbuf_printf(out, "Only for %s.\n", key_transports_name(key->transports, transports));
	if (key->size > 0)
		strbuf_printf(out, "A change holds %s.\n", key_reload_name(key->reload));
}

static void
add_table(struct strbuf *out, const char *title, const struct key_table *table)
{
	strbuf_printf(out, ".Ss %s\n.Bl -tag -width Ds\n", title);
	for (size_t i = 0; i < table->count; i++)
		add_key(out, &table->keys[i]);
	strbuf_add(out, ".El\n");
}

void
config_print_man(struct strbuf *out)
{
	add_table(out, "The file", &key_table_file);
	add_table(out, "daemon", &key_table_daemon);
	add_table(out, "An entry of daemon.observers", &key_table_observer);
	add_table(out, "A listener", &key_table_listener);
	add_table(out, "An entry of tls, or tls of a listener", &key_table_tls);
	add_table(out, "A certificate", &key_table_certificate);
}
