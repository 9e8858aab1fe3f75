/* The sockets of a snapshot: what the net floor binds, what systemd passed, and what it kept of an earlier
 * sockd. The passed ones stay open here until the end: systemd holds them too, and whoever connects while we
 * drain waits for the next sockd instead of being refused. */
#include "supervisor/snapshot_build.h"

#include <errno.h>
#include <string.h>
#include <sys/un.h>

#include "base/fdutil.h"
#include "base/log.h"
#include "control/snapshot.h"
#include "net/files.h"
#include "net/listen.h"
#include "net/overlap.h"
#include "net/passed.h"
#include "net/reuse.h"
#include "net/stored.h"
#include "supervisor/fd_store.h"
#include "supervisor/notify.h"
#include "supervisor/state.h"

struct snapshot_sockets {
	struct net_passed *passed; /* owned */
	struct net_files *files;   /* owned: the socket files that are ours */
	struct net_files *fresh;   /* owned: those of a snapshot that is not served yet */
	struct net_reuse *reuse;   /* owned, the same */
	struct fd_store *store;    /* owned */
};

static struct snapshot_sockets *
sockets_new(void)
{
	struct snapshot_sockets *s = mem_new(*s);

	if (s != NULL)
		s->store = fd_store_new();
	if (s == NULL || s->store == NULL) {
		free(s);
		return NULL;
	}
	return s;
}

static void
on_refused(void *arg, const char *name, const char *url, const char *why)
{
	bool *any = arg;

	*any = true;
	log_notice("kept_socket_closed", LOG_S("address", url), LOG_S("name", name), LOG_S("reason", why));
	notify_store_remove(name);
}

/* What the manager kept of a sockd before us, as far as the configuration still wants it. The rest has to be
 * gone there too before anything is bound, or its addresses would be taken. */
static int
take_back(struct snapshot_sockets *sockets, const struct snapshot *s, struct net_stored **ret, struct err *e)
{
	bool any = false;
	size_t count = 0;

	if (net_stored_new(sockets->passed, ret) < 0)
		return err_set(e, -ENOMEM, "no memory for the sockets");
	net_stored_match(*ret, s->config, s->loops, on_refused, &any);
	if (any && !notify_barrier())
		log_warning("kept_sockets_linger",
			LOG_S("msg",
				"the service manager does not say that it has closed them: their addresses "
				"may be in use"));
	while (net_stored_get(*ret, count) != NULL)
		count++;
	if (count > 0)
		log_notice("kept_sockets_taken", LOG_U("count", count),
			LOG_S("msg", "clients that waited while no sockd ran are served"));
	return fd_store_assume(sockets->store, *ret) == 0 ? 0
							  : err_set(e, -ENOMEM, "no memory for the sockets");
}

int
snapshot_build_sockets(
	struct snapshot *s, struct cfg_report *report, struct snapshot_sockets **ret, struct err *e)
{
	struct snapshot_sockets *sockets = sockets_new();
	struct net_stored *stored = NULL;
	int r;

	if (sockets == NULL)
		return err_set(e, -ENOMEM, "no memory for the sockets");
	r = net_passed_open(&sockets->passed, e);
	if (r == 0)
		r = take_back(sockets, s, &stored, e);
	if (r == 0)
		r = net_listen_all(s->config, s->loops, sockets->passed, stored, report, s, &sockets->files);
	net_stored_free(stored);
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

void
snapshot_sockets_keep(struct snapshot_sockets *sockets, const struct snapshot *s)
{
	fd_store_update(sockets->store, s, sockets->files);
}

void
snapshot_sockets_end(struct snapshot_sockets *sockets, bool may_return)
{
	fd_store_end(sockets->store, may_return);
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

/* The worker has done so, if there is one. */
static void
begin_listening(const struct snapshot *s)
{
	for (size_t i = 0; i < s->socket_count; i++) {
		const struct snapshot_socket *socket = &s->sockets[i];
		const struct cfg_listener *l = &s->config->listeners[socket->listener];
		int r = overlap_listen(l, socket->transport, socket->fd);

		if (r < 0)
			log_error("listen_failed", LOG_S("listener", l->name), LOG_S("error", strerror(-r)));
	}
}

void
snapshot_sockets_commit(struct snapshot_sockets *sockets, const struct snapshot *next)
{
	begin_listening(next);
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
	struct snapshot_sockets *s = sockets_new();
	const char *name;
	int code = -ENOMEM;

	if (s == NULL)
		return -ENOMEM;
	s->passed = net_passed_new();
	if (s->passed != NULL)
		code = 0;
	while (code == 0 && (name = unpack_text(&r->u)) != NULL) {
		auto_of(fd) int fd = state_take_fd(r);

		code = fd < 0 ? -EBADMSG : net_passed_add(s->passed, name, fd);
		if (code == 0)
			fd_take(&fd);
	}
	if (code == 0)
		code = state_unpack_files(r, &s->files);
	if (code < 0) {
		net_passed_free(s->passed);
		fd_store_free(s->store);
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
	fd_store_free(sockets->store);
	free(sockets);
}
