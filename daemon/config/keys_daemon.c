/* The keys at the top of the file, those under `daemon:`, and those of an observer. */
#include "config/key.h"

#include "base/cleanup.h"

#ifndef SOCKD_PLUGINDIR
#define SOCKD_PLUGINDIR "/usr/lib/sockd/plugins"
#endif

#define FIELD(member) KEY_FIELD(struct cfg_daemon, member)

static const struct key file_keys[] = {
	{ .name = "version",
		.type = KEY_VERSION,
		.example = "1",
		.required = true,
		.help = "The version of the file's format" },
	{ .name = "include",
		.type = KEY_FILES,
		.help = "Further files, from this file's folder; what a pattern matches is read in sorted "
			"order. "
			"The maps daemon, defaults, tls and listeners of all files are joined" },
	{ .name = "daemon",
		.type = KEY_MAP,
		.help = "What concerns all listeners",
		.also = "global server main" },
	{ .name = "defaults",
		.type = KEY_MAP,
		.help = "Starting values for every listener",
		.also = "default" },
	{ .name = "tls",
		.type = KEY_NAMED,
		.help = "TLS settings by name, shared by listeners",
		.later = "TLS",
		.also = "ssl" },
	{ .name = "listeners",
		.type = KEY_NAMED,
		.help = "The listeners; a name is 1 to 64 of the characters A-Z a-z 0-9 _ . -, and the label "
			"in logs",
		.also = "listener listen servers services frontends" },
};

static const struct key_word threads_words[] = { { "auto", 0 }, { 0 } };
static const struct key_word target_words[] = { { "stderr", 0 }, { "journal", 1 }, { "syslog", 2 }, { 0 } };
static const struct key_word format_words[] = { { "text", CFG_LOG_TEXT }, { "json", CFG_LOG_JSON }, { 0 } };
static const struct key_word level_words[] = { { "error", 3 }, { "warning", 4 }, { "notice", 5 },
	{ "info", 6 }, { "debug", 7 }, { 0 } };

static const struct key daemon_keys[] = {
	{ .name = "user",
		.type = KEY_TEXT,
		.help = "The user that plugins run as",
		.later = "dropping privileges",
		.reload = KEY_UPGRADE },
	{ .name = "group",
		.type = KEY_TEXT,
		.help = "The group that plugins run as",
		.later = "dropping privileges",
		.reload = KEY_UPGRADE },
	{ .name = "threads",
		.type = KEY_INTEGER,
		.help = "Event loops; auto: as many as there are CPUs that sockd may use",
		.fallback = "auto",
		.also = "workers loops",
		.words = threads_words,
		.min = 1,
		.max = 1024,
		.reload = KEY_UPGRADE,
		FIELD(threads) },
	{ .name = "watchdog",
		.type = KEY_DURATION,
		.help = "How long a plugin may hold up a loop before its worker is replaced",
		.later = "the worker process",
		.fallback = "10s",
		.max = 3600000,
		.off = true },
	{ .name = "fiber_stack",
		.type = KEY_SIZE,
		.help = "Address space of the stack of a serve() handler; only the touched part costs memory",
		.fallback = "256KiB",
		.also = "stack stack_size",
		.min = 32 * 1024,
		.max = 64 * 1024 * 1024,
		.reload = KEY_UPGRADE,
		FIELD(fiber_stack) },
	{ .name = "plugin_path",
		.type = KEY_PATHS,
		.help = "Folders in which plugins are looked for by name, the first that has it wins",
		.fallback = SOCKD_PLUGINDIR,
		.also = "plugins plugin_dir plugindir",
		FIELD(plugin_path) },
	{ .name = "log",
		.type = KEY_MAP,
		.help = "Where the log goes",
		.also = "logging logs",
		.brief = "target" },
	{ .name = "log.target",
		.type = KEY_TARGET,
		.help = "stderr, journal, syslog, or a file, which is opened anew on USR1",
		.fallback = "stderr",
		.also = "file path output",
		.words = target_words,
		FIELD(log_target) },
	{ .name = "log.level",
		.type = KEY_WORD,
		.help = "What is logged: this level and those above it",
		.fallback = "info",
		.words = level_words,
		FIELD(log_level) },
	{ .name = "log.format",
		.type = KEY_WORD,
		.help = "How a line looks; the journal gets fields instead",
		.fallback = "text",
		.words = format_words,
		FIELD(log_format) },
	{ .name = "admin",
		.type = KEY_MAP,
		.help = "The socket of sockctl",
		.later = "sockctl",
		.also = "control" },
	{ .name = "metrics", .type = KEY_MAP, .help = "The address that serves metrics", .later = "metrics" },
	{ .name = "shutdown", .type = KEY_MAP, .help = "How sockd ends", .also = "drain" },
	{ .name = "shutdown.timeout",
		.type = KEY_DURATION,
		.help = "How long open connections may finish their work, before the rest is cut",
		.fallback = "25s",
		.max = 7 * 86400000LL,
		FIELD(shutdown_timeout_ms) },
	{ .name = "shutdown.spread",
		.type = KEY_DURATION,
		.help = "Idle connections are ended one after the other over this time, not all at once; at "
			"most the timeout",
		.fallback = "0s",
		.max = 7 * 86400000LL,
		FIELD(shutdown_spread_ms) },
	{ .name = "observers",
		.type = KEY_OBSERVERS,
		.help = "Plugins that are told of errors, connections and server events of all listeners",
		.reload = KEY_NEW_CONNECTIONS,
		FIELD(observers) },
};

static const struct key observer_keys[] = {
	{ .name = "plugin",
		.type = KEY_PLUGIN,
		.example = "audit",
		.help = "The plugin: a name, or a path that starts at this file's folder",
		.required = true,
		KEY_FIELD(struct cfg_observer, plugin),
		.place_offset = offsetof(struct cfg_observer, plugin_place) },
	{ .name = "config",
		.type = KEY_SETTINGS,
		.help = "The plugin's own settings",
		.also = "settings options",
		KEY_FIELD(struct cfg_observer, settings) },
};

const struct key_table key_table_file = { "the file", file_keys, array_len(file_keys), 0 };
const struct key_table key_table_daemon = { "'daemon'", daemon_keys, array_len(daemon_keys),
	sizeof(struct cfg_daemon) };
const struct key_table key_table_observer = { "an observer", observer_keys, array_len(observer_keys),
	sizeof(struct cfg_observer) };
