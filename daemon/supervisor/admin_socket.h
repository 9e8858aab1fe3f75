/* The admin socket itself: where it is bound, with which rights, and who may speak on it. */
#ifndef SUPERVISOR_ADMIN_SOCKET_H
#define SUPERVISOR_ADMIN_SOCKET_H

#include <stdbool.h>
#include <sys/types.h>

#include "base/cleanup.h"
#include "base/err.h"
#include "config/config.h"
#include "config/report.h"

struct net_files;

struct admin_socket {
	int fd;                  /* owned; listening, or -1: there is none */
	char *url;               /* owned; NULL: there is none */
	struct net_files *files; /* owned: the file to be removed at the end */
	gid_t group;             /* whose members may speak; (gid_t)-1: none */
};

/**
 * Bind it, by the same rules as every unix listener: never reachable with wider rights than asked, a stale
 * file replaced, a live one left alone.
 *
 * @return 0, also when the configuration wants none, or left the place to the surroundings and it can't be
 * had there (told in the log); -EINVAL told in @p report; another negative errno with @p e filled
 */
must_check int admin_socket_open(
	const struct cfg_daemon *d, struct cfg_report *report, struct admin_socket *ret, struct err *e);

struct state_reader;
struct state_writer;

/** Leave it to another supervisor (NULL: there is none), and take it over. @return 0; -EBADMSG, -ENOMEM: @p
 * ret is for admin_socket_fini() all the same */
void admin_socket_pack(struct state_writer *w, const struct admin_socket *s);
must_check int admin_socket_unpack(struct state_reader *r, struct admin_socket *ret);

/** Whether the peer may give orders: root, the user that we run as, or a member of the group. */
bool admin_socket_admits(const struct admin_socket *s, int fd);

/** Close it and remove its file; a zeroed one with fd -1 is fine. */
void admin_socket_fini(struct admin_socket *s);

#endif
