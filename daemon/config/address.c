/* One row a scheme. What a URL may look like is decided here; whether its host exists, its device is up or
 * its path can be bound is for those who try. */
#include "config/address.h"

#include <errno.h>
#include <string.h>
#include <strings.h>
#include <sys/socket.h>

#include "base/parse.h"

struct scheme {
	const char *name;
	enum cfg_transport transport;
	int family;
	int (*parse)(const struct scheme *scheme, const char *rest, struct arena *arena,
		struct cfg_address *a, struct err *e);
};

static int
copy_span(struct arena *arena, struct parse_span span, const char **ret, struct err *e)
{
	*ret = arena_copy(arena, span.at, span.size);
	return *ret != NULL ? 0 : err_set(e, -ENOMEM, "out of memory");
}

static int
parse_inet(const struct scheme *scheme, const char *rest, struct arena *arena, struct cfg_address *a,
	struct err *e)
{
	enum parse_family family;
	struct parse_span host;
	int r;

	if (strncmp(rest, "//", 2) != 0)
		return err_set(e, -EINVAL, "'//' is missing; write %s://HOST:PORT", scheme->name);
	r = parse_host_port(rest + 2, &host, &family, &a->port, e);
	if (r < 0)
		return r;
	a->family = scheme->family;
	if (family != PARSE_NAME) {
		a->family = family == PARSE_IPV4 ? AF_INET : AF_INET6;
		if (scheme->family != AF_UNSPEC && scheme->family != a->family)
			return err_set(e, -EINVAL, "%s does not take an %s address; write %.3s%c://",
				scheme->name, family == PARSE_IPV4 ? "IPv4" : "IPv6", scheme->name,
				family == PARSE_IPV4 ? '4' : '6');
	}
	return copy_span(arena, host, &a->host, e);
}

static int
parse_path(const struct scheme *scheme, const char *rest, struct arena *arena, struct cfg_address *a,
	struct err *e)
{
	size_t size;

	if (rest[0] == '@') {
		a->abstract = true;
		rest++;
	} else if (strncmp(rest, "///", 3) == 0)
		rest += 2;
	else
		return err_set(e, -EINVAL,
			"the path of a unix socket has to be absolute; write %s:///%s, or %s:@NAME",
			scheme->name, strspn(rest, "/") <= 2 ? rest + strspn(rest, "/") : "PATH",
			scheme->name);
	size = strlen(rest);
	if (size > ADDRESS_PATH_MAX)
		return err_set(e, -EINVAL, "the %s has %zu bytes; a unix socket takes at most %d",
			a->abstract ? "name" : "path", size, ADDRESS_PATH_MAX);
	if (size == 0)
		return err_set(e, -EINVAL, "the name behind the '@' is missing");
	if (!a->abstract && rest[size - 1] == '/')
		return err_set(e, -EINVAL, "'%s' is a folder; write the path of the socket itself", rest);
	return copy_span(arena, (struct parse_span){ rest, size }, &a->path, e);
}

static int
parse_passed(const struct scheme *scheme, const char *rest, struct arena *arena, struct cfg_address *a,
	struct err *e)
{
	(void)scheme;
	if (*rest == '\0')
		return err_set(e, -EINVAL,
			"the name behind 'systemd:' is missing (FileDescriptorName= of the socket unit)");
	if (strlen(rest) > 255 || strchr(rest, ':') != NULL || strncmp(rest, "//", 2) == 0)
		return err_set(e, -EINVAL, "'%.80s' is not a descriptor name; write systemd:NAME", rest);
	if (strncmp(rest, CFG_STORED_PREFIX, strlen(CFG_STORED_PREFIX)) == 0)
		return err_set(e, -EINVAL,
			"names that begin with '" CFG_STORED_PREFIX
			"' are those of sockets that sockd itself leaves with systemd; use another name");
	return copy_span(arena, (struct parse_span){ rest, strlen(rest) }, &a->fd_name, e);
}

static const struct scheme schemes[] = {
	{ "tcp", CFG_TCP, AF_UNSPEC, parse_inet },
	{ "tcp4", CFG_TCP, AF_INET, parse_inet },
	{ "tcp6", CFG_TCP, AF_INET6, parse_inet },
	{ "udp", CFG_UDP, AF_UNSPEC, parse_inet },
	{ "udp4", CFG_UDP, AF_INET, parse_inet },
	{ "udp6", CFG_UDP, AF_INET6, parse_inet },
	{ "unix", CFG_UNIX, AF_UNIX, parse_path },
	{ "unixgram", CFG_UNIXGRAM, AF_UNIX, parse_path },
	{ "systemd", CFG_PASSED, AF_UNSPEC, parse_passed },
};

static const struct scheme *
find_scheme(struct parse_span name)
{
	for (size_t i = 0; i < array_len(schemes); i++)
		if (parse_span_is(name, schemes[i].name))
			return &schemes[i];
	return NULL;
}

static int
unknown_scheme(struct parse_span name, const char *rest, struct err *e)
{
	const char *names[array_len(schemes)], *nearest = NULL;
	char word[32];

	if (*rest != '\0' && rest[strspn(rest, "0123456789")] == '\0')
		return err_set(e, -EINVAL, "the scheme is missing; write tcp://%.*s:%.8s",
			(int)(name.size < 80 ? name.size : 80), name.at, rest);
	if (name.size < sizeof word) {
		memcpy(word, name.at, name.size);
		word[name.size] = '\0';
		for (size_t i = 0; i < array_len(schemes); i++) {
			names[i] = schemes[i].name;
			if (strcasecmp(word, names[i]) == 0)
				nearest = names[i];
		}
		if (nearest == NULL)
			nearest = parse_nearest(word, names, array_len(names));
	}
	return err_set(e, -EINVAL,
		"unknown scheme '%.*s'%s%s%s (there are tcp tcp4 tcp6 udp udp4 udp6 unix unixgram systemd)",
		(int)(name.size < 40 ? name.size : 40), name.at, nearest != NULL ? "; did you mean '" : "",
		nearest != NULL ? nearest : "", nearest != NULL ? "'?" : "");
}

int
address_parse(const char *url, struct arena *arena, struct cfg_address *ret, struct err *e)
{
	struct cfg_address a = { 0 };
	const struct scheme *scheme;
	struct parse_span name;
	const char *rest;
	int r;

	for (const char *at = url; *at != '\0'; at++)
		if ((unsigned char)*at < 0x20 || *at == 0x7f)
			return err_set(e, -EINVAL, "a control character cannot be part of an address");
	r = parse_scheme(url, &name, &rest, e);
	if (r < 0 && url[0] == '/')
		return err_set(e, r, "the scheme is missing; write unix://%.107s", url);
	if (r < 0)
		return err_set(e, r, "'%.80s' has no scheme; write such as tcp://127.0.0.1:7000", url);
	scheme = find_scheme(name);
	if (scheme == NULL)
		return unknown_scheme(name, rest, e);
	a.transport = scheme->transport;
	r = scheme->parse(scheme, rest, arena, &a, e);
	if (r == 0)
		r = copy_span(arena, (struct parse_span){ url, strlen(url) }, &a.url, e);
	if (r == 0)
		*ret = a;
	return r;
}

unsigned
address_transport(const char *url)
{
	const struct scheme *scheme;
	struct parse_span name;
	const char *rest;

	if (parse_scheme(url, &name, &rest, NULL) < 0)
		return 0;
	scheme = find_scheme(name);
	return scheme != NULL ? 1u << scheme->transport : 0;
}
