/* What a new program does when it is asked whether it could take over: read all that there is, as the
 * descriptors' stand-ins allow. Nothing that it reads is its own: socket files stay, workers are not spoken
 * to. */
#include <errno.h>
#include <unistd.h>

#include "supervisor/admin.h"
#include "supervisor/admin_socket.h"
#include "supervisor/adopt.h"
#include "supervisor/bans_give.h"
#include "supervisor/generations.h"
#include "supervisor/held_keys.h"
#include "supervisor/holds.h"
#include "supervisor/snapshot_build.h"
#include "supervisor/supervisor.h"

static int
read_sockets(struct state_reader *r, struct err *e)
{
	struct admin_socket admin = { .fd = -1 };
	struct snapshot_sockets *sockets = NULL;
	int code = snapshot_sockets_unpack(r, &sockets);

	if (code == 0)
		code = admin_socket_unpack(r, &admin);
	admin_socket_fini(&admin);
	snapshot_sockets_free(sockets);
	return code == 0 ? 0 : err_set(e, code, "the sockets in the state are not understood");
}

static int
read_orders(struct state_reader *r, struct err *e)
{
	struct ban_list bans = { 0 };
	struct holds holds = { 0 };
	int code = bans_unpack(r, &bans);

	if (code == 0)
		code = holds_unpack(r, &holds);
	ban_list_fini(&bans);
	holds_fini(&holds);
	return code == 0 ? 0 : err_set(e, code, "the orders in the state are not understood");
}

static int
read_generations(struct state_reader *r, const struct supervisor_worker_ops *ops, struct err *e)
{
	struct generations *generations = NULL;
	int code = generations_new(&(struct generations_options){ .ops = ops }, &generations, e);

	if (code == 0)
		code = generations_adopt(generations, r, e);
	generations_free(generations);
	return code;
}

static int
read_clients(struct state_reader *r, struct err *e)
{
	struct held_keys held;

	if (r->version < STATE_WITH_CLIENTS)
		return 0;
	if (admin_adopt_clients(NULL, r) < 0)
		return err_set(e, -EBADMSG, "the clients in the state are not understood");
	(void)unpack_u32(&r->u); /* whether a reload is due is for later */
	if (!r->u.failed && r->u.at < r->u.end) {
		if (held_keys_unpack(&r->u, &held) < 0)
			return err_set(e, -EBADMSG, "the keys that wait, in the state, are not understood");
		held_keys_fini(&held);
	}
	return r->u.failed ? err_set(e, -EBADMSG, "the state is cut short") : 0;
}

int
supervisor_rehearse(int fd, const struct supervisor_worker_ops *ops, struct err *e)
{
	struct adopt adopt;
	int code = adopt_open(fd, true, NULL, &adopt, e);

	if (code < 0) {
		close(fd);
		return code;
	}
	code = read_sockets(&adopt.state, e);
	if (code == 0)
		code = read_orders(&adopt.state, e);
	if (code == 0)
		code = read_generations(&adopt.state, ops, e);
	if (code == 0)
		code = read_clients(&adopt.state, e);
	adopt_fini(&adopt);
	return code;
}
