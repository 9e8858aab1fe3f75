/* Admission as the worker's main thread sees it: bans for every loop, and what the rules would do. */
#ifndef ENGINE_GUARD_ORDER_H
#define ENGINE_GUARD_ORDER_H

#include "base/err.h"
#include "base/strbuf.h"
#include "engine/engine.h"
#include "guard/bans.h"

/** From now on these bans hold on every loop; connections that they meet are ended, reason denied.
 * @return 0 or -ENOMEM: the old ones go on */
must_check int engine_set_bans(struct engine *engine, const struct ban_list *list);

/** What would become of a client of that address, or of a unix user `uid:N`: append which rule decides.
 * @return 0; -ENOENT: no such listener; -EINVAL: no address; with text */
must_check int engine_why(struct engine *engine, const char *listener, const char *client, bool *ret_allowed,
	struct strbuf *out, struct err *e);

#endif
