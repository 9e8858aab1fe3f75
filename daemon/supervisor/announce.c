/* Socat, because it speaks all four transports. A unix datagram client has to be bound to be answered, hence
 * the longer command; `$$` is the shell's, so two people can try at once. */
#include "supervisor/announce.h"

#include <netinet/in.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "base/log.h"
#include "control/snapshot.h"
#include "net/addr.h"

struct announcement {
	char *listener, *plugin; /* owned */
	enum cfg_transport transport;
	bool tls;
	struct sockaddr_storage local;
	socklen_t size;
};

struct announce {
	size_t count;
	struct announcement items[];
};

/* Nobody connects to a wildcard: loopback stands for it. */
static struct sockaddr_storage
reachable(const struct sockaddr_storage *local)
{
	struct sockaddr_storage address = *local;
	struct sockaddr_in *in = (struct sockaddr_in *)&address;
	struct sockaddr_in6 *in6 = (struct sockaddr_in6 *)&address;

	if (local->ss_family == AF_INET && in->sin_addr.s_addr == htonl(INADDR_ANY))
		in->sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	if (local->ss_family == AF_INET6 && IN6_IS_ADDR_UNSPECIFIED(&in6->sin6_addr))
		in6->sin6_addr = in6addr_loopback;
	return address;
}

void
announce_try(enum cfg_transport transport, const struct sockaddr_storage *local, socklen_t size,
	char text[ANNOUNCE_TRY_SIZE])
{
	struct sockaddr_storage address = reachable(local);
	char where[NET_ADDR_TEXT_SIZE];
	bool abstract;

	net_addr_text(&address, size, where, sizeof where);
	abstract = where[0] == '@';
	if (transport == CFG_TCP || transport == CFG_UDP)
		snprintf(text, ANNOUNCE_TRY_SIZE, "socat - %s%s:%s", transport == CFG_TCP ? "TCP" : "UDP",
			where[0] == '[' ? "6" : "", where);
	else if (transport == CFG_UNIX)
		snprintf(text, ANNOUNCE_TRY_SIZE, "socat - %s:%s",
			abstract ? "ABSTRACT-CONNECT" : "UNIX-CONNECT", where + abstract);
	else
		snprintf(text, ANNOUNCE_TRY_SIZE, "socat - %s:%s,bind=%s",
			abstract ? "ABSTRACT-SENDTO" : "UNIX-SENDTO", where + abstract,
			abstract ? "sockd-try-$$" : "/tmp/sockd-try-$$");
}

void
announce_try_tls(enum cfg_transport transport, const struct sockaddr_storage *local, socklen_t size,
	char text[ANNOUNCE_TRY_SIZE])
{
	struct sockaddr_storage address = reachable(local);
	char where[NET_ADDR_TEXT_SIZE];

	net_addr_text(&address, size, where, sizeof where);
	if (transport == CFG_TCP)
		snprintf(text, ANNOUNCE_TRY_SIZE, "openssl s_client -quiet -connect %s", where);
	else if (where[0] == '@')
		snprintf(text, ANNOUNCE_TRY_SIZE, "a TLS client that takes abstract names");
	else
		snprintf(text, ANNOUNCE_TRY_SIZE, "openssl s_client -quiet -unix %s", where);
}

struct announce *
announce_new(const struct snapshot *snapshot)
{
	struct announce *a = calloc(1, sizeof *a + snapshot->socket_count * sizeof a->items[0]);

	if (a == NULL)
		return NULL;
	for (size_t i = 0; i < snapshot->socket_count; i++) {
		const struct snapshot_socket *from = &snapshot->sockets[i];
		const struct cfg_listener *l = &snapshot->config->listeners[from->listener];
		struct announcement *to = &a->items[a->count];

		if (from->member > 0)
			continue; /* another socket of the same address */
		a->count++;
		*to = (struct announcement){
			.listener = strdup(l->name),
			.plugin = strdup(l->plugin),
			.transport = from->transport,
			.tls = l->tls.tls != NULL && !l->tls.by_handler,
			.local = from->local,
			.size = from->local_size,
		};
		if (to->listener == NULL || to->plugin == NULL) {
			announce_free(a);
			return NULL;
		}
	}
	return a;
}

void
announce_free(struct announce *a)
{
	if (a == NULL)
		return;
	for (size_t i = 0; i < a->count; i++) {
		free(a->items[i].listener);
		free(a->items[i].plugin);
	}
	free(a);
}

static bool
is_known(const struct announce *a, const struct announcement *it)
{
	for (size_t i = 0; a != NULL && i < a->count; i++) {
		const struct announcement *known = &a->items[i];

		if (strcmp(known->listener, it->listener) == 0 && known->transport == it->transport &&
			known->size == it->size && memcmp(&known->local, &it->local, it->size) == 0)
			return true;
	}
	return false;
}

void
announce_log(const struct announce *a, const struct announce *before,
	void (*tell)(void *arg, const char *event, const char *text), void *arg)
{
	for (size_t i = 0; i < a->count; i++) {
		const struct announcement *it = &a->items[i];
		char url[NET_ADDR_TEXT_SIZE];

		if (is_known(before, it))
			continue;
		net_url_text(it->transport, &it->local, it->size, url, sizeof url);
		log_notice("listening", LOG_S("listener", it->listener), LOG_S("address", url),
			LOG_S("plugin", it->plugin));
		tell(arg, "listening", url);
	}
}

void
announce_print(const struct announce *a, FILE *out)
{
	for (size_t i = 0; i < a->count; i++) {
		const struct announcement *it = &a->items[i];
		char where[NET_ADDR_TEXT_SIZE], try[ANNOUNCE_TRY_SIZE];

		net_addr_text(&it->local, it->size, where, sizeof where);
		(it->tls ? announce_try_tls : announce_try)(it->transport, &it->local, it->size, try);
		fprintf(out, "listening %s %s -> %s (try: %s)\n", cfg_transport_name(it->transport), where,
			it->listener, try);
	}
	if (a->count > 0)
		fputs("Ctrl-C drains\n", out);
	fflush(out);
}
