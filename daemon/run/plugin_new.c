/* The files are those of plugins/template, which is built and tested with sockd itself; here only the name is
 * put in its place. All is written into a folder beside it, which gets its name when it is whole. */
#include "run/plugin_new.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sysexits.h>
#include <unistd.h>

#include "base/fdutil.h"
#include "base/strbuf.h"

enum { NAME_SIZE_MAX = 32 };

#define PLACEHOLDER "template"

static void
add_replaced(struct strbuf *s, const char *text, const char *name)
{
	for (const char *found; (found = strstr(text, PLACEHOLDER)) != NULL;
		text = found + strlen(PLACEHOLDER)) {
		strbuf_add_bytes(s, text, (size_t)(found - text));
		strbuf_add(s, name);
	}
	strbuf_add(s, text);
}

static int
write_file(int folder, const struct template_file *file, const char *name, struct err *e)
{
	auto_of(strbuf) struct strbuf file_name = { 0 };
	auto_of(strbuf) struct strbuf text = { 0 };
	auto_of(fd) int fd = -1;
	int r;

	add_replaced(&file_name, file->name, name);
	add_replaced(&text, file->text, name);
	if (file_name.failed || text.failed)
		return err_set(e, -ENOMEM, "out of memory");
	fd = openat(folder, file_name.data, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0644);
	if (fd < 0)
		return err_errno(e, "cannot make '%s/%s'", name, file_name.data);
	r = fd_write_all(fd, text.data, text.size);
	return r < 0 ? err_set(e, r, "cannot write '%s/%s': %s", name, file_name.data, strerror(-r)) : 0;
}

static int
write_files(const char *path, const char *name, struct err *e)
{
	auto_of(fd) int folder = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	int r = folder < 0 ? err_errno(e, "cannot open the folder '%s'", path) : 0;

	for (const struct template_file *f = template_files; f->name != NULL && r == 0; f++)
		r = write_file(folder, f, name, e);
	return r;
}

static void
remove_files(const char *path, const char *name)
{
	for (const struct template_file *f = template_files; f->name != NULL; f++) {
		auto_of(strbuf) struct strbuf file = { 0 };

		strbuf_printf(&file, "%s/", path);
		add_replaced(&file, f->name, name);
		if (!file.failed)
			unlink(file.data);
	}
	rmdir(path);
}

/* renameat2() would say in one step whether the name is taken; without it a folder that is there already is
 * noticed before, and one with something in it is never replaced (rename(2)). */
static int
make_folder(const char *name, struct err *e)
{
	char path[NAME_SIZE_MAX + sizeof ".XXXXXX"];
	struct stat st;
	int r;

	if (lstat(name, &st) == 0)
		return err_set(e, -EEXIST, "there is a '%s' here already", name);
	snprintf(path, sizeof path, "%s.XXXXXX", name);
	if (mkdtemp(path) == NULL)
		return err_errno(e, "cannot make a folder here");
	r = write_files(path, name, e);
	if (r == 0 && (chmod(path, 0755) < 0 || rename(path, name) < 0))
		r = err_errno(e, "cannot make the folder '%s'", name);
	if (r < 0)
		remove_files(path, name);
	return r;
}

/* It becomes a file name, a plugin's name and a listener's. */
static bool
is_name(const char *name)
{
	size_t n = strspn(name, "abcdefghijklmnopqrstuvwxyz0123456789_-");

	return n > 0 && n <= NAME_SIZE_MAX && name[n] == '\0' && name[0] >= 'a' && name[0] <= 'z';
}

int
plugin_new(const char *name)
{
	struct err e = { 0 };

	if (!is_name(name)) {
		fprintf(stderr,
			"sockd: a plugin cannot be called '%s': write up to %d lower-case letters, digits, "
			"'-' "
			"and '_', and a letter first\n",
			name, NAME_SIZE_MAX);
		return EX_USAGE;
	}
	if (make_folder(name, &e) < 0) {
		fprintf(stderr, "sockd: %s\n", e.text);
		return EX_CANTCREAT;
	}
	printf("%s: a plugin that greets and counts. Next:\n"
	       "  cd %s\n"
	       "  make            build %s.so\n"
	       "  make check      run its test, on fakes and against a real sockd\n"
	       "  make run        serve it on tcp://127.0.0.1:7000\n",
		name, name, name);
	return EX_OK;
}
