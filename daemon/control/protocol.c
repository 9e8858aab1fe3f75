/* Packing of what is more than a number. */
#include "control/protocol.h"

#include <errno.h>

#include "base/pack.h"
#include "control/occupancy.h"

void
protocol_hello_pack(struct strbuf *s)
{
	pack_u32(s, protocol_oldest);
	pack_u32(s, protocol_version);
}

int
protocol_hello_unpack(const void *body, size_t size, struct protocol_hello *ret)
{
	struct unpack u = UNPACK(body, size);
	struct protocol_hello hello = { .oldest = unpack_u32(&u) };

	hello.newest = unpack_u32(&u);
	if (u.failed || hello.oldest > hello.newest) /* what a later version adds is passed over */
		return -EBADMSG;
	*ret = hello;
	return 0;
}

int
protocol_choose(const struct protocol_hello *theirs, uint32_t *ret_version, struct err *e)
{
	uint32_t newest = theirs->newest < protocol_version ? theirs->newest : protocol_version;

	if (newest < theirs->oldest || newest < protocol_oldest)
		return err_set(e, -EPROTONOSUPPORT,
			"it speaks the control protocol in the versions %u to %u, this sockd in %u to %u; "
			"upgrade by way of a release in between",
			theirs->oldest, theirs->newest, protocol_oldest, protocol_version);
	*ret_version = newest;
	return 0;
}

void
protocol_start_pack(struct strbuf *s, const struct protocol_start *p)
{
	pack_u32(s, p->version);
	pack_u32(s, p->generation);
	pack_u32(s, p->seat);
	pack_u32(s, p->log_protocol);
	pack_u32(s, p->log_level);
	pack_u32(s, p->log_json);
	pack_u32(s, p->drop);
	pack_u32(s, p->uid);
	pack_u32(s, p->gid);
	pack_u32(s, p->group_count);
	for (uint32_t i = 0; i < p->group_count; i++)
		pack_u32(s, p->groups[i]);
}

int
protocol_start_unpack(struct unpack *u, struct protocol_start *ret)
{
	struct protocol_start p = { .version = unpack_u32(u) };
	uint32_t *groups;

	p.generation = unpack_u32(u);
	p.seat = unpack_u32(u);
	p.log_protocol = unpack_u32(u);
	p.log_level = unpack_u32(u);
	p.log_json = unpack_u32(u) != 0;
	p.drop = unpack_u32(u) != 0;
	p.uid = unpack_u32(u);
	p.gid = unpack_u32(u);
	p.group_count = unpack_count(u, 4);
	if (u->failed || p.seat >= OCCUPANCY_SEATS || p.group_count > PROTOCOL_GROUPS_MAX)
		return -EBADMSG;
	groups = calloc(p.group_count + 1, sizeof *groups);
	if (groups == NULL)
		return -ENOMEM;
	for (uint32_t i = 0; i < p.group_count; i++)
		groups[i] = unpack_u32(u);
	p.groups = groups;
	*ret = p;
	return 0;
}

void
protocol_start_fini(struct protocol_start *p)
{
	free((void *)(uintptr_t)p->groups);
	p->groups = NULL;
}
