/* Keys that have to wait for more than an upgrade, in its course: what still holds was made by a
 * configuration of long ago, and nobody has that any more but for these few values. */
#ifndef SUPERVISOR_HELD_KEYS_H
#define SUPERVISOR_HELD_KEYS_H

#include "base/pack.h"
#include "config/diff.h"

/** The value that still holds, as a change tells it. */
struct held_key {
	char *listener; /* owned; NULL: the daemon's */
	char *key;      /* owned */
	char *holds;    /* owned; NULL: none */
};

/** Starts as `{ 0 }`. */
struct held_keys {
	struct held_key *items; /* owned */
	size_t count;
};

/** For the next supervisor: what @p waiting begins with. */
void held_keys_pack(struct strbuf *out, const struct cfg_changes *waiting);

/** @param ret  untouched on failure @return 0, -EBADMSG or -ENOMEM */
must_check int held_keys_unpack(struct unpack *u, struct held_keys *ret);

/** A new worker has taken what only needed that: forget it. */
void held_keys_drop_taken(struct held_keys *h);

/** @p io tells what waits by the configuration that the running worker began with; let it tell what really
 * holds. A value that holds already waits no longer. @p after has to outlive @p io */
void held_keys_apply(const struct held_keys *h, const struct config *after, struct cfg_changes *io);

void held_keys_fini(struct held_keys *h);

#endif
