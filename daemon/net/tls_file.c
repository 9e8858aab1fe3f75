/* A folder is told from a file by the source's own answer, so that it travels with the snapshot too. */
#include "net/tls_file.h"

#include <errno.h>
#include <string.h>

#include "config/load_tls.h"

static int
file_open(const struct tls_reader *r, const char *path, struct tls_file *ret)
{
	int code = r->source->read(r->source->arg, path, TLS_FILE_MAX, &ret->bytes, &ret->size);

	if (code < 0)
		return code;
	ret->path = strdup(path);
	r->saw(r->arg, ret->bytes, ret->size);
	if (ret->path != NULL)
		return 0;
	tls_file_fini(ret);
	return -ENOMEM;
}

static int
file_failed(const struct tls_reader *r, const char *path, const char *key, const struct cfg_place *place,
	int code)
{
	if (code == -ENOMEM)
		return cfg_report_no_memory(r->report);
	if (code == -EFBIG)
		return cfg_report_error(
			r->report, place, "'%s': %s is larger than %d MiB", key, path, TLS_FILE_MAX >> 20);
	return cfg_report_error(r->report, place, "'%s': cannot read %s: %s", key, path, strerror(-code));
}

int
tls_file_read(const struct tls_reader *r, const char *path, const char *key, const struct cfg_place *place,
	struct tls_file *ret)
{
	struct tls_file f = { 0 };
	int code = file_open(r, path, &f);

	if (code < 0)
		return file_failed(r, path, key, place, code);
	*ret = f;
	return 0;
}

void
tls_file_fini(struct tls_file *f)
{
	if (f->bytes != NULL)
		explicit_bzero(f->bytes, f->size);
	free(f->bytes);
	free(f->path);
	*f = (struct tls_file){ 0 };
}

/* @return how many files there were, or as tls_file_each() */
static int
each_in_folder(const struct tls_reader *r, const char *folder, const char *key, const struct cfg_place *place,
	int (*fn)(void *arg, const struct tls_file *f), void *arg)
{
	auto_of(mem) char *pattern = tls_folder_pattern(folder);
	char **paths = NULL;
	size_t count = 0;
	int code = -ENOMEM, files = 0;

	if (pattern != NULL)
		code = r->source->expand(r->source->arg, pattern, &paths, &count);
	if (code < 0)
		return file_failed(r, folder, key, place, code);
	for (size_t i = 0; i < count && code == 0; i++) {
		auto_of(tls_file) struct tls_file f = { 0 };

		code = file_open(r, paths[i], &f);
		if (code == -EISDIR)
			code = 0;
		else if (code < 0)
			code = file_failed(r, paths[i], key, place, code);
		else {
			files++;
			code = fn(arg, &f);
		}
	}
	cfg_source_free_paths(paths, count);
	return code < 0 ? code : files;
}

int
tls_file_each(const struct tls_reader *r, const struct cfg_texts *paths, const char *key,
	const struct cfg_place *place, int (*fn)(void *arg, const struct tls_file *f), void *arg)
{
	for (size_t i = 0; i < paths->count; i++) {
		auto_of(tls_file) struct tls_file f = { 0 };
		int code = file_open(r, paths->at[i], &f);

		if (code == 0)
			code = fn(arg, &f);
		else if (code == -EISDIR) {
			code = each_in_folder(r, paths->at[i], key, place, fn, arg);
			if (code == 0)
				code = cfg_report_error(r->report, place, "'%s': the folder %s holds no file",
					key, paths->at[i]);
		} else
			code = file_failed(r, paths->at[i], key, place, code);
		if (code < 0)
			return code;
	}
	return 0;
}
