/* The meaning of single values. The spellings are base/parse.c's; what is added here is the place, the name
 * of the key, and the range. */
#include "config/value.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/parse.h"
#include "config/config.h"
#include "config/key.h"

enum { SECRET_MAX = 64 * 1024 };

bool
cfg_node_is_null(const struct cfg_node *node)
{
	return node->kind == CFG_SCALAR && node->plain &&
	       (node->text[0] == '\0' || strcmp(node->text, "~") == 0 || strcmp(node->text, "null") == 0);
}

const char *
cfg_node_kind_name(const struct cfg_node *node)
{
	if (node->kind != CFG_SCALAR)
		return node->kind == CFG_MAP ? "a map" : "a list";
	return cfg_node_is_null(node) ? "nothing" : "text";
}

int
cfg_node_wrong_kind(
	const struct cfg_node *node, const char *what, const char *expected, struct cfg_report *report)
{
	return cfg_report_error(
		report, &node->place, "'%s' has to be %s, not %s", what, expected, cfg_node_kind_name(node));
}

/* The scalar's text, or NULL after telling that it is none. */
static const char *
scalar(const struct cfg_node *node, const char *what, const char *expected, struct cfg_report *report)
{
	if (node->kind == CFG_SCALAR && node->faulty)
		return NULL;
	if (node->kind == CFG_SCALAR && !cfg_node_is_null(node))
		return node->text;
	cfg_node_wrong_kind(node, what, expected, report);
	return NULL;
}

static int
refuse(const struct cfg_node *node, const char *what, const struct err *e, struct cfg_report *report)
{
	return cfg_report_error(report, &node->place, "'%s': %s", what, e->text);
}

int
cfg_node_bool(const struct cfg_node *node, const char *what, bool *ret, struct cfg_report *report)
{
	const char *text = scalar(node, what, "true or false", report);
	struct err e = { 0 };

	if (text == NULL)
		return -EINVAL;
	return parse_bool(text, ret, &e) < 0 ? refuse(node, what, &e, report) : 0;
}

int
cfg_node_integer(const struct cfg_node *node, const char *what, int64_t min, int64_t max, int64_t *ret,
	struct cfg_report *report)
{
	const char *text = scalar(node, what, "a whole number", report);
	struct err e = { 0 };
	int64_t value;
	int r;

	if (text == NULL)
		return -EINVAL;
	r = parse_integer(text, &value, &e);
	if (r == -EINVAL)
		return refuse(node, what, &e, report);
	if (r < 0 || value < min || value > max)
		return cfg_report_error(report, &node->place,
			"'%s': %.40s is out of range; write %" PRId64 " to %" PRId64, what, text, min, max);
	*ret = value;
	return 0;
}

int
cfg_node_size(const struct cfg_node *node, const char *what, int64_t min, int64_t max, int64_t *ret,
	struct cfg_report *report)
{
	const char *text = scalar(node, what, "a size", report);
	char low[PARSE_TEXT_SIZE], high[PARSE_TEXT_SIZE];
	struct err e = { 0 };
	int64_t value;
	int r;

	if (text == NULL)
		return -EINVAL;
	r = parse_size(text, &value, &e);
	if (r == -EINVAL)
		return refuse(node, what, &e, report);
	if (r < 0 || value < min || value > max)
		return cfg_report_error(report, &node->place, "'%s': %.40s is out of range; write %s to %s",
			what, text, parse_format_size(min, low), parse_format_size(max, high));
	*ret = value;
	return 0;
}

int
cfg_node_duration(const struct cfg_node *node, const char *what, int64_t min, int64_t max, bool off,
	int64_t *ret_ms, struct cfg_report *report)
{
	const char *text = scalar(node, what, "a duration", report);
	char low[PARSE_TEXT_SIZE], high[PARSE_TEXT_SIZE];
	struct err e = { 0 };
	int64_t ms = 0;
	int r;

	if (text == NULL)
		return -EINVAL;
	r = parse_duration(text, &ms, &e);
	if (r == -EINVAL)
		return refuse(node, what, &e, report);
	if (r == 0 && ms == PARSE_OFF && off) {
		*ret_ms = CFG_OFF;
		return 0;
	}
	if (r < 0 || ms < min || ms > max)
		return cfg_report_error(report, &node->place, "'%s': %.40s is out of range; write %s to %s%s",
			what, text, parse_format_duration(min, low), parse_format_duration(max, high),
			off ? ", or off" : "");
	*ret_ms = ms;
	return 0;
}

int
cfg_node_rate(const struct cfg_node *node, const char *what, struct cfg_rate *ret, struct cfg_report *report)
{
	const char *text = scalar(node, what, "a rate such as 20/s", report);
	struct err e = { 0 };

	if (text == NULL)
		return -EINVAL;
	return parse_rate(text, &ret->count, &ret->per_ms, &e) < 0 ? refuse(node, what, &e, report) : 0;
}

int
cfg_node_bandwidth(const struct cfg_node *node, const char *what, int64_t min, int64_t max, int64_t *ret,
	struct cfg_report *report)
{
	const char *text = scalar(node, what, "a bandwidth such as 10MiB/s", report);
	char low[PARSE_TEXT_SIZE], high[PARSE_TEXT_SIZE];
	struct err e = { 0 };
	int64_t value = 0;
	int r;

	if (text == NULL)
		return -EINVAL;
	r = parse_bandwidth(text, &value, &e);
	if (r == -EINVAL)
		return refuse(node, what, &e, report);
	if (r < 0 || (value != PARSE_OFF && (value < min || value > max)))
		return cfg_report_error(report, &node->place,
			"'%s': %.40s is out of range; write %s to %s, or off", what, text,
			parse_format_bandwidth(min, low), parse_format_bandwidth(max, high));
	*ret = value == PARSE_OFF ? CFG_OFF : value;
	return 0;
}

int
cfg_node_mode(const struct cfg_node *node, const char *what, mode_t *ret, struct cfg_report *report)
{
	const char *text = scalar(node, what, "a file mode such as \"0660\"", report);
	struct err e = { 0 };

	if (text == NULL)
		return -EINVAL;
	return parse_mode(text, ret, &e) < 0 ? refuse(node, what, &e, report) : 0;
}

int
cfg_node_text(const struct cfg_node *node, const char *what, const char **ret_lent, struct cfg_report *report)
{
	const char *text = scalar(node, what, "text", report);

	if (text == NULL)
		return -EINVAL;
	*ret_lent = text;
	return 0;
}

int
cfg_node_path(const struct cfg_node *node, const char *what, char **ret, struct cfg_report *report)
{
	const char *text = scalar(node, what, "a path", report);
	const char *file = node->place.file, *slash = file != NULL ? strrchr(file, '/') : NULL;
	char *path;

	if (text == NULL)
		return -EINVAL;
	if (*text == '\0')
		return cfg_report_error(report, &node->place, "'%s': the path is empty", what);
	while (slash != NULL && strncmp(text, "./", 2) == 0 && text[2] != '\0')
		text += 2;
	if (*text == '/' || slash == NULL)
		path = strdup(text);
	else if (asprintf(&path, "%.*s/%s", (int)(slash - file), file, text) < 0)
		path = NULL;
	if (path == NULL)
		return cfg_report_no_memory(report);
	*ret = path;
	return 0;
}

bool
cfg_node_is_secret_reference(const struct cfg_node *node)
{
	return node->kind == CFG_MAP && node->count == 1 &&
	       (strcmp(node->pairs[0].key, "file") == 0 || strcmp(node->pairs[0].key, "credential") == 0);
}

/* The file behind {credential: NAME}: systemd puts what LoadCredential= names into a folder of the service's
 * own. */
static int
credential_path(const struct cfg_node *node, const char *what, const struct cfg_source *source, char **ret,
	struct cfg_report *report)
{
	const char *name = scalar(node, what, "the name of a credential", report), *folder;

	if (name == NULL)
		return -EINVAL;
	if (*name == '\0' || *name == '.' || strchr(name, '/') != NULL)
		return cfg_report_error(report, &node->place,
			"'%s': '%.60s' is not the name of a credential; write the name that LoadCredential= "
			"has",
			what, name);
	folder = source->lookup(source->arg, "CREDENTIALS_DIRECTORY");
	if (folder == NULL || *folder == '\0')
		return cfg_report_error(report, &node->place,
			"'%s': there is no credential '%s', since CREDENTIALS_DIRECTORY is not set; systemd "
			"sets it "
			"for a unit with LoadCredential=%s:PATH; without systemd write {file: PATH}",
			what, name, name);
	if (asprintf(ret, "%s/%s", folder, name) < 0)
		return cfg_report_no_memory(report);
	return 0;
}

/* @p node is what stands behind `file:` or `credential:`. */
static int
read_secret(const struct cfg_node *node, bool credential, const char *what, const struct cfg_source *source,
	char **ret, struct cfg_report *report)
{
	auto_of(mem) char *path = NULL, *bytes = NULL;
	size_t size = 0;
	int r = credential ? credential_path(node, what, source, &path, report)
			   : cfg_node_path(node, what, &path, report);

	if (r < 0)
		return r;
	r = source->read(source->arg, path, SECRET_MAX, &bytes, &size);
	if (r == -ENOMEM)
		return cfg_report_no_memory(report);
	if (r == -ENOENT && credential)
		return cfg_report_error(report, &node->place,
			"'%s': there is no credential '%s'; add LoadCredential=%s:PATH to the unit", what,
			node->text, node->text);
	if (r < 0)
		return cfg_report_error(
			report, &node->place, "'%s': cannot read %s: %s", what, path, strerror(-r));
	if (size > 0 && bytes[size - 1] == '\n')
		bytes[--size] = '\0';
	if (strlen(bytes) != size)
		r = cfg_report_error(
			report, &node->place, "'%s': %s holds a NUL character; a secret is text", what, path);
	else if (size == 0)
		r = cfg_report_error(report, &node->place, "'%s': %s is empty", what, path);
	if (r < 0) {
		explicit_bzero(bytes, size);
		return r;
	}
	*ret = mem_take(bytes);
	return 0;
}

int
cfg_node_secret(const struct cfg_node *node, const char *what, const struct cfg_source *source, char **ret,
	struct cfg_report *report)
{
	const char *text;

	if (cfg_node_is_secret_reference(node))
		return read_secret(node->pairs[0].value, strcmp(node->pairs[0].key, "credential") == 0, what,
			source, ret, report);
	text = scalar(node, what, "text, {file: PATH} or {credential: NAME}", report);
	if (text == NULL)
		return -EINVAL;
	*ret = strdup(text);
	return *ret != NULL ? 0 : cfg_report_no_memory(report);
}

int
cfg_node_read_secrets(const struct cfg_node *node, const struct cfg_source *source)
{
	int code = 0;

	if (node == NULL)
		return 0;
	if (cfg_node_is_secret_reference(node)) {
		auto_of(cfg_report) struct cfg_report ignored = { 0 };
		char *secret = NULL;

		code = cfg_node_secret(node, "", source, &secret, &ignored);
		if (code == 0) {
			explicit_bzero(secret, strlen(secret));
			free(secret);
		}
		return code == -ENOMEM ? code : 0;
	}
	for (size_t i = 0; i < node->count && code == 0; i++)
		code = cfg_node_read_secrets(
			node->kind == CFG_MAP ? node->pairs[i].value : node->items[i], source);
	return code;
}
