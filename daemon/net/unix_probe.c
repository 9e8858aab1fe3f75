/* connect(2) finds the socket behind a file by the file's inode, before it looks at the type: ECONNREFUSED
 * for a stream means that nobody is there or nobody listens, EPROTOTYPE that somebody of another type is
 * there. Rights are checked earlier still, so EACCES says nothing about life. */
#include "net/unix_probe.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>

#include "base/fdutil.h"
#include "net/holder.h"

static const char *
kind_name(mode_t mode)
{
	switch (mode & S_IFMT) {
	case S_IFDIR:
		return "a folder";
	case S_IFLNK:
		return "a symbolic link";
	case S_IFREG:
		return "a regular file";
	case S_IFIFO:
		return "a named pipe";
	default:
		return "a device";
	}
}

static int
live(const char *path, int fd, struct err *e)
{
	char who[HOLDER_TEXT_SIZE] = "";
	struct ucred peer;
	socklen_t size = sizeof peer;

	if (fd >= 0 && getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &peer, &size) == 0 && peer.pid > 0)
		holder_of_pid(peer.pid, who);
	else
		holder_of_unix(path, false, who);
	err_set(e, -EADDRINUSE, "the socket '%s' is served by %s; stop that, or use another path", path,
		who[0] != '\0' ? who : "another process");
	return UNIX_FOUND_LIVE;
}

/* The half-made socket of a sockd that was killed between bind() and chmod() has no rights for anybody, so
 * that even its owner may not connect. Nobody serves such a file, and under the folder's lock nobody is
 * making it. */
static bool
is_half_made(const char *path, const struct stat *st)
{
	char who[HOLDER_TEXT_SIZE];

	return (st->st_mode & 0777) == 0 && st->st_uid == geteuid() && !holder_of_unix(path, false, who);
}

static int
ask(const char *path, const struct stat *st, struct err *e)
{
	auto_of(fd) int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	struct sockaddr_un a = { .sun_family = AF_UNIX };

	if (fd < 0)
		return err_errno(e, "cannot create a socket");
	snprintf(a.sun_path, sizeof a.sun_path, "%s", path);
	if (connect(fd, (struct sockaddr *)&a, sizeof a) == 0)
		return live(path, fd, e);
	switch (errno) {
	case ECONNREFUSED:
		return UNIX_FOUND_STALE;
	case EPROTOTYPE: /* another type */
	case EAGAIN:     /* its queue is full */
		return live(path, -1, e);
	case ENOENT:
		return UNIX_FOUND_NOTHING;
	case EACCES:
		if (is_half_made(path, st))
			return UNIX_FOUND_STALE;
		err_set(e, -EADDRINUSE,
			"there is a socket '%s' of user %u that we may not connect to, so nobody can say "
			"whether it is in use; "
			"remove it if not",
			path, st->st_uid);
		return UNIX_FOUND_CLOSED;
	default:
		return err_errno(e, "cannot see whether somebody serves '%s'", path);
	}
}

int
unix_probe(const char *path, int *ret_pin_fd, struct err *e)
{
	auto_of(fd) int pin = open(path, O_PATH | O_NOFOLLOW | O_CLOEXEC);
	struct stat st;
	int found;

	*ret_pin_fd = -1;
	if (pin < 0 && errno == ENOENT)
		return UNIX_FOUND_NOTHING;
	if (pin < 0 || fstat(pin, &st) < 0)
		return err_errno(e, "cannot look at '%s'", path);
	if (!S_ISSOCK(st.st_mode)) {
		err_set(e, -EEXIST, "'%s' is %s; move it away, or use another path", path,
			kind_name(st.st_mode));
		return UNIX_FOUND_FOREIGN;
	}
	found = ask(path, &st, e);
	if (found == UNIX_FOUND_STALE)
		*ret_pin_fd = fd_take(&pin);
	return found;
}
