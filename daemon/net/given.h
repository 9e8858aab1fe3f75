/* What a person wrote at a listener, as far as only sockets can judge it. */
#ifndef NET_GIVEN_H
#define NET_GIVEN_H

#include "base/cleanup.h"
#include "config/config.h"
#include "config/report.h"

/** The place of a key such as "socket.mode" if it stands at this listener itself (not under `defaults:`), or
 * NULL. */
const struct cfg_place *given_place(const struct cfg_listener *listener, const char *key);

/**
 * Tell of each key at the listener that none of its transports knows. The configuration has done so where the
 * file names the transports; for passed sockets they are known only now.
 *
 * @param transports  a mask of 1 << enum cfg_transport
 * @return 0 or -EINVAL
 */
must_check int given_check(
	const struct cfg_listener *listener, unsigned transports, struct cfg_report *report);

#endif
