/* A lock for the moments in which a name is looked at, taken away and bound again. It lies on the folder,
 * because a lock file beside the socket would have to stay for ever: removing a lock file is a race of its
 * own. Locks are advisory, so what they order is sockd against sockd; against other programs a few
 * microseconds remain between the probe and the bind. */
#include "net/folder.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <time.h>

#include "base/clock.h"
#include "base/fdutil.h"

/* Socket paths are at most a sun_path long, so every folder fits; longer ones are cut and refused elsewhere.
 */
struct folder_name {
	char text[PATH_MAX];
};

static struct folder_name
folder_of(const char *path)
{
	const char *slash = strrchr(path, '/');
	struct folder_name name = { "." };
	size_t size = slash != NULL ? (size_t)(slash - path) : 0;

	if (slash == NULL)
		return name;
	if (size == 0)
		size = 1; /* the root */
	if (size >= sizeof name.text)
		size = sizeof name.text - 1;
	memcpy(name.text, path, size);
	name.text[size] = '\0';
	return name;
}

int
folder_check(const char *path, bool *ret_open_to_all, struct err *e)
{
	struct folder_name folder = folder_of(path);
	const size_t most = sizeof(((struct sockaddr_un *)0)->sun_path) - 1;
	struct stat st;

	if (strlen(path) > most)
		return err_set(e, -ENAMETOOLONG,
			"the path has %zu bytes, a unix socket's at most %zu; use a shorter folder or name",
			strlen(path), most);
	if (stat(folder.text, &st) < 0 && errno == ENOENT)
		return err_set(e, -ENOENT,
			"the folder '%s' does not exist; make it first (under systemd: RuntimeDirectory= or "
			"tmpfiles.d)",
			folder.text);
	if (stat(folder.text, &st) < 0)
		return err_errno(e, "cannot look at the folder '%s'", folder.text);
	if (!S_ISDIR(st.st_mode))
		return err_set(e, -ENOTDIR, "'%s' is no folder", folder.text);
	*ret_open_to_all = (st.st_mode & S_IWOTH) != 0 && (st.st_mode & S_ISVTX) == 0;
	return 0;
}

int
folder_lock(const char *path, int *ret_lock_fd, struct err *e)
{
	const struct timespec pause = { .tv_nsec = 5000000 };
	struct folder_name folder = folder_of(path);
	auto_of(fd) int fd = open(folder.text, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	int64_t deadline_ms = clock_now_ms() + FOLDER_PATIENCE_MS;

	while (fd >= 0 && flock(fd, LOCK_EX | LOCK_NB) < 0) {
		if (errno != EWOULDBLOCK && errno != EINTR) {
			close(fd_take(&fd));
			break;
		}
		if (clock_now_ms() >= deadline_ms)
			return err_set(e, -EAGAIN,
				"another process keeps the folder '%s' locked (flock); end it, or try again",
				folder.text);
		nanosleep(&pause, NULL);
	}
	*ret_lock_fd = fd_take(&fd);
	return 0;
}
