/* Two listeners on one address, and other values that exclude each other. The address rules are those of
 * Linux: a wildcard holds its port for every address of its family, an IPv6 wildcard that is not ipv6_only
 * for IPv4 too, and sockets bound to different devices never meet. */
#include "config/check.h"

#include <arpa/inet.h>
#include <errno.h>
#include <string.h>
#include <strings.h>

#include "config/check_guard.h"
#include "config/gather.h"
#include "config/key.h"

/* What an inet address takes of a family: nothing, all addresses, or one. */
enum cover { COVER_NONE, COVER_ONE, COVER_ANY };

struct claim {
	const struct cfg_listener *listener;
	const struct cfg_address *address;
	enum cover v4_cover, v6_cover;
	struct in_addr v4;
	struct in6_addr v6;
	const char *v6_zone;
};

static void
claim_inet(struct claim *c)
{
	const struct cfg_address *a = c->address;
	bool dual =
		!c->listener->socket.ipv6_only && a->family == AF_INET6 && strncmp(a->url + 3, "6:", 2) != 0;
	char host[INET6_ADDRSTRLEN + 1] = "";
	size_t size = strcspn(a->host, "%");

	if (size < sizeof host)
		memcpy(host, a->host, size);
	if (a->host[0] == '\0' || strcmp(a->host, "*") == 0) {
		c->v4_cover =
			a->family == AF_INET || (a->family == AF_UNSPEC && !c->listener->socket.ipv6_only)
				? COVER_ANY
				: COVER_NONE;
		c->v6_cover = a->family != AF_INET ? COVER_ANY : COVER_NONE;
	} else if (inet_pton(AF_INET, host, &c->v4) == 1)
		c->v4_cover = c->v4.s_addr == INADDR_ANY ? COVER_ANY : COVER_ONE;
	else if (inet_pton(AF_INET6, host, &c->v6) == 1) {
		c->v6_zone = a->host + size;
		c->v6_cover = IN6_IS_ADDR_UNSPECIFIED(&c->v6) ? COVER_ANY : COVER_ONE;
		if (c->v6_cover == COVER_ANY && dual)
			c->v4_cover = COVER_ANY;
		if (IN6_IS_ADDR_V4MAPPED(&c->v6)) {
			memcpy(&c->v4, c->v6.s6_addr + 12, sizeof c->v4);
			c->v6_cover = COVER_NONE;
			c->v4_cover = COVER_ONE;
		}
	}
}

/* A host name is not resolved here: it only meets itself. */
static bool
inet_meets(const struct claim *a, const struct claim *b)
{
	const char *a_device = a->listener->socket.device, *b_device = b->listener->socket.device;

	if (a->address->port != b->address->port || a->address->port == 0)
		return false;
	if (a_device[0] != '\0' && b_device[0] != '\0' && strcmp(a_device, b_device) != 0)
		return false;
	if (a->v4_cover != COVER_NONE && b->v4_cover != COVER_NONE &&
		(a->v4_cover == COVER_ANY || b->v4_cover == COVER_ANY || a->v4.s_addr == b->v4.s_addr))
		return true;
	if (a->v6_cover != COVER_NONE && b->v6_cover != COVER_NONE)
		return a->v6_cover == COVER_ANY || b->v6_cover == COVER_ANY ||
		       (IN6_ARE_ADDR_EQUAL(&a->v6, &b->v6) && strcmp(a->v6_zone, b->v6_zone) == 0);
	return a->v4_cover == COVER_NONE && a->v6_cover == COVER_NONE && b->v4_cover == COVER_NONE &&
	       b->v6_cover == COVER_NONE && a->address->family == b->address->family &&
	       strcasecmp(a->address->host, b->address->host) == 0;
}

/* Equal but for doubled slashes and "/./". */
static bool
path_is_same(const char *a, const char *b)
{
	for (;;) {
		while (a[0] == '/' && (a[1] == '/' || (a[1] == '.' && a[2] == '/')))
			a += a[1] == '/' ? 1 : 2;
		while (b[0] == '/' && (b[1] == '/' || (b[1] == '.' && b[2] == '/')))
			b += b[1] == '/' ? 1 : 2;
		if (*a != *b)
			return false;
		if (*a == '\0')
			return true;
		a++;
		b++;
	}
}

static bool
claims_meet(const struct claim *a, const struct claim *b)
{
	enum cfg_transport t = a->address->transport, u = b->address->transport;

	if (t == CFG_PASSED || u == CFG_PASSED)
		return t == u && strcmp(a->address->fd_name, b->address->fd_name) == 0;
	if (t == CFG_TCP || t == CFG_UDP)
		return t == u && inet_meets(a, b);
	if (u == CFG_TCP || u == CFG_UDP || a->address->abstract != b->address->abstract)
		return false;
	if (a->address->abstract) /* the kernel keeps one space of names for each socket type */
		return t == u && strcmp(a->address->path, b->address->path) == 0;
	return path_is_same(a->address->path, b->address->path);
}

static int
check_addresses(const struct config *c, struct cfg_report *report)
{
	auto_of(gather) struct gather claims = { 0 };
	const struct claim *all;

	for (size_t i = 0; i < c->listener_count; i++) {
		for (size_t j = 0; j < c->listeners[i].address_count; j++) {
			struct claim *claim = gather_next(&claims, sizeof *claim);

			if (claim == NULL)
				return cfg_report_no_memory(report);
			*claim = (struct claim){ .listener = &c->listeners[i],
				.address = &c->listeners[i].addresses[j] };
			if (claim->address->transport == CFG_TCP || claim->address->transport == CFG_UDP)
				claim_inet(claim);
		}
	}
	all = claims.at;
	if (claims.count > CHECK_ADDRESSES_MAX) {
		cfg_report_error(report, &all[CHECK_ADDRESSES_MAX].address->place, "more than %d addresses",
			CHECK_ADDRESSES_MAX);
		return 0;
	}
	for (size_t i = 1; i < claims.count; i++) {
		for (size_t j = 0; j < i; j++) {
			const struct cfg_place *other = &all[j].address->place;

			if (!claims_meet(&all[i], &all[j]))
				continue;
			cfg_report_error(report, &all[i].address->place,
				"%s is taken by %s of listener '%s' at %s:%d:%d; each needs an address of "
				"its own",
				all[i].address->url, all[j].address->url, all[j].listener->name, other->file,
				other->line, other->column);
			break;
		}
	}
	return 0;
}

enum { DATAGRAM_BUFFER_MAX = 1024 * 1024 };

static void
check_buffer(const struct cfg_listener *l, const char *key, int64_t value, struct cfg_report *report)
{
	const struct cfg_origin *origin = key_origin(&key_table_listener, l->origins, key);
	bool datagrams = l->address_count > 0;

	for (size_t i = 0; i < l->address_count; i++)
		datagrams = datagrams && cfg_transport_is_datagram(l->addresses[i].transport);
	if (datagrams && value > DATAGRAM_BUFFER_MAX && origin->kind == CFG_FROM_FILE)
		cfg_report_error(report, &origin->place,
			"'%s': more than 1MiB for one datagram in listener '%s'; write 4KiB to 1MiB", key,
			l->name);
}

static void
check_shutdown(const struct cfg_daemon *d, struct cfg_report *report)
{
	const struct cfg_origin *spread = key_origin(&key_table_daemon, d->origins, "shutdown.spread");

	if (d->shutdown_spread_ms > d->shutdown_timeout_ms)
		cfg_report_error(report, spread->kind != CFG_FROM_DEFAULT ? &spread->place : NULL,
			"'shutdown.spread' is longer than 'shutdown.timeout': connections would be cut "
			"before their turn");
}

int
check_config(const struct config *c, struct cfg_report *report)
{
	check_shutdown(&c->daemon, report);
	for (size_t i = 0; i < c->listener_count; i++) {
		check_buffer(&c->listeners[i], "buffers.read", c->listeners[i].read_buffer, report);
		check_buffer(&c->listeners[i], "buffers.write", c->listeners[i].write_buffer, report);
		check_guard(&c->listeners[i], report);
	}
	return check_addresses(c, report);
}
