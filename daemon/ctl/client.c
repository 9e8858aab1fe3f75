/* Plain blocking calls with the kernel's timeouts: sockctl has nothing else to do meanwhile. */
#include "ctl/client.h"

#include <errno.h>
#include <poll.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>
#include <sys/pidfd.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <sys/un.h>
#include <unistd.h>

#include "base/fdutil.h"

struct client {
	int fd;    /* owned until there is a stream for it */
	int pidfd; /* owned: the daemon's process; -1: it cannot be seen from here */
	int timeout_ms;
	FILE *in;   /* owned, with the descriptor; only read from */
	char *line; /* owned */
	size_t room;
};

static socklen_t
make_name(const char *path, struct sockaddr_un *name)
{
	size_t size = strlen(path);

	*name = (struct sockaddr_un){ .sun_family = AF_UNIX };
	if (size >= sizeof name->sun_path)
		return 0;
	memcpy(name->sun_path, path, size);
	if (path[0] != '@')
		return sizeof *name;
	name->sun_path[0] = '\0';
	return (socklen_t)(offsetof(struct sockaddr_un, sun_path) + size);
}

static int
connect_failed(const char *path, struct err *e)
{
	if (errno == ENOENT || errno == ECONNREFUSED)
		return err_set(e, -errno, "sockd does not run, or not with this admin socket: %s: %s", path,
			strerror(errno));
	if (errno == EACCES)
		return err_set(e, -EACCES,
			"permission denied: %s; ask as root, as the user that sockd runs as, or as a member "
			"of "
			"daemon.admin.group",
			path);
	return err_errno(e, "cannot connect to %s", path);
}

/* Of a process in another namespace the kernel tells 0. */
static int
open_peer(int fd)
{
	struct ucred peer = { 0 };

	if (getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &peer, &(socklen_t){ sizeof peer }) < 0 || peer.pid <= 0)
		return -1;
	return pidfd_open(peer.pid, 0);
}

int
client_open(const char *path, int timeout_ms, struct client **ret, struct err *e)
{
	const struct timeval patience = { .tv_sec = timeout_ms / 1000, .tv_usec = timeout_ms % 1000 * 1000 };
	struct sockaddr_un name;
	socklen_t size = make_name(path, &name);
	struct client *c = mem_new(*c);

	if (c == NULL)
		return err_set(e, -ENOMEM, "out of memory");
	c->pidfd = -1;
	c->timeout_ms = timeout_ms;
	c->fd = size > 0 ? socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0) : -1;
	if (c->fd < 0) {
		free(c);
		return size > 0 ? err_errno(e, "cannot create a socket")
				: err_set(e, -ENAMETOOLONG, "%s is too long for a unix socket", path);
	}
	if (setsockopt(c->fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience) < 0 ||
		setsockopt(c->fd, SOL_SOCKET, SO_SNDTIMEO, &patience, sizeof patience) < 0 ||
		connect(c->fd, (struct sockaddr *)&name, size) < 0) {
		int code = connect_failed(path, e);

		client_close(c);
		return code;
	}
	c->pidfd = open_peer(c->fd);
	c->in = fdopen(c->fd, "r");
	if (c->in == NULL) {
		client_close(c);
		return err_set(e, -ENOMEM, "out of memory");
	}
	*ret = c;
	return 0;
}

int
client_send(struct client *c, json_t *request, struct err *e)
{
	char *text = json_dumps(request, JSON_COMPACT);
	size_t size = text != NULL ? strlen(text) : 0;
	ssize_t n;

	if (text == NULL)
		return err_set(e, -ENOMEM, "out of memory");
	text[size] = '\n'; /* in the place of the NUL: the line goes as one */
	n = send(c->fd, text, size + 1, MSG_NOSIGNAL);
	free(text);
	if (n < 0 && errno == EPIPE)
		return 0; /* turned away: it said why */
	if (n < 0)
		return err_errno(e, "cannot send the request");
	return (size_t)n == size + 1 ? 0 : err_set(e, -EMSGSIZE, "the request is too long");
}

int
client_receive(struct client *c, json_t **ret, struct err *e)
{
	json_t *line;
	ssize_t n;

	errno = 0;
	n = getline(&c->line, &c->room, c->in);
	if (n < 0 && (errno == EAGAIN || errno == EWOULDBLOCK))
		return err_set(e, -ETIMEDOUT, "the daemon does not answer");
	if (n < 0 && errno != 0 && errno != ECONNRESET)
		return err_errno(e, "cannot read the answer");
	if (n < 0)
		return err_set(e, -EPIPE, "the daemon closed the connection without an answer");
	line = json_loadb(c->line, (size_t)n, 0, NULL);
	if (!json_is_object(line)) {
		json_decref(line);
		return err_set(e, -EPROTO, "this is no sockd: it answers %.60s", c->line);
	}
	*ret = line;
	return 0;
}

void
client_wait_end(const struct client *c)
{
	struct pollfd end = { .fd = c->pidfd, .events = POLLIN };

	if (c->pidfd >= 0)
		poll(&end, 1, c->timeout_ms);
}

void
client_close(struct client *c)
{
	if (c == NULL)
		return;
	cleanup_fd(&c->pidfd);
	if (c->in != NULL)
		fclose(c->in);
	else
		cleanup_fd(&c->fd);
	free(c->line);
	free(c);
}
