/* Every key of the configuration file is one row of a table, and everything that knows keys reads these
 * tables: the parser, its errors, the defaults, --print-config, --print-schema, and the manual. To add a key,
 * add its row and the line that uses the value. */
#ifndef CONFIG_KEY_H
#define CONFIG_KEY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "config/config.h"

enum key_type {
	KEY_MAP,          /* only holds the keys below it; no value of its own */
	KEY_BOOL,         /* bool */
	KEY_INTEGER,      /* int or int64_t, by the row's size; or one of its words */
	KEY_SIZE,         /* int64_t, bytes */
	KEY_DURATION,     /* int64_t, milliseconds or CFG_OFF */
	KEY_MODE,         /* mode_t */
	KEY_WORD,         /* one of the row's words: bool, int or an enum, by the row's size */
	KEY_TEXT,         /* const char * */
	KEY_TARGET,       /* const char *: one of the row's words, or an absolute path */
	KEY_SOCKET,       /* const char *: one of the row's words, or the URL of a unix stream socket */
	KEY_RATE,         /* struct cfg_rate */
	KEY_BANDWIDTH,    /* int64_t, bytes in a second or CFG_OFF */
	KEY_NETWORKS,     /* struct cfg_networks: a network or a list; words: those that may stand in it */
	KEY_USERS,        /* struct cfg_accounts: a name or a list */
	KEY_GROUPS,       /* the same of groups */
	KEY_PLUGIN,       /* const char *: a bare name, or a path that starts at the file's folder */
	KEY_TEXTS,        /* struct cfg_texts: a text or a list */
	KEY_PATH,         /* const char *: from the file's folder */
	KEY_SECRET,       /* const struct cfg_node *: text, or what names a file that holds it */
	KEY_CERTIFICATES, /* struct cfg_certificate * and, right behind it, size_t */
	KEY_TLS,          /* struct cfg_tls_use: the name of a map under tls:, or such a map */
	KEY_PATHS, /* const char ** and, right behind it, size_t: a path or a list, from the file's folder */
	KEY_ADDRESSES, /* struct cfg_address * and, right behind it, size_t: a URL or a list */
	KEY_SETTINGS,  /* const struct cfg_node *: any map; a plugin knows its keys */
	KEY_OBSERVERS, /* struct cfg_observer * and, right behind it, size_t */
	KEY_NAMED,     /* a map whose keys are names; each value is a map of another table */
	KEY_FILES,     /* the include: list */
	KEY_VERSION,   /* 1 */
	KEY_TYPE_COUNT
};

/** What it takes for a changed value to hold. */
enum key_reload {
	KEY_LIVE,
	KEY_NEW_CONNECTIONS,
	KEY_UPGRADE, /* from here on: not by a reload */
	KEY_RESTART, /* an upgrade hands over what was made by it */
	KEY_RELOAD_COUNT
};

struct key_word {
	const char *name; /* NULL ends the list */
	int64_t value;
};

enum {
	KEY_ON_STREAMS = 1 << CFG_TCP | 1 << CFG_UNIX,
	KEY_ON_DATAGRAMS = 1 << CFG_UDP | 1 << CFG_UNIXGRAM,
	KEY_ON_INET = 1 << CFG_TCP | 1 << CFG_UDP,
	KEY_ON_PATHS = 1 << CFG_UNIX | 1 << CFG_UNIXGRAM,
	KEY_ON_PASSED = 1 << CFG_PASSED,
	KEY_ON_ALL = KEY_ON_STREAMS | KEY_ON_DATAGRAMS | KEY_ON_PASSED,
};

struct key {
	const char *name; /* within its table; a dot for each map that it lies in: "timeouts.idle" */
	enum key_type type;
	const char *help;     /* one sentence without a full stop */
	const char *fallback; /* the default as a file would say it; NULL: none */
	const char *instead;  /* a key that people look for and that is refused: what to do instead. NULL: it
				 is taken */
	const char *example;  /* a value for those who have none; every required key has one */
	const char *also;     /* blank-separated: other words that people try for this key */
	const char *brief;    /* KEY_MAP: a scalar in its place means the key of this name below it */
	const struct key_word *words;
	int64_t min, max; /* numbers, sizes, durations */
	int64_t step;     /* durations: only multiples of it; 0: any */
	bool off;         /* durations: `off` is allowed */
	bool required;
	bool own;            /* a listener's own: not in defaults: */
	unsigned transports; /* listener keys: a mask of 1 << enum cfg_transport */
	enum key_reload reload;
	size_t offset, size; /* of the field; size 0: the key has none */
	size_t place_offset; /* of a struct cfg_place that tells where it was written; 0: none */
};

/** Field of a row: where the value goes. */
#define KEY_FIELD(type_, member) .offset = offsetof(type_, member), .size = sizeof(((type_ *)0)->member)

struct key_table {
	const char *title; /* what the keys belong to */
	const struct key *keys;
	size_t count;
	size_t target_size; /* of the struct that takes the values; 0: none */
};

extern const struct key_table key_table_file, key_table_daemon, key_table_listener, key_table_observer,
	key_table_tls, key_table_certificate;

/** Where a value comes from. A table's target has one for each row, in the order of the rows.
 * CFG_NOT_UNDERSTOOD: something was written there and told to be wrong; the value is the default, or none. */
enum cfg_origin_kind { CFG_FROM_DEFAULT, CFG_FROM_DEFAULTS_MAP, CFG_FROM_FILE, CFG_NOT_UNDERSTOOD };
struct cfg_origin {
	enum cfg_origin_kind kind;
	struct cfg_place place;
};

/** Where the value of the row @p name comes from, or NULL. */
const struct cfg_origin *key_origin(
	const struct key_table *table, const struct cfg_origin *origins, const char *name);

/** The row of @p name inside of the map @p prefix ("" at the top), or NULL. */
const struct key *key_find(const struct key_table *table, const char *prefix, const char *name);

/** The part of the name behind @p prefix if the key lies directly in that map, or NULL. */
const char *key_below(const struct key *key, const char *prefix);

/** The last part of the name. */
const char *key_last(const struct key *key);

/** The value of a word, by its name; false if there is none. */
bool key_word_value(const struct key_word *words, const char *name, int64_t *ret);

/** The name of a word, by its value, or NULL. */
const char *key_word_name(const struct key_word *words, int64_t value);

/** For people: "a size", "tcp, unix", "for new connections". */
const char *key_type_name(enum key_type type);
const char *key_reload_name(enum key_reload reload);
const char *key_transports_name(unsigned transports, char buffer[64]);

#endif
