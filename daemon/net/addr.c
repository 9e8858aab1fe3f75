/* One way of writing an address, so that the log, sockctl and a plugin all show the same text. Unix names are
 * bytes that somebody else chose: they are escaped here, once. */
#include "net/addr.h"

#include <arpa/inet.h>
#include <net/if.h>
#include <netinet/in.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/un.h>

#include "base/strbuf.h"

/* Text that is cut where its room ends: whole pieces only, and none after a cut. */
struct writer {
	char *text;
	size_t size, used;
	bool full;
};

static void
put(struct writer *w, const char *bytes, size_t count)
{
	if (w->full || w->used + count >= w->size) {
		w->full = true;
		return;
	}
	memcpy(w->text + w->used, bytes, count);
	w->used += count;
	w->text[w->used] = '\0';
}

static struct writer
writer_of(char *text, size_t size)
{
	if (size > 0)
		text[0] = '\0';
	return (struct writer){ .text = text, .size = size };
}

static void
put_escaped(struct writer *w, const char *bytes, size_t count)
{
	size_t step;

	for (size_t i = 0; i < count; i += step) {
		unsigned char c = (unsigned char)bytes[i];
		size_t whole = utf8_sequence((const unsigned char *)bytes + i, count - i);
		char escape[5];

		step = whole;
		if (whole > 0 && !utf8_is_control((const unsigned char *)bytes + i, whole) && c != '\\') {
			put(w, bytes + i, whole);
			continue;
		}
		step = 1;
		snprintf(escape, sizeof escape, "\\x%02x", c);
		put(w, escape, 4);
	}
}

static void
put_port(struct writer *w, in_port_t port)
{
	char text[8];

	put(w, text, (size_t)snprintf(text, sizeof text, ":%u", ntohs(port)));
}

static void
put_ipv4(struct writer *w, const void *address, in_port_t port)
{
	char host[INET_ADDRSTRLEN];

	inet_ntop(AF_INET, address, host, sizeof host);
	put(w, host, strlen(host));
	put_port(w, port);
}

/* The interface of a link-local address by name; by number when it is gone. */
static void
put_scope(struct writer *w, uint32_t scope)
{
	char name[IF_NAMESIZE], number[16];

	put(w, "%", 1);
	if (if_indextoname(scope, name) != NULL)
		put_escaped(w, name, strlen(name));
	else
		put(w, number, (size_t)snprintf(number, sizeof number, "%u", scope));
}

static void
put_ipv6(struct writer *w, const struct sockaddr_in6 *a)
{
	char host[INET6_ADDRSTRLEN];

	if (IN6_IS_ADDR_V4MAPPED(&a->sin6_addr)) {
		put_ipv4(w, &a->sin6_addr.s6_addr[12], a->sin6_port);
		return;
	}
	inet_ntop(AF_INET6, &a->sin6_addr, host, sizeof host);
	put(w, "[", 1);
	put(w, host, strlen(host));
	if (a->sin6_scope_id != 0)
		put_scope(w, a->sin6_scope_id);
	put(w, "]", 1);
	put_port(w, a->sin6_port);
}

static void
put_unix(struct writer *w, const struct sockaddr_un *a, socklen_t size)
{
	size_t length = size > offsetof(struct sockaddr_un, sun_path)
				? size - offsetof(struct sockaddr_un, sun_path)
				: 0;

	if (length > sizeof a->sun_path)
		length = sizeof a->sun_path;
	if (length == 0) {
		put(w, "unnamed", 7);
	} else if (a->sun_path[0] == '\0') {
		put(w, "@", 1);
		put_escaped(w, a->sun_path + 1, length - 1);
	} else {
		put_escaped(w, a->sun_path, strnlen(a->sun_path, length));
	}
}

static void
put_address(struct writer *w, const struct sockaddr_storage *a, socklen_t size)
{
	if (a == NULL || size < sizeof a->ss_family)
		put(w, "unnamed", 7);
	else if (a->ss_family == AF_INET)
		put_ipv4(w, &((const struct sockaddr_in *)a)->sin_addr,
			((const struct sockaddr_in *)a)->sin_port);
	else if (a->ss_family == AF_INET6)
		put_ipv6(w, (const struct sockaddr_in6 *)a);
	else if (a->ss_family == AF_UNIX)
		put_unix(w, (const struct sockaddr_un *)a, size);
	else
		put(w, "unknown", 7);
}

char *
net_addr_text(const struct sockaddr_storage *address, socklen_t address_size, char *text, size_t size)
{
	struct writer w = writer_of(text, size);

	put_address(&w, address, address_size);
	return text;
}

char *
net_url_text(enum cfg_transport transport, const struct sockaddr_storage *address, socklen_t address_size,
	char *text, size_t size)
{
	struct writer w = writer_of(text, size);
	const char *scheme = cfg_transport_name(transport);
	const struct sockaddr_un *un = (const struct sockaddr_un *)address;
	bool path = address->ss_family != AF_UNIX ||
		    (address_size > offsetof(struct sockaddr_un, sun_path) && un->sun_path[0] != '\0');

	put(&w, scheme, strlen(scheme));
	put(&w, path ? "://" : ":", path ? 3 : 1);
	put_address(&w, address, address_size);
	return text;
}
