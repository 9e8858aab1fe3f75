/* What is the same in two configurations, and what is not, key by key as the tables say. */
#ifndef CONFIG_DIFF_H
#define CONFIG_DIFF_H

#include <stdbool.h>
#include <stddef.h>

#include "config/config.h"
#include "config/key.h"

/** Whether both targets of a table have the same value under @p key. Where it was written does not matter. */
bool cfg_value_is_same(const struct key *key, const void *a, const void *b);

/** Whether two listeners are the same in every key; their names do not matter. */
bool cfg_listener_is_same(const struct cfg_listener *a, const struct cfg_listener *b);

/** One key with another value. */
struct cfg_change {
	const char *listener;  /* borrowed from the later configuration; NULL: of the daemon */
	const struct key *key; /* a row of its table */
	char *before, *after;  /* owned: the values on one line, secrets as ***; NULL: none */
};

/** Starts as `{ 0 }`. */
struct cfg_changes {
	struct cfg_change *items; /* owned */
	size_t count, capacity;
	bool failed; /* there was no memory for one of them */
};

/** Add every key of `daemon:` whose value is another. */
void cfg_diff_daemon(const struct cfg_daemon *before, const struct cfg_daemon *after, struct cfg_changes *io);

/** Add every key of a listener whose value is another. */
void cfg_diff_listener(
	const struct cfg_listener *before, const struct cfg_listener *after, struct cfg_changes *io);

/** Whatever the changes say of @p key, it is @p holds, as the text of a change, that @p after is compared
 * with: the change begins with that, is added, or is taken out where both are the same.
 * @param listener  by its name; NULL: of the daemon. One that @p after does not have has no changes */
void cfg_changes_hold(struct cfg_changes *io, const struct config *after, const char *listener,
	const struct key *key, const char *holds);

/** Free the changes; it is empty and usable again. */
void cfg_changes_fini(struct cfg_changes *c);

/** Whether two maps of TLS settings are the same in every key. */
bool cfg_tls_is_same(const struct cfg_tls *a, const struct cfg_tls *b);

#endif
