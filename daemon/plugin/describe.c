/* From the rows by which settings are read comes what is said of them, so that a manual cannot tell other
 * defaults or bounds than those that hold. */
#include "plugin/describe.h"

#include <inttypes.h>

#include "base/parse.h"
#include "plugin/option.h"

static const char *const type_names[] = { [SOCKD_T_BOOL] = "bool",
	[SOCKD_T_INT] = "int",
	[SOCKD_T_SIZE] = "size",
	[SOCKD_T_DURATION] = "duration",
	[SOCKD_T_STRING] = "string",
	[SOCKD_T_WORD] = "word",
	[SOCKD_T_PATH] = "path",
	[SOCKD_T_SECRET] = "secret",
	[SOCKD_T_URL] = "url",
	[SOCKD_T_TLS] = "name under tls:" };

const struct sockd_option *
describe_option(const struct sockd_plugin *d, size_t i)
{
	const struct sockd_option *o;

	if (d->options == NULL)
		return NULL;
	o = (const struct sockd_option *)(const void *)((const char *)d->options + i * d->option_size);
	return o->name != NULL ? o : NULL;
}

static void
add_bound(struct strbuf *s, const struct sockd_option *o, int64_t value)
{
	char text[PARSE_TEXT_SIZE];

	if (option_type(o) == SOCKD_T_DURATION)
		strbuf_add(s, parse_format_duration(value, text));
	else if (option_type(o) == SOCKD_T_SIZE)
		strbuf_add(s, parse_format_size(value, text));
	else
		strbuf_printf(s, "%" PRId64, value);
}

void
describe_type(struct strbuf *s, const struct sockd_option *o)
{
	bool is_text = option_type(o) >= SOCKD_T_STRING;

	strbuf_printf(s, "%s%s", (o->type & SOCKD_T_LIST) != 0 ? "list of " : "", type_names[option_type(o)]);
	for (size_t i = 0; option_type(o) == SOCKD_T_WORD && o->words[i] != NULL; i++)
		strbuf_printf(s, "%s%s", i == 0 ? " " : "|", o->words[i]);
	if (!option_has_bounds(o))
		return;
	strbuf_add(s, is_text ? ", " : " ");
	add_bound(s, o, o->min);
	strbuf_add(s, " to ");
	add_bound(s, o, o->max);
	strbuf_add(s, is_text ? " bytes" : "");
}

/* ---- the manual ---- */

/* Text as roff takes it: no backslash, no line that begins like a request, each sentence on a line of its
 * own. */
static void
add_roff(struct strbuf *s, const char *text)
{
	strbuf_add(s, *text == '.' || *text == '\'' ? "\\&" : "");
	for (; *text != '\0'; text++) {
		if (text[0] == '.' && text[1] == ' ') {
			strbuf_add(s, ".\n");
			text++;
		} else if (*text == '\\')
			strbuf_add(s, "\\e");
		else if (*text == '-')
			strbuf_add(s, "\\-");
		else if (*text == '"')
			strbuf_add(s, "\\(dq");
		else
			strbuf_add_char(s, *text);
	}
}

static void
add_setting(struct strbuf *s, const struct sockd_option *o)
{
	auto_of(strbuf) struct strbuf type = { 0 };

	describe_type(&type, o);
	s->failed |= type.failed;
	strbuf_printf(s, ".It Cm %s\n", o->name);
	if (o->help != NULL) {
		add_roff(s, o->help);
		strbuf_add(s, ".\n.br\n");
	}
	strbuf_add(s, "Takes: ");
	add_roff(s, type.data != NULL ? type.data : "");
	strbuf_add(s, ".\n");
	if (o->required != 0)
		strbuf_add(s, "It has to be given.\n");
	else if (o->fallback != NULL) {
		strbuf_add(s, "Default: \\(oq");
		add_roff(s, o->fallback);
		strbuf_add(s, "\\(cq.\n");
	}
}

static void
add_transports(struct strbuf *s, const struct plugin *p)
{
	const char *separator = "";

	strbuf_add(s, "It serves ");
	for (enum cfg_transport t = CFG_TCP; t < CFG_TRANSPORT_COUNT; t++) {
		if (plugin_style(p, t) == PLUGIN_CANNOT)
			continue;
		strbuf_printf(s, "%s%s", separator, cfg_transport_name(t));
		separator = ", ";
	}
	strbuf_add(s, ".\n");
}

void
describe_man(struct strbuf *s, const struct plugin *p)
{
	const struct sockd_plugin *d = plugin_description(p);
	const struct sockd_option *o;

	add_transports(s, p);
	strbuf_add(s, ".Sh SETTINGS\n");
	if (describe_option(d, 0) == NULL) {
		strbuf_add(s, "There are none.\n");
		return;
	}
	strbuf_add(s, ".Bl -tag -width Ds\n");
	for (size_t i = 0; (o = describe_option(d, i)) != NULL; i++)
		add_setting(s, o);
	strbuf_add(s, ".El\n");
}
