/* Configuration files from the disk. Anything that can be read to its end will do, a pipe from a shell's
 * <(...) too, but a folder or a missing file is told as what it is. */
#include "config/source.h"

#include <errno.h>
#include <fcntl.h>
#include <glob.h>
#include <grp.h>
#include <pwd.h>
#include <stdlib.h>
#include <string.h>

#include "base/fdutil.h"

static int
disk_read(void *arg, const char *path, size_t limit, char **ret_bytes, size_t *ret_size)
{
	auto_of(fd) int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY);

	(void)arg;
	return fd < 0 ? -errno : fd_read_all(fd, limit, ret_bytes, ret_size);
}

static int
copy_paths(char *const *paths, size_t count, char ***ret_paths)
{
	char **copy = calloc(count + 1, sizeof *copy);

	if (copy == NULL)
		return -ENOMEM;
	for (size_t i = 0; i < count; i++) {
		copy[i] = strdup(paths[i]);
		if (copy[i] == NULL) {
			cfg_source_free_paths(copy, i);
			return -ENOMEM;
		}
	}
	*ret_paths = copy;
	return 0;
}

static int
unreadable_folder(const char *path, int error)
{
	(void)path;
	return error != ENOENT && error != ENOTDIR;
}

static int
disk_expand(void *arg, const char *pattern, char ***ret_paths, size_t *ret_count)
{
	glob_t found = { 0 };
	int r;

	(void)arg;
	errno = 0;
	switch (glob(pattern, 0, unreadable_folder, &found)) {
	case 0:
	case GLOB_NOMATCH:
		r = copy_paths(found.gl_pathv, found.gl_pathc, ret_paths);
		break;
	case GLOB_ABORTED:
		r = errno != 0 ? -errno : -EIO;
		break;
	default:
		r = -ENOMEM;
	}
	if (r == 0)
		*ret_count = found.gl_pathc;
	globfree(&found);
	return r;
}

static int
disk_identify(void *arg, const char *path, char **ret_name)
{
	char *name = realpath(path, NULL);

	(void)arg;
	if (name == NULL)
		return errno != 0 ? -errno : -EIO;
	*ret_name = name;
	return 0;
}

static const char *
environment_lookup(void *arg, const char *name)
{
	(void)arg;
	return getenv(name);
}

static int
system_account(void *arg, const char *name, bool is_group, uint32_t *ret_id)
{
	auto_of(mem) char *room = NULL;
	struct passwd user, *found_user = NULL;
	struct group group, *found_group = NULL;
	int error = ERANGE;

	(void)arg;
	for (size_t size = 1024; error == ERANGE && size <= 1 << 24; size *= 4) {
		free(room);
		room = malloc(size);
		if (room == NULL)
			return -ENOMEM;
		error = is_group ? getgrnam_r(name, &group, room, size, &found_group)
				 : getpwnam_r(name, &user, room, size, &found_user);
	}
	if (error != 0 && error != ENOENT && error != ESRCH)
		return -error;
	if (found_user == NULL && found_group == NULL)
		return -ENOENT;
	*ret_id = is_group ? found_group->gr_gid : found_user->pw_uid;
	return 0;
}

const struct cfg_source cfg_source_disk = {
	.read = disk_read,
	.expand = disk_expand,
	.identify = disk_identify,
	.lookup = environment_lookup,
	.account = system_account,
};

void
cfg_source_free_paths(char **paths, size_t count)
{
	for (size_t i = 0; i < count; i++)
		free(paths[i]);
	free(paths);
}
