/* A passed descriptor can be anything, so what it is comes from the kernel, not from its name. It stays open
 * here while sockd runs, and each configuration gets a duplicate. */
#include "net/passed.h"

#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>
#ifdef HAVE_LIBSYSTEMD
#include <systemd/sd-daemon.h>
#endif

#include "base/fdutil.h"
#include "base/strbuf.h"
#include "net/options.h"

struct passed_one {
	char *name; /* owned */
	int fd;     /* owned */
	bool used;
};

struct net_passed {
	struct passed_one *items; /* owned */
	size_t count;
};

struct net_passed *
net_passed_new(void)
{
	struct net_passed *passed = mem_new(*passed);

	return passed;
}

int
net_passed_add(struct net_passed *passed, const char *name, int fd)
{
	struct passed_one *items = reallocarray(passed->items, passed->count + 1, sizeof *items);
	char *copy = strdup(name);

	if (items != NULL)
		passed->items = items;
	if (items == NULL || copy == NULL) {
		free(copy);
		return -ENOMEM;
	}
	passed->items[passed->count++] = (struct passed_one){ .name = copy, .fd = fd };
	return 0;
}

bool
net_passed_get(const struct net_passed *passed, size_t i, const char **ret_name, int *ret_fd)
{
	if (passed == NULL || i >= passed->count)
		return false;
	*ret_name = passed->items[i].name;
	*ret_fd = passed->items[i].fd;
	return true;
}

bool
net_passed_take(struct net_passed *passed, const char *prefix, char **ret_name, int *ret_fd)
{
	for (size_t i = 0; i < passed->count; i++) {
		struct passed_one *one = &passed->items[i];

		if (strncmp(one->name, prefix, strlen(prefix)) != 0)
			continue;
		*ret_name = one->name;
		*ret_fd = one->fd;
		memmove(one, one + 1, (--passed->count - i) * sizeof *one);
		return true;
	}
	return false;
}

void
net_passed_reset(struct net_passed *passed)
{
	for (size_t i = 0; passed != NULL && i < passed->count; i++)
		passed->items[i].used = false;
}

void
net_passed_free(struct net_passed *passed)
{
	if (passed == NULL)
		return;
	for (size_t i = 0; i < passed->count; i++) {
		close(passed->items[i].fd);
		free(passed->items[i].name);
	}
	free(passed->items);
	free(passed);
}

#ifdef HAVE_LIBSYSTEMD
static int
receive(struct net_passed *passed, struct err *e)
{
	char **names = NULL;
	int count = sd_listen_fds_with_names(1, &names), code = 0, i;

	if (count < 0)
		return err_set(e, count, "cannot read LISTEN_FDS and LISTEN_FDNAMES: %s", strerror(-count));
	for (i = 0; i < count && code == 0; i++)
		code = net_passed_add(passed, names[i], SD_LISTEN_FDS_START + i);
	for (i = 0; names != NULL && names[i] != NULL; i++)
		free(names[i]);
	free(names);
	return code == 0 ? 0 : err_set(e, code, "out of memory");
}
#else
static int
receive(struct net_passed *passed, struct err *e)
{
	(void)passed; /* without libsystemd nothing ever comes, and a listener that asks is told so */
	(void)e;
	return 0;
}
#endif

int
net_passed_open(struct net_passed **ret, struct err *e)
{
	struct net_passed *passed = net_passed_new();
	int code = passed != NULL ? receive(passed, e) : err_set(e, -ENOMEM, "out of memory");

	if (code < 0) {
		net_passed_free(passed);
		return code;
	}
	*ret = passed;
	return 0;
}

static int
option(int fd, int name)
{
	int value = -1;
	socklen_t size = sizeof value;

	return getsockopt(fd, SOL_SOCKET, name, &value, &size) == 0 ? value : -1;
}

static int
refuse_stream(int fd, const char *name, struct err *e)
{
	struct sockaddr_storage peer;
	socklen_t size = sizeof peer;

	if (getpeername(fd, (struct sockaddr *)&peer, &size) == 0)
		return err_set(e, -EINVAL,
			"'%s' is one accepted connection, not a listening socket; write Accept=no in its "
			".socket unit",
			name);
	return err_set(
		e, -EINVAL, "'%s' is a stream socket that does not listen; pass it after listen()", name);
}

int
net_passed_identify(int fd, const char *name, struct err *e)
{
	int domain = option(fd, SO_DOMAIN), type = option(fd, SO_TYPE), protocol = option(fd, SO_PROTOCOL);
	bool inet = domain == AF_INET || domain == AF_INET6;
	int found = -1;

	if (domain < 0)
		return err_set(e, -EINVAL,
			"'%s' is no socket; sockd serves ListenStream= and ListenDatagram= of a .socket unit",
			name);
	if (type == SOCK_STREAM && (domain == AF_UNIX || inet))
		found = domain == AF_UNIX ? CFG_UNIX : CFG_TCP;
	if (type == SOCK_DGRAM && (domain == AF_UNIX || (inet && protocol == IPPROTO_UDP)))
		found = domain == AF_UNIX ? CFG_UNIXGRAM : CFG_UDP;
	if (found < 0)
		return err_set(e, -EINVAL,
			"'%s' is a socket of a kind that sockd does not serve (domain %d, type %d); it "
			"serves tcp, udp, and unix stream and datagram sockets",
			name, domain, type);
	if (type == SOCK_STREAM && option(fd, SO_ACCEPTCONN) != 1)
		return refuse_stream(fd, name, e);
	return found;
}

int
net_passed_options(const struct net_request *q, int fd, enum cfg_transport transport, struct err *e)
{
	int flags = fcntl(fd, F_GETFL), code = options_buffers(q, fd, e);

	if (code < 0)
		return code;
	if (flags < 0 || fcntl(fd, F_SETFL, flags | O_NONBLOCK) < 0)
		return err_errno(e, "cannot make '%s' non-blocking", q->address->url);
	if (transport == CFG_TCP)
		return options_tcp(q, fd, e);
	if (transport == CFG_UDP)
		return options_udp(fd, option(fd, SO_DOMAIN), e);
	return 0;
}

static int
use_one(struct passed_one *one, const struct net_request *q, unsigned *found, struct err *e)
{
	auto_of(fd) int fd = -1;
	int transport, code;

	if (one->used)
		return err_set(e, -EBUSY,
			"the passed socket '%s' serves another listener already; name it once", one->name);
	transport = net_passed_identify(one->fd, one->name, e);
	if (transport < 0)
		return transport;
	fd = fcntl(one->fd, F_DUPFD_CLOEXEC, 0);
	if (fd < 0)
		return err_errno(e, "cannot duplicate the passed socket '%s'", one->name);
	code = net_passed_options(q, fd, (enum cfg_transport)transport, e);
	if (code < 0)
		return code;
	code = net_sockets_add(q, (enum cfg_transport)transport, 0, fd_take(&fd), e);
	if (code < 0)
		return code;
	one->used = true;
	*found |= 1u << transport;
	return 0;
}

static int
not_passed(const struct net_passed *passed, const char *name, struct err *e)
{
	auto_of(strbuf) struct strbuf names = { 0 };

#ifndef HAVE_LIBSYSTEMD
	return err_set(
		e, -ENOENT, "this sockd was built without libsystemd, so no socket can be passed to it");
#endif
	for (size_t i = 0; passed != NULL && i < passed->count; i++)
		strbuf_printf(&names, "%s%s", i > 0 ? ", " : "", passed->items[i].name);
	if (names.size > 0)
		return err_set(e, -ENOENT, "no socket named '%s' was passed; those that were are: %.200s",
			name, names.data);
	return err_set(e, -ENOENT,
		"no socket was passed; start sockd by a .socket unit with FileDescriptorName=%s and Service=",
		name);
}

int
net_passed_use(struct net_passed *passed, const struct net_request *q, unsigned *ret_found, struct err *e)
{
	unsigned found = 0;

	for (size_t i = 0; passed != NULL && i < passed->count; i++) {
		int code = 0;

		if (strcmp(passed->items[i].name, q->address->fd_name) == 0)
			code = use_one(&passed->items[i], q, &found, e);
		if (code < 0)
			return code;
	}
	if (found == 0)
		return not_passed(passed, q->address->fd_name, e);
	*ret_found = found;
	return 0;
}

void
net_passed_warn_unused(const struct net_passed *passed, struct cfg_report *report)
{
	for (size_t i = 0; passed != NULL && i < passed->count; i++)
		if (!passed->items[i].used)
			cfg_report_warning(report, NULL,
				"the passed socket '%s' is used by no listener; write 'listen: systemd:%s' "
				"to serve it",
				passed->items[i].name, passed->items[i].name);
}
