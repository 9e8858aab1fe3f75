/* Which sockets go where is settled before anything is bound, in two rounds, so that no listener takes what
 * another has a better claim to: first every address that the same listener had before, then every address
 * that some listener had. An address that is only spelled in another way shows when it would be bound.
 *
 * An option is set only if its key changed: what an administrator did to a socket file by hand is not ours to
 * correct. */
#include "net/reuse.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/un.h>
#include <unistd.h>

#include "config/diff.h"
#include "net/files.h"
#include "net/options.h"
#include "net/overlap.h"
#include "net/unix_file.h"

enum { NOBODY = -1, TAKEN = -2 };

struct old {
	struct snapshot_socket socket;      /* its descriptor is borrowed */
	int listener, address;              /* in the next configuration; NOBODY, TAKEN */
	const struct cfg_listener *changed; /* whose options were set; NULL: none were */
	bool shared;                        /* another may be bound beside it, */
	bool lent;                          /* which was not so before */
};

struct net_reuse {
	const struct config *config; /* of the sockets */
	struct net_files *files;
	struct old *olds; /* owned */
	size_t count;
};

static const struct cfg_listener *
old_listener(const struct net_reuse *r, const struct old *o)
{
	return &r->config->listeners[o->socket.listener];
}

static const struct cfg_address *
old_address(const struct net_reuse *r, const struct old *o)
{
	return &old_listener(r, o)->addresses[o->socket.address];
}

/* ---- who gets which ---- */

/* The sockets of the same old address as @p first go along with it. */
static void
claim(struct net_reuse *r, const struct old *first, int listener, int address)
{
	for (size_t i = 0; i < r->count; i++)
		if (r->olds[i].socket.listener == first->socket.listener &&
			r->olds[i].socket.address == first->socket.address) {
			r->olds[i].listener = listener;
			r->olds[i].address = address;
		}
}

static bool
is_claimed(const struct net_reuse *r, int listener, int address)
{
	for (size_t i = 0; i < r->count; i++)
		if (r->olds[i].listener == listener && r->olds[i].address == address)
			return true;
	return false;
}

static void
claim_address(struct net_reuse *r, const struct config *next, int listener, int address, bool by_name)
{
	const struct cfg_listener *l = &next->listeners[listener];
	const struct cfg_address *a = &l->addresses[address];

	if (a->transport == CFG_PASSED || is_claimed(r, listener, address))
		return;
	for (size_t i = 0; i < r->count; i++) {
		const struct old *o = &r->olds[i];

		if (o->listener != NOBODY || strcmp(old_address(r, o)->url, a->url) != 0)
			continue;
		if (by_name && strcmp(old_listener(r, o)->name, l->name) != 0)
			continue;
		claim(r, o, listener, address);
		return;
	}
}

int
net_reuse_new(const struct snapshot *now, const struct config *next, struct net_files *files,
	struct net_reuse **ret)
{
	struct net_reuse *r = mem_new(*r);

	if (r == NULL)
		return -ENOMEM;
	*r = (struct net_reuse){ .config = now->config, .files = files };
	r->olds = calloc(now->socket_count + 1, sizeof *r->olds);
	if (r->olds == NULL) {
		free(r);
		return -ENOMEM;
	}
	for (size_t i = 0; i < now->socket_count; i++) {
		struct old *o = &r->olds[r->count];

		*o = (struct old){ .socket = now->sockets[i], .listener = NOBODY, .address = NOBODY };
		r->count += old_address(r, o)->transport != CFG_PASSED;
	}
	for (int round = 0; round < 2; round++)
		for (size_t i = 0; i < next->listener_count; i++)
			for (size_t k = 0; k < next->listeners[i].address_count; k++)
				claim_address(r, next, (int)i, (int)k, round == 0);
	*ret = r;
	return 0;
}

void
net_reuse_free(struct net_reuse *r)
{
	if (r == NULL)
		return;
	free(r->olds);
	free(r);
}

/* ---- options of bound sockets ---- */

static bool
key_begins(const struct key *key, const char *prefix)
{
	return strncmp(key->name, prefix, strlen(prefix)) == 0;
}

static bool
options_are_same(const struct cfg_listener *a, const struct cfg_listener *b)
{
	for (size_t i = 0; i < key_table_listener.count; i++) {
		const struct key *key = &key_table_listener.keys[i];

		if ((key_begins(key, "socket.") || key_begins(key, "backlog")) && key->reload < KEY_UPGRADE &&
			!cfg_value_is_same(key, a, b))
			return false;
	}
	return true;
}

static const char *
path_of(const struct snapshot_socket *s)
{
	const struct sockaddr_un *un = (const struct sockaddr_un *)&s->local;

	return s->local.ss_family == AF_UNIX && s->local_size > sizeof(sa_family_t) ? un->sun_path : "";
}

static int
set_unix_options(
	struct net_reuse *r, const struct net_request *q, const struct snapshot_socket *s, struct err *e)
{
	const char *path = path_of(s);
	int pin = path[0] != '\0' ? net_files_pin(r->files, path) : -1;

	return pin >= 0 && q->rights != NULL ? unix_file_give_rights(q, pin, e) : 0;
}

static int
set_options(struct net_reuse *r, const struct net_request *q, const struct snapshot_socket *s, struct err *e)
{
	int code = options_buffers(q, s->fd, e);

	if (code == 0 && s->transport == CFG_TCP)
		code = options_tcp(q, s->fd, e);
	if (code == 0 && s->local.ss_family == AF_UNIX)
		code = set_unix_options(r, q, s, e);
	/* On a socket that listens it only changes how many may wait. */
	if (code == 0 && !cfg_transport_is_datagram(s->transport) && listen(s->fd, q->listener->backlog) < 0)
		code = err_errno(e, "cannot change 'backlog'");
	return code;
}

/* ---- handing out ---- */

static int
take(struct net_reuse *r, struct old *o, const struct net_request *q, struct err *e)
{
	const struct snapshot_socket *s = &o->socket;
	int fd, code = 0;

	if (!options_are_same(old_listener(r, o), q->listener)) {
		o->changed = q->listener;
		code = set_options(r, q, s, e);
	}
	if (code < 0)
		return code;
	fd = fcntl(s->fd, F_DUPFD_CLOEXEC, 0);
	if (fd < 0)
		return err_errno(e, "cannot duplicate a socket");
	o->listener = o->address = TAKEN;
	return net_sockets_add(q, s->transport, s->member, fd, e);
}

int
net_reuse_take(struct net_reuse *r, const struct net_request *q, struct err *e)
{
	int found = 0;

	for (size_t i = 0; r != NULL && i < r->count; i++) {
		struct old *o = &r->olds[i];
		int code;

		if (o->listener != (int)q->listener_index || o->address != (int)q->address_index)
			continue;
		code = take(r, o, q, e);
		if (code < 0)
			return code;
		found = 1;
	}
	return found;
}

int
net_reuse_take_at(struct net_reuse *r, const struct net_request *q, const struct sockaddr_storage *at,
	socklen_t size, struct err *e)
{
	int found = 0;

	for (size_t i = 0; r != NULL && i < r->count; i++) {
		struct old *o = &r->olds[i];
		const struct snapshot_socket *s = &o->socket;
		int code;

		if (o->listener != NOBODY || s->transport != q->address->transport || s->local_size != size ||
			memcmp(&s->local, at, size) != 0)
			continue;
		if (o->shared)
			return err_set(e, -EADDRINUSE, "'%s' overlaps with another address of this file",
				q->address->url);
		code = take(r, o, q, e);
		if (code < 0)
			return code;
		found = 1;
	}
	return found;
}

bool
net_reuse_share(struct net_reuse *r, enum cfg_transport transport, unsigned port)
{
	bool any = false;

	for (size_t i = 0; r != NULL && i < r->count; i++) {
		struct old *o = &r->olds[i];

		if (o->listener != NOBODY || o->socket.transport != transport || port == 0 ||
			overlap_port(&o->socket.local) != port)
			continue;
		o->lent = o->lent || !overlap_is_allowed(o->socket.fd);
		o->shared = overlap_allow(o->socket.fd, true) == 0;
		any = any || o->shared;
	}
	return any;
}

bool
net_reuse_gives_up(const struct net_reuse *r, const char *path)
{
	for (size_t i = 0; r != NULL && i < r->count; i++)
		if (r->olds[i].listener == NOBODY && strcmp(path_of(&r->olds[i].socket), path) == 0)
			return true;
	return false;
}

void
net_reuse_undo(struct net_reuse *r)
{
	for (size_t i = 0; r != NULL && i < r->count; i++) {
		struct old *o = &r->olds[i];
		struct cfg_report nowhere = { 0 };
		struct unix_rights rights;
		const struct net_request q = { .listener = old_listener(r, o),
			.address = old_address(r, o),
			.rights = &rights,
			.report = &nowhere };

		if (o->changed != NULL && (o->socket.local.ss_family != AF_UNIX ||
						  unix_rights_resolve(q.listener, &nowhere, &rights) == 0))
			(void)set_options(r, &q, &o->socket, NULL);
		if (o->lent && overlap_allow(o->socket.fd, false) == 0)
			o->lent = o->shared = false;
		o->changed = NULL;
		cfg_report_fini(&nowhere);
	}
}
