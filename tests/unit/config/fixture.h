/* What the tests of config/ share: files that lie in memory, and asking a report what it says. */
#ifndef UNIT_CONFIG_FIXTURE_H
#define UNIT_CONFIG_FIXTURE_H

#include <errno.h>
#include <fnmatch.h>
#include <stdbool.h>
#include <string.h>

#include "config/load.h"
#include "unit.h"

struct memory_file {
	const char *path, *text;
};

/* A source of these files; the last row has no path. Variables: HOME=/nowhere, EMPTY="", BAD=not UTF-8. */
static inline int
memory_read(void *arg, const char *path, size_t limit, char **ret_bytes, size_t *ret_size)
{
	for (const struct memory_file *f = arg; f != NULL && f->path != NULL; f++) {
		if (strcmp(f->path, path) != 0)
			continue;
		if (strlen(f->text) > limit)
			return -EFBIG;
		*ret_size = strlen(f->text);
		*ret_bytes = strdup(f->text);
		return *ret_bytes != NULL ? 0 : -ENOMEM;
	}
	return -ENOENT;
}

static inline int
memory_expand(void *arg, const char *pattern, char ***ret_paths, size_t *ret_count)
{
	char **paths = calloc(16, sizeof *paths);
	size_t count = 0;

	if (paths == NULL)
		return -ENOMEM;
	for (const struct memory_file *f = arg; f != NULL && f->path != NULL; f++) {
		if (fnmatch(pattern, f->path, FNM_PATHNAME) != 0)
			continue;
		paths[count] = strdup(f->path);
		if (paths[count] == NULL) {
			cfg_source_free_paths(paths, count);
			return -ENOMEM;
		}
		count++;
	}
	*ret_paths = paths;
	*ret_count = count;
	return 0;
}

static inline int
memory_identify(void *arg, const char *path, char **ret_name)
{
	(void)arg;
	*ret_name = strdup(path);
	return *ret_name != NULL ? 0 : -ENOMEM;
}

static inline const char *
memory_lookup(void *arg, const char *name)
{
	(void)arg;
	if (strcmp(name, "HOME") == 0)
		return "/nowhere";
	if (strcmp(name, "BAD") == 0)
		return "\xff";
	return strcmp(name, "EMPTY") == 0 ? "" : NULL;
}

/* Users and groups: alice is 1000, bob 1001, ops (a group) 2000. */
static inline int
memory_account(void *arg, const char *name, bool is_group, uint32_t *ret_id)
{
	static const struct {
		const char *name;
		bool is_group;
		uint32_t id;
	} accounts[] = { { "alice", false, 1000 }, { "bob", false, 1001 }, { "ops", true, 2000 } };

	(void)arg;
	for (size_t i = 0; i < array_len(accounts); i++)
		if (strcmp(accounts[i].name, name) == 0 && accounts[i].is_group == is_group) {
			*ret_id = accounts[i].id;
			return 0;
		}
	return -ENOENT;
}

#define MEMORY_SOURCE(files)                                                                                \
	(struct cfg_source)                                                                                 \
	{                                                                                                   \
		(void *)(files), memory_read, memory_expand, memory_identify, memory_lookup, memory_account \
	}

/* One load and all that it left; load_done() frees it. */
struct load {
	struct config *config;
	struct cfg_report report;
	struct strbuf printed;
	int result;
};

static inline struct load
load_text_sized(const char *text, size_t size)
{
	struct load l = { 0 };
	const struct cfg_source source = MEMORY_SOURCE(NULL);

	l.result = config_parse_text("t.yaml", text, size, &source, &l.config, &l.report);
	cfg_report_print(&l.report, &l.printed, false);
	return l;
}

static inline struct load
load_text(const char *text)
{
	return load_text_sized(text, strlen(text));
}

static inline struct load
load_files(const struct memory_file *files)
{
	struct load l = { 0 };
	const struct cfg_source source = MEMORY_SOURCE(files);

	l.result = config_load(files[0].path, &source, &l.config, &l.report);
	cfg_report_print(&l.report, &l.printed, false);
	return l;
}

static inline const char *
load_says(const struct load *l)
{
	return l->printed.data != NULL ? l->printed.data : "";
}

static inline void
load_done(struct load *l)
{
	config_unref(l->config);
	cfg_report_fini(&l->report);
	strbuf_fini(&l->printed);
}

/* Assert that loading fails and the report has this in it. */
static inline void
assert_refused(const char *text, const char *says)
{
	struct load l = load_text(text);

	ck_assert_msg(l.result == -EINVAL, "taken: %s", text);
	ck_assert_msg(
		strstr(load_says(&l), says) != NULL, "%s\nsays: %s\nwanted: %s", text, load_says(&l), says);
	ck_assert_ptr_null(l.config);
	load_done(&l);
}

/* Assert that it loads without a word but warnings. */
static inline struct load
assert_taken(const char *text)
{
	struct load l = load_text(text);

	ck_assert_msg(l.result == 0, "%s\nsays: %s", text, load_says(&l));
	ck_assert_ptr_nonnull(l.config);
	return l;
}

#endif
