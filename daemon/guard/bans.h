/* Addresses that an operator shut out while sockd runs, each for some time or for good. */
#ifndef GUARD_BANS_H
#define GUARD_BANS_H

#include "base/network.h"
#include "base/strbuf.h"

enum { BANS_MAX = 100000 };

/** One ban. Times are milliseconds since 1970, so that they mean the same to every process. */
struct ban {
	struct network net;
	int64_t until_ms; /* BAN_FOR_GOOD: until it is lifted */
};
static const int64_t BAN_FOR_GOOD = INT64_MAX;

/** The list as the supervisor keeps it. Starts as `struct ban_list l = { 0 };`. One thread. */
struct ban_list {
	struct ban *bans; /* owned */
	size_t count, capacity;
};

/** Add a ban, or give one of the same network another end. @return 0, -ENOSPC at BANS_MAX, -ENOMEM */
must_check int ban_list_add(struct ban_list *l, const struct network *net, int64_t until_ms);
/** Lift it. @return false: there is no such ban */
bool ban_list_remove(struct ban_list *l, const struct network *net);
/** Drop what is over. @return whether something was */
bool ban_list_expire(struct ban_list *l, int64_t now_ms);
void ban_list_fini(struct ban_list *l);

/** As text, one `NETWORK UNTIL` a line, for whoever keeps or carries it; and back. @return 0, -EBADMSG,
 * -ENOMEM: nothing has changed then */
void ban_list_write(const struct ban_list *l, struct strbuf *out);
must_check int ban_list_read(struct ban_list *l, const char *text, size_t size);

/** What loops ask: an immutable copy, with references. Thread: any. */
struct bans;
must_check int bans_new(const struct ban_list *l, struct bans **ret);
struct bans *bans_ref(struct bans *b);
void bans_unref(struct bans *b); /* NULL is fine */

/** The ban that holds the address now, or NULL. @param b  NULL: none @param now_ms  clock_now_ms(): it is the
 * same in all processes, and a clock that is set neither ends a ban nor prolongs it */
const struct ban *bans_find(const struct bans *b, const struct network *address, int64_t now_ms);

#endif
