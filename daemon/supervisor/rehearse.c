/* What a new program does when it is asked whether it could take over: read all that there is, as the
 * descriptors' stand-ins allow. */
#include <stdio.h>
#include <sysexits.h>

#include "base/leave.h"
#include "supervisor/admin_socket.h"
#include "supervisor/adopt.h"
#include "supervisor/exit_status.h"
#include "supervisor/generations.h"
#include "supervisor/bans_give.h"
#include "supervisor/holds.h"
#include "supervisor/snapshot_build.h"
#include "supervisor/supervisor.h"

/* As far as it can be done without the descriptors. */
static int
rehearse(struct adopt *adopt, const struct supervisor_worker_ops *ops, struct err *e)
{
	struct admin_socket admin = { .fd = -1 };
	struct snapshot_sockets *sockets = NULL;
	struct generations *generations = NULL;
	struct ban_list bans = { 0 };
	struct holds holds = { 0 };
	int code = snapshot_sockets_unpack(&adopt->state, &sockets);

	if (code == 0)
		code = admin_socket_unpack(&adopt->state, &admin);
	if (code < 0)
		return err_set(e, code, "the sockets in the state are not understood");
	code = bans_unpack(&adopt->state, &bans);
	if (code == 0)
		code = holds_unpack(&adopt->state, &holds);
	if (code < 0)
		return err_set(e, code, "the orders in the state are not understood");
	code = generations_new(&(struct generations_options){ .ops = ops }, &generations, e);
	return code == 0 ? generations_adopt(generations, &adopt->state, e) : code;
}

int
supervisor_rehearse(int fd, const struct supervisor_worker_ops *ops)
{
	struct err e = { 0 };
	struct adopt adopt;
	int code = adopt_open(fd, true, NULL, &adopt, &e);

	if (code == 0)
		code = rehearse(&adopt, ops, &e);
	if (code == 0) {
		/* Nothing of what it has read is given back: that would remove the running one's socket
		 * files. */
		fflush(NULL);
		leave_now(EX_OK);
	}
	fprintf(stderr, "%s\n", e.text);
	return exit_status(EXIT_PHASE_SYSTEM, code);
}
