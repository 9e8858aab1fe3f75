/* What `log.target` may name, and how each is opened. The journal and syslog sockets are only connected here;
 * the log thread speaks their protocols itself, so that a process without access to the paths can be given
 * the descriptor. */
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "base/fdutil.h"
#include "base/log.h"

static int
connect_datagram(const char *path, int *ret_fd, struct err *e)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	auto_of(fd) int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);

	if (fd < 0)
		return err_errno(e, "cannot create a socket for the log");
	memcpy(address.sun_path, path, strlen(path) + 1);
	if (connect(fd, (const struct sockaddr *)&address, sizeof address) < 0)
		return err_errno(e, "cannot reach the log at '%s'", path);
	*ret_fd = fd_take(&fd);
	return 0;
}

/* O_NONBLOCK: a named pipe that nobody reads must not hold up the start. Regular files do not mind. */
static int
open_file(const char *path, int *ret_fd, struct err *e)
{
	auto_of(fd) int fd =
		open(path, O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC | O_NOCTTY | O_NONBLOCK, 0640);

	if (fd < 0)
		return err_errno(e, "cannot open the log file '%s'", path);
	*ret_fd = fd_take(&fd);
	return 0;
}

static int
open_stderr(int *ret_fd, struct err *e)
{
	auto_of(fd) int fd = fcntl(STDERR_FILENO, F_DUPFD_CLOEXEC, 3);

	if (fd < 0)
		return err_errno(e, "cannot log to standard error");
	*ret_fd = fd_take(&fd);
	return 0;
}

int
log_target_open(const char *target, int *ret_fd, enum log_protocol *ret_protocol, struct err *e)
{
	enum log_protocol protocol = LOG_TO_STREAM;
	int r;

	if (strcmp(target, "stderr") == 0) {
		r = open_stderr(ret_fd, e);
	} else if (strcmp(target, "journal") == 0) {
		protocol = LOG_TO_JOURNAL;
		r = connect_datagram("/run/systemd/journal/socket", ret_fd, e);
	} else if (strcmp(target, "syslog") == 0) {
		protocol = LOG_TO_SYSLOG;
		r = connect_datagram("/dev/log", ret_fd, e);
	} else if (strchr(target, '/') != NULL) {
		r = open_file(target, ret_fd, e);
	} else {
		r = err_set(e, -EINVAL, "unknown log target '%s': stderr, journal, syslog or a path", target);
	}
	if (r == 0)
		*ret_protocol = protocol;
	return r;
}
