/* Who has how many connections, and how fast they come: a bounded table of sources. Any thread may ask; the
 * lock of a shard is held for some dozen instructions, and giving a connection back takes none. */
#ifndef GUARD_SOURCES_H
#define GUARD_SOURCES_H

#include "base/network.h"
#include "config/config.h"

struct sources;
struct source;

/** A client, as far as limits tell them apart. */
struct source_key {
	uint8_t bytes[16];
	uint8_t kind; /* 4, 6, or 'u' for a user; 0: nobody knows */
};

struct source_key source_key_of_network(const struct network *client, const struct cfg_per_source *cfg);
struct source_key source_key_of_user(uint32_t uid);

/** OK, or WAIT: it may, after some time. CONNECTIONS, RATE: which limit it is above. */
enum source_verdict { SOURCE_OK, SOURCE_WAIT, SOURCE_CONNECTIONS, SOURCE_RATE };

/** @param entries  how many sources are remembered @param seed  nobody outside may know it
 * @return 0 or -ENOMEM. One reference. */
must_check int sources_new(size_t entries, uint64_t seed, struct sources **ret);
struct sources *sources_ref(struct sources *s);
void sources_unref(struct sources *s); /* NULL is fine */

/**
 * A new connection, or a datagram where @p ret_held is NULL.
 *
 * @param ret_held     the source that has one connection more: give it back with source_release() before the
 *                     table goes; NULL if all entries are taken by connected sources: this one is not limited
 * @param ret_wait_ms  SOURCE_WAIT: how long until it may begin
 */
enum source_verdict sources_take(struct sources *s, const struct cfg_per_source *cfg,
	const struct source_key *key, int64_t now_ms, struct source **ret_held, int64_t *ret_wait_ms);

/** What sources_take() would say, and how many connections the source has; nothing is counted. */
enum source_verdict sources_look(struct sources *s, const struct cfg_per_source *cfg,
	const struct source_key *key, int64_t now_ms, int64_t *ret_open);

/** The connection is over. NULL is fine. Thread: any. */
void source_release(struct source *held);

/** How many entries it was made for. */
size_t sources_entries(const struct sources *s);

struct sources_counts {
	uint64_t used, forgotten; /* entries in use now; sources that had to make room */
	uint64_t unlimited;       /* connections that found no entry */
};
struct sources_counts sources_counts(struct sources *s);

#endif
