/* A map of the file -> the struct that a table of keys describes. */
#ifndef CONFIG_BIND_H
#define CONFIG_BIND_H

#include "config/arena.h"
#include "config/key.h"
#include "config/report.h"
#include "config/source.h"

/** What one map is bound to. */
struct bind {
	struct arena *arena;             /* borrowed */
	struct cfg_report *report;       /* borrowed: every fault is told here */
	const struct cfg_source *source; /* borrowed: answers for files and accounts that values name */
	const struct key_table *table;
	const char *title;          /* for messages: "listener 'echo'" */
	unsigned transports;        /* those of a listener; 0: not known, every key fits */
	bool is_defaults;           /* the map is `defaults:`: a listener's own keys do not belong there */
	void *target;               /* borrowed: the table's struct */
	struct cfg_origin *origins; /* borrowed: one for each row */
};

/** Room for the target and its origins, all values at their defaults. @return 0 or -ENOMEM, told */
must_check int bind_start(struct bind *b);

/** Take what @p map says; NULL or nothing is fine. @return 0, also when faults were told; -ENOMEM, told */
must_check int bind_map(const struct bind *b, const struct cfg_node *map);

/** Take what was written in another map of the same table, as far as it fits the transports. */
void bind_inherit(const struct bind *b, const struct bind *from);

/** Tell of keys that have to be there and are not; @p place is that of the map. */
void bind_require(const struct bind *b, const struct cfg_place *place);

/** Tell of a key that no row has, with the name that was probably meant. */
void bind_unknown_key(const struct key_table *table, const char *prefix, const char *title,
	const struct cfg_pair *pair, struct cfg_report *report);

/** Tell what to do instead of using the key. */
void bind_refused_key(const struct key *key, const struct cfg_pair *pair, struct cfg_report *report);

#endif
