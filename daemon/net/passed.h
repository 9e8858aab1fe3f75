/* Sockets that were open when sockd started: LISTEN_FDS, as systemd's socket units and
 * systemd-socket-activate pass them. */
#ifndef NET_PASSED_H
#define NET_PASSED_H

#include <stdbool.h>
#include <stddef.h>

#include "base/cleanup.h"
#include "base/err.h"
#include "net/transport.h"

struct net_passed;

/**
 * Take over what was passed. LISTEN_FDS, LISTEN_PID and LISTEN_FDNAMES are removed from the environment, so
 * that no child takes them for its own.
 *
 * @return 0, also when nothing was passed, or sockd was built without libsystemd; -EINVAL, -ENOMEM, with text
 *
 * Thread: main, before others start (it changes the environment).
 */
must_check int net_passed_open(struct net_passed **ret, struct err *e);

/** An empty one. NULL: out of memory. */
struct net_passed *net_passed_new(void);

/** Add a descriptor by hand. @param fd  moves on success @return 0 or -ENOMEM */
must_check int net_passed_add(struct net_passed *passed, const char *name, int fd);

/**
 * Every passed socket of the address' name, with the options that still apply. The request's list gets
 * duplicates: after a failure all is as before, and a later configuration may ask again.
 *
 * @param passed       NULL: nothing was passed
 * @param ret_found    a mask of 1 << enum cfg_transport: what they turned out to be
 * @return 0; -ENOENT (no such name), -EINVAL (not a socket that sockd can serve), -EBUSY (a listener of this
 * configuration has it), or another negative errno, with text
 */
must_check int net_passed_use(
	struct net_passed *passed, const struct net_request *q, unsigned *ret_found, struct err *e);

/** The socket at place @p i, for whoever leaves the list to another process; both borrowed.
 * @return false: there are no more */
bool net_passed_get(const struct net_passed *passed, size_t i, const char **ret_name, int *ret_fd);

/** Move the first one whose name begins with @p prefix out of the list. @return false: there is none */
bool net_passed_take(struct net_passed *passed, const char *prefix, char **ret_name, int *ret_fd);

/** What it is, as the kernel says. @return an enum cfg_transport; -EINVAL with text: nothing that sockd
 * serves */
must_check int net_passed_identify(int fd, const char *name, struct err *e);

/** Set what can still be set on a socket that is bound. @return 0 or a negative errno, with text */
must_check int net_passed_options(
	const struct net_request *q, int fd, enum cfg_transport transport, struct err *e);

/** Forget which ones are in use: a new configuration begins. */
void net_passed_reset(struct net_passed *passed);

/** Warn of each name that no listener asked for. */
void net_passed_warn_unused(const struct net_passed *passed, struct cfg_report *report);

/** Close them. NULL is fine. Sockets that were given out are not touched, nor are files: those are systemd's.
 */
void net_passed_free(struct net_passed *passed);

#endif
