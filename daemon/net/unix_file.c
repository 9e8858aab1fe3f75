/* The order is everything here. The socket gets mode 0 before bind(), so that its name is born closed,
 * whatever the umask is; a datagram socket is live from bind() on, so only that protects it. Then owner, then
 * mode, then, for a stream, listen(). bind() creates the name exclusively: nothing is ever overwritten. chown
 * and chmod go through a descriptor of the file that was just made, known by what only it can be: a socket of
 * ours without rights. So a name that somebody else puts in its place in an open folder is never given away.
 *
 * Probe, unlink, bind and listen happen under a lock on the folder. Without it a second sockd could take the
 * socket of the first, bound and not yet listening, for a stale one. */
#include "net/unix_file.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "base/fdutil.h"
#include "net/folder.h"
#include "net/holder.h"
#include "net/options.h"
#include "net/reuse.h"
#include "net/stored.h"
#include "net/unix_probe.h"

int
unix_file_check(const struct net_request *q, struct err *e)
{
	const size_t most = sizeof(((struct sockaddr_un *)0)->sun_path) - 1;
	const char *path = q->address->path;
	bool open_to_all;
	struct stat st;
	int code;

	if (q->address->abstract)
		return strlen(path) <= most
			       ? 0
			       : err_set(e, -ENAMETOOLONG, "an abstract name has at most %zu bytes", most);
	code = folder_check(path, &open_to_all, e);
	if (code < 0)
		return code;
	if (open_to_all)
		cfg_report_warning(q->report, &q->address->place,
			"everybody may replace '%s', since its folder is writable by all and not sticky "
			"(chmod +t)",
			path);
	if (lstat(path, &st) == 0 && !S_ISSOCK(st.st_mode)) {
		int pin;

		code = unix_probe(path, &pin, e);
		return code < 0 ? code : -EEXIST;
	}
	return 0;
}

/* Make room at the path, if what is there is stale. */
static int
clear_stale(const char *path, struct err *e)
{
	auto_of(fd) int pin = -1;
	struct stat probed, here;
	int found = unix_probe(path, &pin, e);

	if (found < 0)
		return found;
	if (found == UNIX_FOUND_NOTHING)
		return 0;
	if (found != UNIX_FOUND_STALE)
		return found == UNIX_FOUND_FOREIGN ? -EEXIST : -EADDRINUSE;
	if (fstat(pin, &probed) < 0 || lstat(path, &here) < 0 || probed.st_ino != here.st_ino ||
		probed.st_dev != here.st_dev)
		return err_set(e, -EADDRINUSE, "another process is changing '%s' at this moment", path);
	if (unlink(path) < 0 && errno != ENOENT)
		return err_errno(e, "cannot remove the stale socket '%s'", path);
	return 0;
}

static int
bind_failed(const struct cfg_address *a, struct err *e)
{
	int saved = errno;
	char who[HOLDER_TEXT_SIZE] = "";

	if (saved == EADDRINUSE && a->abstract)
		holder_of_unix(a->path, true, who);
	if (saved == EADDRINUSE)
		return err_set(e, -saved, "the name is in use by %s; stop that, or use another name",
			who[0] != '\0' ? who : "another process");
	if (saved == EACCES)
		return err_set(
			e, -saved, "user %u may not make files in the folder of '%s'", geteuid(), a->path);
	errno = saved;
	return err_errno(e, "cannot make the socket '%s'", a->path);
}

/* The descriptor of the file that bind() made, or -1 with errno. */
static int
pin_open(const char *path)
{
	auto_of(fd) int pin = open(path, O_PATH | O_NOFOLLOW | O_CLOEXEC);
	struct stat st;

	if (pin < 0 || fstat(pin, &st) < 0)
		return -1;
	if (!S_ISSOCK(st.st_mode) || st.st_uid != geteuid() || (st.st_mode & 0777) != 0) {
		errno = EADDRINUSE;
		return -1;
	}
	return fd_take(&pin);
}

static int
bind_file(const struct net_request *q, int fd, int *ret_pin_fd, struct err *e)
{
	struct sockaddr_un name = { .sun_family = AF_UNIX };
	const char *path = q->address->path;
	int pin;

	snprintf(name.sun_path, sizeof name.sun_path, "%s", path);
	if (net_files_reserve(q->files, path) < 0)
		return err_set(e, -ENOMEM, "out of memory");
	if (fchmod(fd, 0) < 0)
		return err_errno(e, "cannot close the socket '%s' to others", path);
	if (bind(fd, (struct sockaddr *)&name, sizeof name) < 0)
		return bind_failed(q->address, e);
	pin = pin_open(path);
	if (pin < 0) {
		err_errno(e, "cannot open the socket '%s' that was just made", path);
		if (e->code != -EADDRINUSE && e->code != -ENOENT)
			unlink(path); /* it is ours: only looking at it failed */
		return e->code;
	}
	net_files_add(q->files, pin);
	*ret_pin_fd = pin;
	return 0;
}

/* chmod() on an O_PATH descriptor works through /proc only, before Linux 6.6. */
static int
chmod_pinned(int pin_fd, mode_t mode)
{
	char link[40];

	snprintf(link, sizeof link, "/proc/self/fd/%d", pin_fd);
	return chmod(link, mode);
}

int
unix_file_give_rights(const struct net_request *q, int pin_fd, struct err *e)
{
	const struct unix_rights *r = q->rights;

	if ((r->uid != (uid_t)-1 || r->gid != (gid_t)-1) &&
		fchownat(pin_fd, "", r->uid, r->gid, AT_EMPTY_PATH) < 0) {
		if (errno == EPERM)
			return err_set(e, -EPERM,
				"user %u may not give '%s' away; start as root or with CAP_CHOWN, or use a "
				"group that it is in",
				geteuid(), q->address->path);
		return err_errno(e, "cannot change owner and group of '%s'", q->address->path);
	}
	if (chmod_pinned(pin_fd, r->mode) < 0) {
		if (errno == EPERM)
			return err_set(e, -EPERM,
				"the mode of '%s' can't be set for its new owner without CAP_FOWNER",
				q->address->path);
		return err_errno(e, "cannot set the mode of '%s'", q->address->path);
	}
	return 0;
}

/* The name as the kernel knows it. @return its size */
static socklen_t
name_of(const struct cfg_address *a, struct sockaddr_un *ret)
{
	size_t size = strlen(a->path); /* was checked */

	*ret = (struct sockaddr_un){ .sun_family = AF_UNIX };
	memcpy(ret->sun_path + (a->abstract ? 1 : 0), a->path, size);
	return (socklen_t)(offsetof(struct sockaddr_un, sun_path) + size + 1);
}

int
unix_file_name(const struct cfg_address *a, struct endpoint *ret)
{
	struct sockaddr_un un;

	if (strlen(a->path) >= sizeof un.sun_path)
		return -ENAMETOOLONG;
	*ret = (struct endpoint){ .size = name_of(a, &un) };
	memcpy(&ret->address, &un, sizeof un);
	return 0;
}

int
unix_file_reuse(const struct net_request *q, struct err *e)
{
	struct endpoint name;
	int code;

	if (unix_file_name(q->address, &name) < 0)
		return 0;
	code = net_reuse_take_at(q->reuse, q, &name.address, name.size, e);
	return code != 0 ? code : net_stored_take(q->stored, q, &name, e);
}

static int
bind_abstract(const struct net_request *q, int fd, struct err *e)
{
	struct sockaddr_un name;
	socklen_t size = name_of(q->address, &name);

	if (bind(fd, (struct sockaddr *)&name, size) < 0)
		return bind_failed(q->address, e);
	return 0;
}

static int
bind_path(const struct net_request *q, int fd, struct err *e)
{
	int pin = -1, code;

	if (net_reuse_gives_up(q->reuse, q->address->path))
		return err_set(e, -EADDRINUSE,
			"'%s' is a socket of another type until this reload is over; give it up in a reload "
			"of its own, and make the new one in the next",
			q->address->path);
	code = clear_stale(q->address->path, e);
	if (code < 0)
		return code;
	code = bind_file(q, fd, &pin, e);
	if (code < 0)
		return code;
	return unix_file_give_rights(q, pin, e);
}

int
unix_file_open(const struct net_request *q, int type, int *ret_fd, struct err *e)
{
	auto_of(fd) int lock = -1;
	auto_of(fd) int fd = socket(AF_UNIX, type | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	int code;

	if (fd < 0)
		return err_errno(e, "cannot create a socket");
	code = unix_file_check(q, e);
	if (code < 0)
		return code;
	code = options_buffers(q, fd, e);
	if (code < 0)
		return code;
	if (!q->address->abstract) {
		code = folder_lock(q->address->path, &lock, e);
		if (code < 0)
			return code;
	}
	code = q->address->abstract ? bind_abstract(q, fd, e) : bind_path(q, fd, e);
	if (code < 0)
		return code;
	if (type == SOCK_STREAM && listen(fd, q->listener->backlog) < 0)
		return err_errno(e, "cannot listen on '%s'", q->address->url);
	*ret_fd = fd_take(&fd);
	return 0;
}
