/* A client that does what a script says, with a daemon of `sockd plugin test`. */
#ifndef RUN_PLUGIN_PLAY_H
#define RUN_PLUGIN_PLAY_H

#include "run/plugin_daemon.h"
#include "run/plugin_script.h"

/**
 * Do the steps of @p s from the beginning, with @p p, which is connected already; on datagram transports
 * without those that only streams have.
 *
 * @return 0; a negative errno with the step that failed and what came instead
 */
must_check int play_steps(struct plugin_daemon *d, struct peer *p, const struct script *s, struct err *e);

/** Whether it can be played again and again with one daemon. */
bool play_is_repeatable(const struct script *s);

#endif
