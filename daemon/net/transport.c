/* The table, and the list that every row appends to. */
#include "net/transport.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/fdutil.h"

static const struct net_transport *const transports[] = {
	&net_tcp,
	&net_udp,
	&net_unix_stream,
	&net_unix_dgram,
};

_Static_assert(array_len(transports) == CFG_TRANSPORT_COUNT - 1, "a row for each transport but CFG_PASSED");

const struct net_transport *
net_transport_get(enum cfg_transport id)
{
	for (size_t i = 0; i < array_len(transports); i++)
		if (transports[i]->id == id)
			return transports[i];
	return NULL;
}

bool
net_is_shared(const struct net_request *q)
{
	return q->listener->socket.reuse_port == CFG_REUSE_PORT_YES ||
	       (q->address->transport == CFG_UDP && net_udp_members(q) > 1);
}

static int
make_room(struct net_sockets *s)
{
	size_t capacity = s->capacity > 0 ? s->capacity * 2 : 16;
	struct snapshot_socket *items;

	if (s->count < s->capacity)
		return 0;
	items = reallocarray(s->items, capacity, sizeof *items);
	if (items == NULL)
		return -ENOMEM;
	s->items = items;
	s->capacity = capacity;
	return 0;
}

int
net_sockets_add(
	const struct net_request *q, enum cfg_transport transport, unsigned member, int fd, struct err *e)
{
	auto_of(fd) int owned = fd;
	struct snapshot_socket socket = { .listener = q->listener_index,
		.address = q->address_index,
		.member = member,
		.transport = transport,
		.local_size = sizeof socket.local };

	if (make_room(q->sockets) < 0)
		return err_set(e, -ENOMEM, "out of memory");
	if (getsockname(owned, (struct sockaddr *)&socket.local, &socket.local_size) < 0)
		return err_errno(e, "cannot ask for the address of '%s'", q->address->url);
	socket.fd = fd_take(&owned);
	q->sockets->items[q->sockets->count++] = socket;
	return 0;
}

void
net_sockets_fini(struct net_sockets *s)
{
	for (size_t i = 0; i < s->count; i++)
		close(s->items[i].fd);
	free(s->items);
	*s = (struct net_sockets){ 0 };
}
