/* What clients leave behind: rounds of them are played with one daemon, and what it holds is measured after
 * each. */
#ifndef RUN_PLUGIN_LEAK_H
#define RUN_PLUGIN_LEAK_H

#include "run/plugin_daemon.h"
#include "run/plugin_script.h"

/**
 * Play rounds of clients and see whether each leaves something behind.
 *
 * @param d       runs, and has served nobody yet
 * @param script  what a client does; NULL: it sends a few bytes and goes
 * @param events  the plugin is in event style on this transport: decides which entry is blamed
 * @return 0, with what was done in @p ret_said; -EBADF: something is left behind, with the entry and how much
 * in @p e; another negative errno: a step failed, or the daemon did
 */
must_check int leak_search(struct plugin_daemon *d, const struct script *script, bool events,
	char ret_said[ERR_TEXT_SIZE], struct err *e);

#endif
