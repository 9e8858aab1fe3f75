/* Code that sockd runs must be as hard to change as sockd itself: the file belongs to root or to the user
 * that sockd runs as, nobody else may write it, and its folder lets nobody else replace it. */
#include "plugin/plugin_file.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include "base/fdutil.h"
#include "base/parse.h"
#include "base/strbuf.h"

enum { PLUGIN_SIZE_MAX = 256 * 1024 * 1024 };

static int
check_owner_and_mode(
	const struct stat *st, const char *what, const char *path, bool sticky_is_fine, struct err *e)
{
	if (st->st_uid != 0 && st->st_uid != geteuid())
		return err_set(e, -EPERM, "%s '%s' belongs to user %u, not to root or the user of sockd",
			what, path, (unsigned)st->st_uid);
	if ((st->st_mode & (S_IWGRP | S_IWOTH)) == 0 || (sticky_is_fine && (st->st_mode & S_ISVTX) != 0))
		return 0;
	return err_set(e, -EPERM, "%s '%s' has mode %04o, so others can change it; run chmod go-w on it",
		what, path, (unsigned)(st->st_mode & 07777));
}

static int
check_folder(const char *path, struct err *e)
{
	const char *slash = strrchr(path, '/');
	auto_of(mem) char *folder =
		slash == NULL ? strdup(".") : strndup(path, slash == path ? 1 : (size_t)(slash - path));
	struct stat st;

	if (folder == NULL)
		return err_set(e, -ENOMEM, "no memory");
	if (stat(folder, &st) < 0)
		return err_errno(e, "cannot look at the folder '%s'", folder);
	return check_owner_and_mode(&st, "the folder", folder, true, e);
}

static int
copy_checked(int file, const char *path, int *ret_fd, struct err *e)
{
	auto_of(mem) char *bytes = NULL;
	struct stat st;
	size_t size;
	int r;

	if (fstat(file, &st) < 0)
		return err_errno(e, "cannot look at '%s'", path);
	if (!S_ISREG(st.st_mode))
		return err_set(e, -EINVAL, "'%s' is not a regular file", path);
	r = check_owner_and_mode(&st, "the plugin", path, false, e);
	if (r == 0)
		r = check_folder(path, e);
	if (r < 0)
		return r;
	r = fd_read_all(file, PLUGIN_SIZE_MAX, &bytes, &size);
	if (r == 0)
		r = fd_memfd("sockd-plugin", bytes, size, ret_fd); /* paths may be longer than these names */
	if (r < 0)
		return err_set(e, r, "cannot copy the plugin '%s': %s", path, strerror(-r));
	return 0;
}

static int
open_at(const char *path, char **ret_path, int *ret_fd, struct err *e)
{
	auto_of(fd) int file = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
	auto_of(mem) char *copy = strdup(path);
	int r;

	if (file < 0)
		return err_errno(e, "cannot open the plugin '%s'", path);
	if (copy == NULL)
		return err_set(e, -ENOMEM, "no memory");
	r = copy_checked(file, path, ret_fd, e);
	if (r < 0)
		return r;
	*ret_path = mem_take(copy);
	return 0;
}

/* Every NAME.so of a folder, as NAME/; a folder that cannot be read has none. */
static void
gather_names(const char *folder, struct strbuf *names)
{
	DIR *dir = opendir(folder);

	if (dir == NULL)
		return;
	for (const struct dirent *d = readdir(dir); d != NULL; d = readdir(dir)) {
		size_t n = strlen(d->d_name);

		if (n > 3 && strcmp(d->d_name + n - 3, ".so") == 0) {
			strbuf_add_bytes(names, d->d_name, n - 3);
			strbuf_add_char(names, '/');
		}
	}
	closedir(dir);
}

/* Write the plugin that was probably meant to @p ret; false if none is near. */
static bool
near_name(const char *name, const char *const *folders, size_t count, char *ret, size_t size)
{
	auto_of(strbuf) struct strbuf names = { 0 };
	size_t best = SIZE_MAX;
	char *rest = NULL;

	for (size_t i = 0; i < count; i++)
		gather_names(folders[i], &names);
	for (char *at = names.data != NULL ? strtok_r(names.data, "/", &rest) : NULL; at != NULL;
		at = strtok_r(NULL, "/", &rest)) {
		const char *one = at;

		if (parse_nearest(name, &one, 1) == NULL || parse_distance(name, at) >= best)
			continue;
		best = parse_distance(name, at);
		snprintf(ret, size, "%s", at);
	}
	return best != SIZE_MAX;
}

static int
not_found(const char *name, const char *const *folders, size_t count, struct err *e)
{
	auto_of(strbuf) struct strbuf searched = { 0 };
	size_t size = strlen(name);
	char near[128];
	bool has_near = near_name(name, folders, count, near, sizeof near);

	if (size > 3 && strcmp(name + size - 3, ".so") == 0)
		return err_set(e, -ENOENT,
			"'%s' is the name of a file: write its path, such as ./%s, or the name of an "
			"installed "
			"plugin without .so",
			name, name);
	for (size_t i = 0; i < count; i++)
		strbuf_printf(&searched, "%s%s", i == 0 ? "" : ", ", folders[i]);
	return err_set(e, -ENOENT,
		"there is no plugin '%s'%s%s%s: no file %s.so in %s; give a path, or its folder in "
		"daemon.plugin_path",
		name, has_near ? ", did you mean '" : "", has_near ? near : "", has_near ? "'?" : "", name,
		searched.size > 0 ? searched.data : "an empty plugin_path");
}

int
plugin_file_open(const char *name, const char *const *folders, size_t folder_count, char **ret_path,
	int *ret_fd, struct err *e)
{
	if (strchr(name, '/') != NULL)
		return open_at(name, ret_path, ret_fd, e);
	for (size_t i = 0; i < folder_count; i++) {
		auto_of(strbuf) struct strbuf path = { 0 };
		int r;

		strbuf_printf(&path, "%s/%s.so", folders[i], name);
		if (path.failed)
			return err_set(e, -ENOMEM, "no memory");
		r = open_at(path.data, ret_path, ret_fd, e);
		if (r != -ENOENT)
			return r;
	}
	return not_found(name, folders, folder_count, e);
}
