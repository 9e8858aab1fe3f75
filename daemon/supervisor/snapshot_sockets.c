/* The sockets of a snapshot: what the net floor binds, and what systemd passed. The passed ones stay open
 * here until the end: systemd holds them too, and whoever connects while we drain waits for the next sockd
 * instead of being refused. */
#include "supervisor/snapshot_build.h"

#include <errno.h>
#include <string.h>
#include <sys/un.h>

#include "control/snapshot.h"
#include "net/files.h"
#include "net/listen.h"
#include "net/passed.h"
#include "net/reuse.h"
#include "supervisor/state.h"

struct snapshot_sockets {
	struct net_passed *passed; /* owned */
	struct net_files *files;   /* owned: the socket files that are ours */
	struct net_files *fresh;   /* owned: those of a snapshot that is not served yet */
	struct net_reuse *reuse;   /* owned, the same */
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
snapshot_renew_sockets(struct snapshot_sockets *sockets, const struct snapshot *now, struct snapshot *next,
	struct cfg_report *report, struct err *e)
{
	int code = net_reuse_new(now, next->config, sockets->files, &sockets->reuse);

	if (code < 0)
		return err_set(e, code, "no memory for the sockets");
	code = net_listen_next(
		next->config, next->loops, sockets->passed, sockets->reuse, report, next, &sockets->fresh);
	if (code == 0 && net_files_make_room(sockets->files, sockets->fresh) < 0)
		code = err_set(e, -ENOMEM, "no memory for the sockets");
	if (code < 0)
		snapshot_sockets_roll_back(sockets, true);
	return code;
}

static bool
has_socket_at(const void *arg, const char *path)
{
	const struct snapshot *s = arg;

	for (size_t i = 0; i < s->socket_count; i++) {
		const struct sockaddr_un *un = (const struct sockaddr_un *)&s->sockets[i].local;

		if (un->sun_family == AF_UNIX && strcmp(un->sun_path, path) == 0)
			return true;
	}
	return false;
}

void
snapshot_sockets_commit(struct snapshot_sockets *sockets, const struct snapshot *next)
{
	net_files_weed(sockets->files, has_socket_at, next);
	net_files_join(sockets->files, sockets->fresh);
	sockets->fresh = NULL;
	net_reuse_free(sockets->reuse);
	sockets->reuse = NULL;
}

void
snapshot_sockets_roll_back(struct snapshot_sockets *sockets, bool open)
{
	net_files_remove(sockets->fresh);
	sockets->fresh = NULL;
	if (open)
		net_reuse_undo(sockets->reuse);
	net_reuse_free(sockets->reuse);
	sockets->reuse = NULL;
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
snapshot_sockets_pack(struct state_writer *w, const struct snapshot_sockets *sockets)
{
	const char *name;
	int fd;

	for (size_t i = 0; net_passed_get(sockets->passed, i, &name, &fd); i++) {
		pack_text(&w->body, name);
		state_add_fd(w, fd);
	}
	pack_text(&w->body, NULL);
	state_pack_files(w, sockets->files);
}

int
snapshot_sockets_unpack(struct state_reader *r, struct snapshot_sockets **ret)
{
	struct snapshot_sockets *s = mem_new(*s);
	const char *name;
	int code = -ENOMEM;

	if (s == NULL)
		return -ENOMEM;
	s->passed = net_passed_new();
	if (s->passed != NULL)
		code = 0;
	while (code == 0 && (name = unpack_text(&r->u)) != NULL) {
		int fd = state_take_fd(r);

		code = fd < 0 ? -EBADMSG : net_passed_add(s->passed, name, fd);
	}
	if (code == 0)
		code = state_unpack_files(r, &s->files);
	if (code < 0) {
		net_passed_free(s->passed);
		free(s);
		return code;
	}
	*ret = s;
	return 0;
}

void
snapshot_sockets_free(struct snapshot_sockets *sockets)
{
	if (sockets == NULL)
		return;
	net_files_remove(sockets->fresh);
	net_files_remove(sockets->files);
	net_reuse_free(sockets->reuse);
	net_passed_free(sockets->passed);
	free(sockets);
}
