/* The sockets of a snapshot: what the net floor binds, and what systemd passed. The passed ones stay open
 * here until the end: systemd holds them too, and whoever connects while we drain waits for the next sockd
 * instead of being refused. */
#include "supervisor/snapshot_build.h"

#include <errno.h>

#include "control/snapshot.h"
#include "net/files.h"
#include "net/listen.h"
#include "net/passed.h"

struct snapshot_sockets {
	struct net_passed *passed; /* owned */
	struct net_files *files;   /* owned: the socket files that are ours */
};

int
snapshot_build_sockets(
	struct snapshot *s, struct cfg_report *report, struct snapshot_sockets **ret, struct err *e)
{
	struct snapshot_sockets *sockets = mem_new(*sockets);
	int r;

	if (sockets == NULL)
		return err_set(e, -ENOMEM, "no memory for the sockets");
	r = net_passed_open(&sockets->passed, e);
	if (r == 0)
		r = net_listen_all(s->config, s->loops, sockets->passed, report, s, &sockets->files);
	if (r < 0) {
		snapshot_sockets_free(sockets);
		return r;
	}
	net_passed_warn_unused(sockets->passed, report);
	*ret = sockets;
	return 0;
}

int
snapshot_check_sockets(const struct config *config, struct cfg_report *report, struct err *e)
{
	int r = net_check_all(config, report);

	if (r == -ENOMEM)
		return err_set(e, r, "no memory to check the sockets");
	return 0; /* what was found is in the report */
}

void
snapshot_sockets_free(struct snapshot_sockets *sockets)
{
	if (sockets == NULL)
		return;
	net_files_remove(sockets->files);
	net_passed_free(sockets->passed);
	free(sockets);
}
