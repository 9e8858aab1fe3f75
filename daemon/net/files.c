/* A file is ours if the name still leads to the inode that we pinned. Comparing and unlinking are two steps;
 * that nobody puts another file there between them holds for every sockd, because both steps are done under
 * the lock of the folder that a starting one takes too. A program that takes no lock has some microseconds to
 * lose its file. */
#include "net/files.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/fdutil.h"
#include "net/folder.h"

struct file {
	char *path; /* owned */
	int pin_fd; /* owned; -1: reserved only */
};

struct net_files {
	struct file *items; /* owned */
	size_t count;
};

struct net_files *
net_files_new(void)
{
	struct net_files *files = mem_new(*files);

	return files;
}

int
net_files_reserve(struct net_files *files, const char *path)
{
	struct file *last = files->count > 0 ? &files->items[files->count - 1] : NULL;
	char *copy = strdup(path);
	struct file *items;

	if (copy == NULL)
		return -ENOMEM;
	if (last != NULL && last->pin_fd < 0) {
		free(last->path); /* the file before was never made */
		last->path = copy;
		return 0;
	}
	items = reallocarray(files->items, files->count + 1, sizeof *items);
	if (items == NULL) {
		free(copy);
		return -ENOMEM;
	}
	files->items = items;
	files->items[files->count++] = (struct file){ .path = copy, .pin_fd = -1 };
	return 0;
}

void
net_files_add(struct net_files *files, int pin_fd)
{
	files->items[files->count - 1].pin_fd = pin_fd;
}

static bool
is_ours(const struct file *f)
{
	struct stat here, pinned;

	return f->pin_fd >= 0 && lstat(f->path, &here) == 0 && fstat(f->pin_fd, &pinned) == 0 &&
	       here.st_dev == pinned.st_dev && here.st_ino == pinned.st_ino;
}

static void
file_remove(const struct file *f)
{
	auto_of(fd) int lock = -1;

	if (!is_ours(f))
		return;
	/* Without the lock the file is removed all the same: the wait is bounded, and a file left behind is
	 * worse. */
	if (folder_lock(f->path, &lock, NULL) < 0 || is_ours(f))
		unlink(f->path);
}

int
net_files_pin(const struct net_files *files, const char *path)
{
	for (size_t i = 0; i < files->count; i++)
		if (files->items[i].pin_fd >= 0 && strcmp(files->items[i].path, path) == 0)
			return files->items[i].pin_fd;
	return -1;
}

int
net_files_make_room(struct net_files *files, const struct net_files *from)
{
	struct file *items = reallocarray(files->items, files->count + from->count + 1, sizeof *items);

	if (items == NULL)
		return -ENOMEM;
	files->items = items;
	return 0;
}

void
net_files_join(struct net_files *files, struct net_files *from)
{
	if (from->count > 0)
		memcpy(files->items + files->count, from->items, from->count * sizeof *from->items);
	files->count += from->count;
	free(from->items);
	free(from);
}

static void
file_fini(struct file *f)
{
	file_remove(f);
	if (f->pin_fd >= 0)
		close(f->pin_fd);
	free(f->path);
}

void
net_files_weed(struct net_files *files, bool (*wanted)(const void *arg, const char *path), const void *arg)
{
	size_t left = 0;

	for (size_t i = 0; i < files->count; i++) {
		if (wanted(arg, files->items[i].path))
			files->items[left++] = files->items[i];
		else
			file_fini(&files->items[i]);
	}
	files->count = left;
}

void
net_files_remove(struct net_files *files)
{
	if (files == NULL)
		return;
	for (size_t i = 0; i < files->count; i++)
		file_fini(&files->items[i]);
	free(files->items);
	free(files);
}

bool
net_files_get(const struct net_files *files, size_t i, const char **ret_path, int *ret_pin_fd)
{
	if (files == NULL || i >= files->count)
		return false;
	*ret_path = files->items[i].path;
	*ret_pin_fd = files->items[i].pin_fd;
	return true;
}

void
net_files_leave(struct net_files *files)
{
	if (files == NULL)
		return;
	for (size_t i = 0; i < files->count; i++) {
		if (files->items[i].pin_fd >= 0)
			close(files->items[i].pin_fd);
		free(files->items[i].path);
	}
	free(files->items);
	free(files);
}
