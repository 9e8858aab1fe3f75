/* The daemon of `sockd plugin test`: `sockd run` with the plugin and one listener, in a child. */
#ifndef RUN_PLUGIN_DAEMON_H
#define RUN_PLUGIN_DAEMON_H

#include <sys/types.h>

#include "base/err.h"
#include "config/config.h"
#include "run/cli.h"
#include "run/plugin_peer.h"
#include "run/plugin_probe.h"

struct plugin_daemon {
	const char *plugin;         /* borrowed: its file */
	const struct cli_list *set; /* borrowed: its settings */
	const char *folder;         /* borrowed: for sockets */
	enum cfg_transport transport;
	int timeout_ms; /* of a step */

	pid_t pid;    /* 0: it does not run */
	int probe_fd; /* owned while it runs */
	struct peer_target target;
};

/** Start it, and wait until it listens. @return 0 or a negative errno */
must_check int plugin_daemon_start(struct plugin_daemon *d, struct err *e);

/** What it holds now. @return 0 or a negative errno */
must_check int plugin_daemon_measure(const struct plugin_daemon *d, struct probe_figures *ret, struct err *e);

/** Let it drain: it has to have ended by itself, with status 0, when the time of a step is over.
 * @return 0, also when it ran no more; a negative errno with what went wrong */
must_check int plugin_daemon_drain(struct plugin_daemon *d, struct err *e);

/** End it: connections that do not end soon are cut. As plugin_daemon_drain() otherwise. */
must_check int plugin_daemon_stop(struct plugin_daemon *d, struct err *e);

#endif
