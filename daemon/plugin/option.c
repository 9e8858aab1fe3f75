/* What a text may be, by its row in a plugin's table. */
#include "plugin/option.h"

#include <errno.h>
#include <inttypes.h>
#include <string.h>

#include "base/parse.h"
#include "base/strbuf.h"

enum { NAME_SIZE_MAX = 64 };

int
option_check_row(const struct sockd_option *o, const char *plugin, struct err *e)
{
	size_t n = strspn(o->name, "abcdefghijklmnopqrstuvwxyz0123456789_");
	uint32_t type = option_type(o);

	if (n == 0 || n > NAME_SIZE_MAX || o->name[n] != '\0')
		return err_set(e, -EINVAL,
			"the plugin '%s' has an option whose name is not of lower-case letters, digits and "
			"'_'",
			plugin);
	if (type < SOCKD_T_BOOL || type > SOCKD_T_TLS)
		return err_set(e, -EINVAL, "the option '%s' of the plugin '%s' has no known type (%u)",
			o->name, plugin, (unsigned)o->type);
	if (type == SOCKD_T_WORD && o->words == NULL)
		return err_set(e, -EINVAL, "the option '%s' of the plugin '%s' is a word, but lists no words",
			o->name, plugin);
	if (o->min > o->max)
		return err_set(e, -EINVAL, "the option '%s' of the plugin '%s' has a min above its max",
			o->name, plugin);
	return 0;
}

bool
option_has_bounds(const struct sockd_option *o)
{
	return o->min != 0 || o->max != 0;
}

int
option_check_word(const struct sockd_option *o, const struct cfg_node *node, const char *text,
	struct cfg_report *report)
{
	auto_of(strbuf) struct strbuf all = { 0 };
	size_t count = 0;
	const char *near;

	for (; o->words[count] != NULL; count++) {
		if (strcmp(o->words[count], text) == 0)
			return 0;
		strbuf_printf(&all, "%s%s", count == 0 ? "" : ", ", o->words[count]);
	}
	near = parse_nearest(text, o->words, count);
	if (near != NULL)
		return cfg_report_error(report, &node->place,
			"'%s' cannot be '%s'; did you mean '%s'? (words here: %s)", o->name, text, near,
			all.data);
	return cfg_report_error(report, &node->place, "'%s' cannot be '%s'; words here: %s", o->name, text,
		all.size > 0 ? all.data : "none");
}

int
option_check_url(const struct sockd_option *o, const struct cfg_node *node, const char *text,
	struct cfg_report *report)
{
	static const char *const schemes[] = { "tcp", "tcp4", "tcp6", "udp", "udp4", "udp6", "unix",
		"unixgram" };
	struct parse_span scheme;
	const char *rest;
	struct err e = { 0 };

	if (parse_scheme(text, &scheme, &rest, &e) < 0)
		return cfg_report_error(report, &node->place, "'%s': %s", o->name, e.text);
	for (size_t i = 0; i < array_len(schemes); i++)
		if (parse_span_is(scheme, schemes[i]))
			return 0;
	return cfg_report_error(report, &node->place,
		"'%s': '%s' is no address; write tcp://HOST:PORT, udp://HOST:PORT, unix:///PATH or "
		"unixgram:///PATH",
		o->name, text);
}

int
option_check_length(const struct sockd_option *o, const struct cfg_node *node, const char *text,
	struct cfg_report *report)
{
	int64_t length = (int64_t)strlen(text);

	if (!option_has_bounds(o) || (length >= o->min && length <= o->max))
		return 0;
	return cfg_report_error(report, &node->place,
		"'%s' has %" PRId64 " bytes; %" PRId64 " to %" PRId64 " are possible", o->name, length,
		o->min, o->max);
}
