/* The environment in configuration values. The text is taken apart after YAML is done with it, so what a
 * variable holds can never change the structure of the file. A '$' that begins nothing known is an error
 * rather than a dollar: it is nearly always a variable whose braces were forgotten. */
#include "config/expand.h"

#include <ctype.h>
#include <errno.h>
#include <string.h>

static size_t
name_length(const char *text)
{
	size_t n = 0;

	if (isdigit((unsigned char)text[0]))
		return 0;
	while (isalnum((unsigned char)text[n]) || text[n] == '_')
		n++;
	return n;
}

static bool
is_utf8(const char *text)
{
	size_t size = strlen(text);

	for (size_t i = 0; i < size;) {
		size_t n = utf8_sequence((const unsigned char *)text + i, size - i);

		if (n == 0)
			return false;
		i += n;
	}
	return true;
}

/* @p body is what stands between the braces. */
static int
put_variable(const char *body, size_t size, const struct cfg_source *source, const struct cfg_place *place,
	struct cfg_report *report, struct strbuf *out)
{
	size_t length = name_length(body);
	bool has_default = length + 2 <= size && body[length] == ':' && body[length + 1] == '-';
	const char *value;
	char name[128];

	if (length == 0 || length >= sizeof name || (length < size && !has_default))
		return cfg_report_error(report, place,
			"'${%.*s}' is not a variable; write ${NAME}, ${NAME:-default}, or $$ for a dollar",
			(int)(size < 60 ? size : 60), body);
	memcpy(name, body, length);
	name[length] = '\0';
	value = source->lookup(source->arg, name);
	if (has_default && (value == NULL || *value == '\0')) {
		strbuf_add_bytes(out, body + length + 2, size - length - 2);
		return 0;
	}
	if (value == NULL)
		return cfg_report_error(report, place,
			"the environment variable '%s' is not set; set it, or write ${%s:-default}", name,
			name);
	if (!is_utf8(value))
		return cfg_report_error(
			report, place, "the environment variable '%s' is not valid UTF-8", name);
	strbuf_add(out, value);
	return 0;
}

int
expand_variables(const char *text, const struct cfg_source *source, size_t limit,
	const struct cfg_place *place, struct cfg_report *report, struct strbuf *out)
{
	while (*text != '\0') {
		size_t plain = strcspn(text, "$");
		const char *end;
		int r;

		strbuf_add_bytes(out, text, plain);
		text += plain;
		if (*text == '\0')
			break;
		if (text[1] == '$') {
			strbuf_add_char(out, '$');
			text += 2;
			continue;
		}
		if (text[1] == '\0') /* YAML ends a plain value at a '{' when it is in a {map} or a [list] */
			return cfg_report_error(report, place,
				"a '$' at the end; write $$ for a dollar, and \"${NAME}\" in quotes within "
				"{} and []");
		if (text[1] != '{')
			return cfg_report_error(
				report, place, "a lone '$'; write $$ for a dollar, ${NAME} for a variable");
		end = strchr(text, '}');
		if (end == NULL)
			return cfg_report_error(
				report, place, "the '}' of a '${' is missing; write $$ for a dollar");
		r = put_variable(text + 2, (size_t)(end - text) - 2, source, place, report, out);
		if (r < 0)
			return r;
		if (out->size > limit)
			return cfg_report_error(report, place, "the variables make this value too large");
		text = end + 1;
	}
	return 0;
}
