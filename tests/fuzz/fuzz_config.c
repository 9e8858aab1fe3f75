/* Any bytes as a configuration file: nothing breaks, and what is taken prints as YAML that is taken again and
 * prints the same. */
#include <errno.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "config/load.h"
#include "config/print.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static int
no_file(void *arg, const char *path, size_t limit, char **ret_bytes, size_t *ret_size)
{
	static const char included[] = "listeners: {included: {listen: udp://127.0.0.1:0, handler: echo}}\n";

	(void)arg;
	if (strcmp(path, "other.yaml") != 0 || sizeof included > limit)
		return -ENOENT;
	*ret_size = sizeof included - 1;
	*ret_bytes = strdup(included);
	return *ret_bytes != NULL ? 0 : -ENOMEM;
}

static int
no_match(void *arg, const char *pattern, char ***ret_paths, size_t *ret_count)
{
	(void)arg;
	(void)pattern;
	*ret_paths = NULL;
	*ret_count = 0;
	return 0;
}

static int
same_name(void *arg, const char *path, char **ret_name)
{
	(void)arg;
	*ret_name = strdup(path);
	return *ret_name != NULL ? 0 : -ENOMEM;
}

static const char *
variable(void *arg, const char *name)
{
	(void)arg;
	return strcmp(name, "A") == 0 ? "va'l\"u${e}" : NULL;
}

static const struct cfg_source source = { NULL, no_file, no_match, same_name, variable };

static bool
nothing_is_secret(void *arg, const char *plugin, const char *path)
{
	(void)arg;
	(void)plugin;
	(void)path;
	return false;
}

/* The values alone: origins differ between the original and its print. */
static char *
values_of(const struct config *c, struct strbuf *yaml)
{
	const struct cfg_print_options options = { .is_secret = nothing_is_secret };
	struct strbuf json = { 0 };
	char *text, *from, *to;

	config_print_yaml(yaml, c, &options);
	config_print_json(&json, c, &options);
	text = strbuf_take(&json);
	if (text == NULL || yaml->failed)
		abort();
	for (from = to = text; *from != '\0';) {
		if (strncmp(from, "\"origin\": \"", 11) == 0)
			from += strcspn(from, "\n");
		else
			*to++ = *from++;
	}
	*to = '\0';
	return text;
}

static void
print_and_read_again(const struct config *c)
{
	struct strbuf yaml = { 0 }, second_yaml = { 0 };
	char *first = values_of(c, &yaml), *second;
	struct cfg_report report = { 0 };
	struct config *again = NULL;

	if (strstr(first, "\"***\"") == NULL) {
		/* Files may say the same in fewer bytes and values than their print, which has all defaults.
		 */
		int r = config_parse_text("f.yaml", yaml.data, yaml.size, &source, &again, &report);

		if (r < 0 && yaml.size < 64 * 1024)
			abort();
		if (r == 0) {
			second = values_of(again, &second_yaml);
			if (strcmp(first, second) != 0)
				abort();
			free(second);
		}
	}
	config_unref(again);
	cfg_report_fini(&report);
	strbuf_fini(&yaml);
	strbuf_fini(&second_yaml);
	free(first);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct cfg_report report = { 0 };
	struct strbuf text = { 0 };
	struct config *config = NULL;
	int r = config_parse_text("f.yaml", (const char *)data, size, &source, &config, &report);

	if ((r == 0) != (config != NULL) || (r == 0) != cfg_report_is_ok(&report))
		abort();
	cfg_report_print(&report, &text, true);
	strbuf_fini(&text);
	cfg_report_fini(&report);
	if (r == 0)
		print_and_read_again(config);
	config_unref(config);
	return 0;
}
