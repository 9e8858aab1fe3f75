/* A listener that no configuration names is made up here, so that the net floor binds it like all others. A
 * person who gave no address gets a daemon that serves even where the admin socket can't be had (a second
 * sockd of the same user, a folder that is not there): losing sockctl is survived, and said. Who gave one
 * means it. */
#include "supervisor/admin_socket.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>

#include "base/fdutil.h"
#include "base/log.h"
#include "control/admin_path.h"
#include "net/files.h"
#include "net/peer.h"
#include "net/peer_group.h"
#include "net/unix_file.h"
#include "net/unix_rights.h"
#include "supervisor/state.h"

enum { BACKLOG = 64 };

/* The last folder of the default place is ours to make, open to those that the socket's mode lets in. */
static void
make_folder(const char *path)
{
	char folder[ADMIN_PATH_SIZE];
	char *slash;

	snprintf(folder, sizeof folder, "%s", path);
	slash = strrchr(folder, '/');
	*slash = '\0';
	(void)mkdir(folder, 0755); /* bind() tells what is wrong, if something is */
}

static int
bind_at(const struct cfg_daemon *d, const char *path, bool abstract, struct cfg_report *report,
	struct admin_socket *s, struct err *e)
{
	struct cfg_address address = { .place = d->admin.listen_place,
		.url = s->url,
		.transport = CFG_UNIX,
		.path = path,
		.abstract = abstract };
	/* An abstract name has no file to carry the group, but whoever connects is asked for it all the same.
	 */
	struct cfg_address with_file = address;
	const struct cfg_listener listener = { .name = "admin",
		.addresses = &with_file,
		.address_count = 1,
		.backlog = BACKLOG,
		.socket = { .mode = d->admin.mode,
			.group = d->admin.group,
			.group_place = d->admin.group_place } };
	struct unix_rights rights = { .uid = (uid_t)-1, .gid = (gid_t)-1 };
	const struct net_request request = { .listener = &listener,
		.address = &address,
		.rights = &rights,
		.report = report,
		.files = s->files };
	int code;

	with_file.abstract = false;
	code = unix_rights_resolve(&listener, report, &rights);
	if (code < 0)
		return code;
	s->group = rights.gid;
	return unix_file_open(&request, SOCK_STREAM, &s->fd, e);
}

static int
bind_explicit(const struct cfg_daemon *d, struct cfg_report *report, struct admin_socket *s, struct err *e)
{
	const char *rest = strchr(d->admin.listen, ':') + 1;
	bool abstract = *rest == '@';
	struct err why = { 0 };
	int code;

	s->url = strdup(d->admin.listen);
	if (s->url == NULL)
		return err_set(e, -ENOMEM, "out of memory");
	code = bind_at(d, rest + (abstract ? 1 : 2), abstract, report, s, &why);
	if (code < 0 && why.text[0] != '\0')
		cfg_report_error(report, &d->admin.listen_place, "'admin.listen': %s", why.text);
	return code;
}

static int
bind_auto(const struct cfg_daemon *d, struct cfg_report *report, struct admin_socket *s)
{
	char path[ADMIN_PATH_SIZE];
	struct err why = { 0 };
	int code = admin_path_auto(path, &why);

	if (code == 0) {
		make_folder(path);
		code = asprintf(&s->url, "unix://%s", path) < 0 ? -ENOMEM : 0;
	}
	if (code == 0)
		code = bind_at(d, path, false, report, s, &why);
	if (code == 0 || code == -ENOMEM)
		return code;
	if (why.text[0] == '\0')
		return code; /* the group is wrong, which is told at its place */
	log_warning("admin_unavailable", LOG_S("address", s->url), LOG_S("error", why.text),
		LOG_S("msg", "sockctl cannot reach this daemon; set daemon.admin.listen to another place, or "
			     "to off"));
	admin_socket_fini(s);
	return 0;
}

int
admin_socket_open(
	const struct cfg_daemon *d, struct cfg_report *report, struct admin_socket *ret, struct err *e)
{
	struct admin_socket s = { .fd = -1, .group = (gid_t)-1 };
	int code;

	if (strcmp(d->admin.listen, CFG_ADMIN_OFF) == 0) {
		*ret = s;
		return 0;
	}
	s.files = net_files_new();
	if (s.files == NULL)
		return err_set(e, -ENOMEM, "out of memory");
	if (strcmp(d->admin.listen, CFG_ADMIN_AUTO) == 0)
		code = bind_auto(d, report, &s);
	else
		code = bind_explicit(d, report, &s, e);
	if (code < 0) {
		admin_socket_fini(&s);
		return code == -ENOMEM ? err_set(e, code, "out of memory") : code;
	}
	*ret = s;
	return 0;
}

void
admin_socket_pack(struct state_writer *w, const struct admin_socket *s)
{
	bool there = s != NULL && s->fd >= 0;

	state_add_fd(w, there ? s->fd : -1);
	pack_text(&w->body, there ? s->url : NULL);
	pack_u32(&w->body, there ? (uint32_t)s->group : (uint32_t)-1);
	state_pack_files(w, there ? s->files : NULL);
}

int
admin_socket_unpack(struct state_reader *r, struct admin_socket *ret)
{
	struct admin_socket s = { .fd = state_take_fd(r) };
	const char *url = unpack_text(&r->u);

	s.url = url != NULL ? strdup(url) : NULL;
	s.group = (gid_t)unpack_u32(&r->u);
	*ret = s;
	return url != NULL && s.url == NULL ? -ENOMEM : state_unpack_files(r, &ret->files);
}

bool
admin_socket_admits(const struct admin_socket *s, int fd)
{
	struct net_peer peer;

	if (net_peer_get(fd, &peer) < 0)
		return false;
	if (peer.uid == 0 || peer.uid == geteuid())
		return true;
	return s->group != (gid_t)-1 && net_peer_in_group(fd, s->group);
}

void
admin_socket_fini(struct admin_socket *s)
{
	net_files_remove(s->files);
	cleanup_fd(&s->fd);
	free(s->url);
	*s = (struct admin_socket){ .fd = -1, .group = (gid_t)-1 };
}
