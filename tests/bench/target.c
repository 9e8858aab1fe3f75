#include "target.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/un.h>
#include <unistd.h>

enum { BACKLOG = 4096, DATAGRAM_BUFFER = 4 << 20 };

static const char *const prefixes[TRANSPORT_COUNT] = { "tcp://", "tls://", "unix:", "udp://", "unixgram:" };

_Noreturn void
die(const char *what)
{
	fprintf(stderr, "%s%s%s\n", what, errno != 0 ? ": " : "", errno != 0 ? strerror(errno) : "");
	exit(2);
}

static void
parse_ip(struct target *t, const char *text)
{
	struct sockaddr_in *in = (struct sockaddr_in *)&t->address;
	const char *colon = strrchr(text, ':');
	char host[INET_ADDRSTRLEN];

	if (colon == NULL || (size_t)(colon - text) >= sizeof host)
		die("an address is HOST:PORT, HOST an IPv4 address");
	memcpy(host, text, (size_t)(colon - text));
	host[colon - text] = '\0';
	*in = (struct sockaddr_in){ .sin_family = AF_INET, .sin_port = htons((uint16_t)atoi(colon + 1)) };
	if (inet_pton(AF_INET, host, &in->sin_addr) != 1)
		die("an address is HOST:PORT, HOST an IPv4 address");
	t->size = sizeof *in;
}

static void
parse_path(struct target *t, const char *path)
{
	struct sockaddr_un *un = (struct sockaddr_un *)&t->address;

	if (strlen(path) >= sizeof un->sun_path)
		die("the path of a unix socket is too long");
	un->sun_family = AF_UNIX;
	memcpy(un->sun_path, path, strlen(path) + 1);
	t->size = (socklen_t)(offsetof(struct sockaddr_un, sun_path) + strlen(path) + 1);
}

struct target
target_parse(const char *url)
{
	struct target t = { .transport = TRANSPORT_COUNT };

	errno = 0;
	for (int i = 0; i < TRANSPORT_COUNT; i++)
		if (strncmp(url, prefixes[i], strlen(prefixes[i])) == 0)
			t.transport = (enum transport)i;
	if (t.transport == TRANSPORT_COUNT)
		die("a target begins with tcp:// tls:// udp:// unix: or unixgram:");
	url += strlen(prefixes[t.transport]);
	if (target_is_ip(&t))
		parse_ip(&t, url);
	else
		parse_path(&t, url);
	return t;
}

bool
target_is_datagram(const struct target *t)
{
	return t->transport == UDP || t->transport == UNIXGRAM;
}

bool
target_is_ip(const struct target *t)
{
	return t->transport == TCP || t->transport == TLS || t->transport == UDP;
}

static void
set_option(int fd, int level, int option, int value)
{
	if (setsockopt(fd, level, option, &value, sizeof value) < 0)
		die("setsockopt");
}

int
target_listen(const struct target *t, bool shared)
{
	int type = (target_is_datagram(t) ? SOCK_DGRAM : SOCK_STREAM) | SOCK_NONBLOCK | SOCK_CLOEXEC;
	int fd = socket(t->address.ss_family, type, 0);

	if (fd < 0)
		die("socket");
	if (target_is_ip(t) && shared)
		set_option(fd, SOL_SOCKET, SO_REUSEPORT, 1);
	if (t->transport == TCP || t->transport == TLS) {
		set_option(fd, SOL_SOCKET, SO_REUSEADDR, 1);
		set_option(fd, IPPROTO_TCP, TCP_NODELAY, 1); /* what is accepted inherits it */
	}
	if (target_is_datagram(t)) {
		set_option(fd, SOL_SOCKET, SO_RCVBUF, DATAGRAM_BUFFER);
		set_option(fd, SOL_SOCKET, SO_SNDBUF, DATAGRAM_BUFFER);
	}
	if (!target_is_ip(t))
		unlink(((const struct sockaddr_un *)&t->address)->sun_path);
	if (bind(fd, (const struct sockaddr *)&t->address, t->size) < 0)
		die("bind");
	if (!target_is_datagram(t) && listen(fd, BACKLOG) < 0)
		die("listen");
	return fd;
}

void
raise_descriptor_limit(void)
{
	struct rlimit limit;

	if (getrlimit(RLIMIT_NOFILE, &limit) < 0)
		die("getrlimit");
	limit.rlim_cur = limit.rlim_max;
	if (setrlimit(RLIMIT_NOFILE, &limit) < 0)
		die("setrlimit");
}
