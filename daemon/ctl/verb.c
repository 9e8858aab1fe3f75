/* The table itself. The texts are read by people in the help and in the manual, the names also by scripts:
 * they are an interface. */
#include "ctl/verb.h"

#include <string.h>

#include "ctl/show.h"
#include "ctl/top.h"

const struct ctl_option ctl_common_options[] = {
	{ "json", "", NULL, "Print JSON instead of tables: an array of what has rows, else one object",
		CTL_SWITCH, CTL_ANY },
	{ "socket", "", "PATH",
		"The admin socket, or @NAME for an abstract one (default: that of the configuration)",
		CTL_TEXT, CTL_ANY },
	{ "config", "", "FILE", "The configuration file that names the admin socket", CTL_TEXT, CTL_ANY },
	{ "timeout", "", "DURATION",
		"How long the daemon may be silent before sockctl gives up (default 60s)", CTL_DURATION,
		CTL_ANY },
	{ "help", "", NULL, "Show how sockctl, or the verb, is used", CTL_SWITCH, CTL_ANY },
	{ "version", "", NULL, "Print the version", CTL_SWITCH, CTL_ANY },
	{ 0 },
};

static const struct ctl_option reload_options[] = {
	{ "dry-run", "dry", NULL, "Only tell what a reload would do", CTL_SWITCH, CTL_ANY },
	{ 0 },
};

#define LISTENER_ARGUMENT                                                               \
	{                                                                               \
		"LISTENER", "listener", "LISTENER", "Its name", CTL_TEXT, CTL_LISTENERS \
	}

static const struct ctl_option wait_options[] = {
	{ "wait", "wait", NULL, "Wait for the end of the process, and tell how far it got meanwhile",
		CTL_SWITCH, CTL_ANY },
	{ 0 },
};

#define SELECTION                                                                                         \
	{ "listener", "listener", "NAME", "Only those of this listener", CTL_TEXT, CTL_LISTENERS },       \
		{ "peer", "peer", "PEER",                                                                 \
			"Only those of this peer: an address, ADDRESS:PORT, a network such as "           \
			"192.0.2.0/24, the path "                                                         \
			"or @name of a unix client, or unix for all of those",                            \
			CTL_TEXT, CTL_ANY },                                                              \
		{ "older-than", "older_than_ms", "DURATION", "Only those that have been open so long",    \
			CTL_DURATION, CTL_ANY },                                                          \
		{ "idle-for", "idle_for_ms", "DURATION", "Only those on which nothing moved for so long", \
			CTL_DURATION, CTL_ANY },                                                          \
	{                                                                                                 \
		"generation", "generation", "N", "Only those of this worker", CTL_NUMBER, CTL_ANY         \
	}

static const struct ctl_option connections_options[] = { SELECTION, { 0 } };
static const struct ctl_option top_options[] = {
	{ "every", "every_ms", "DURATION", "How long the interval of a picture is (default 1s)", CTL_DURATION,
		CTL_ANY },
	{ "count", "count", "N", "End after so many pictures", CTL_NUMBER, CTL_ANY },
	{ "batch", "batch", NULL, "Print the pictures one after the other; without --count, one", CTL_SWITCH,
		CTL_ANY },
	{ 0 },
};

static const struct ctl_option kill_options[] = { SELECTION,
	{ "all", "all", NULL, "All of them", CTL_SWITCH, CTL_ANY }, { 0 } };

static const struct ctl_column listeners_columns[] = {
	{ "NAME", "name", CTL_SHOW_TEXT, NULL },
	{ "STATE", "state", CTL_SHOW_TEXT, NULL },
	{ "PLUGIN", "plugin", CTL_SHOW_TEXT, NULL },
	{ "OPEN", "open", CTL_SHOW_NUMBER, NULL },
	{ "LIMIT", "limit", CTL_SHOW_NUMBER, NULL },
	{ "ACCEPTED", "accepted", CTL_SHOW_NUMBER, NULL },
	{ "RX", "rx", CTL_SHOW_BYTES, NULL },
	{ "TX", "tx", CTL_SHOW_BYTES, NULL },
	{ "DGRAMS-RX", "datagrams_rx", CTL_SHOW_NUMBER, NULL },
	{ "DGRAMS-TX", "datagrams_tx", CTL_SHOW_NUMBER, NULL },
	{ "ADDRESSES", "addresses", CTL_SHOW_LIST, NULL },
	{ 0 },
};

static const struct ctl_column connections_columns[] = {
	{ "ID", "id", CTL_SHOW_NUMBER, NULL },
	{ "LISTENER", "listener", CTL_SHOW_TEXT, NULL },
	{ "PEER", "peer", CTL_SHOW_TEXT, show_peer },
	{ "STATE", "state", CTL_SHOW_TEXT, show_state },
	{ "AGE", "age_ms", CTL_SHOW_DURATION, NULL },
	{ "IDLE", "idle_ms", CTL_SHOW_DURATION, NULL },
	{ "RX", "rx", CTL_SHOW_BYTES, NULL },
	{ "TX", "tx", CTL_SHOW_BYTES, NULL },
	{ "PENDING", "pending", CTL_SHOW_BYTES, NULL },
	{ "GEN", "generation", CTL_SHOW_NUMBER, NULL },
	{ 0 },
};

static const struct ctl_column plugins_columns[] = {
	{ "PLUGIN", "plugin", CTL_SHOW_TEXT, NULL },
	{ "VERSION", "version", CTL_SHOW_TEXT, NULL },
	{ "ABI", "abi", CTL_SHOW_VERSION, NULL },
	{ "LISTENERS", "listeners", CTL_SHOW_LIST, NULL },
	{ "GEN", "generation", CTL_SHOW_NUMBER, NULL },
	{ "FILE", "file", CTL_SHOW_TEXT, NULL },
	{ 0 },
};

static const struct ctl_column certs_columns[] = {
	{ "TLS", "tls", CTL_SHOW_TEXT, NULL },
	{ "SUBJECT", "subject", CTL_SHOW_TEXT, NULL },
	{ "NAMES", "names", CTL_SHOW_TEXT, NULL },
	{ "KEY", "key", CTL_SHOW_TEXT, NULL },
	{ "EXPIRES", "not_after", CTL_SHOW_TEXT, NULL },
	{ "DAYS", "days_left", CTL_SHOW_NUMBER, NULL },
	{ "FILE", "file", CTL_SHOW_TEXT, NULL },
	{ 0 },
};

static const struct ctl_column bans_columns[] = {
	{ "NETWORK", "network", CTL_SHOW_TEXT, NULL },
	{ "LEFT", "left_ms", CTL_SHOW_DURATION, NULL },
	{ 0 },
};

/* `for` is there to be read; what counts is the duration. */
static const char *
check_ban(json_t *request)
{
	const char *word = json_string_value(json_object_get(request, "for"));

	if (word == NULL || (strcmp(word, "for") == 0 && json_object_get(request, "for_ms") != NULL))
		return NULL;
	return "write `ban ADDRESS' or `ban ADDRESS for 10m'";
}

/* A filter that is empty would be all of them, by accident. */
static const char *
check_kill(json_t *request)
{
	static const char *const enough[] = { "id", "listener", "peer", "older_than_ms", "idle_for_ms",
		"all" };

	for (size_t i = 0; i < array_len(enough); i++)
		if (json_object_get(request, enough[i]) != NULL)
			return NULL;
	return "kill needs the ID of a connection, a filter, or --all";
}

static const char *
check_drain(json_t *request)
{
	if (json_object_get(request, "listener") != NULL && json_object_get(request, "wait") != NULL)
		return "--wait goes with the drain of the whole daemon; 'sockctl listeners' tells how far a "
		       "listener is";
	return NULL;
}

static const char *
check_top(json_t *request)
{
	json_t *every = json_object_get(request, "every_ms"), *count = json_object_get(request, "count");

	if (every != NULL && (json_integer_value(every) < 100 || json_integer_value(every) > 3600000))
		return "--every: write 100ms to 1h";
	return count != NULL && json_integer_value(count) == 0 ? "--count: write 1 or more" : NULL;
}

const struct ctl_verb ctl_verbs[] = {
	{ .name = "status",
		.help = "Tell whether sockd runs, and how it is",
		.manual = "The exit status is that of the LSB: 0 if it serves or drains, 3 if it does not "
			  "run, 4 if "
			  "that cannot be told. If the log is not written, for its disk is full or "
			  "nobody reads it, that "
			  "is said, with how many lines are lost so far",
		.show = show_status },
	{ .name = "reload",
		.options = reload_options,
		.help = "Read the configuration again and go over to it",
		.manual = "Tells what takes effect and how. If something is wrong with the configuration, "
			  "nothing is "
			  "changed, each error is told with its file, line and column, and the exit status "
			  "is 1",
		.show = show_text },
	{ .name = "upgrade",
		.help = "Go over to the installed version of sockd without refusing a client",
		.manual =
			"Waits until the new version has taken over and tells which it is, and which keys of "
			"the configuration wait until sockd is started again. If it fails, however late, the "
			"old one goes on: the reason is told, and the exit status is 1",
		.show = show_text },
	{ .name = "drain",
		.arguments = { { "LISTENER", "listener", "LISTENER", "Only this listener; the daemon goes on",
			CTL_TEXT, CTL_LISTENERS } },
		.options = wait_options,
		.help = "End sockd, or one listener, letting busy connections finish",
		.manual = "Does what SIGTERM does, for as long as daemon.shutdown.timeout allows. A listener "
			  "that was "
			  "drained refuses clients until it is resumed, in later workers too",
		.show = show_drain,
		.check = check_drain },
	{ .name = "stop",
		.options = wait_options,
		.help = "End sockd now, cutting all connections",
		.show = show_drain },
	{ .name = "listener pause",
		.send = "pause",
		.arguments = { LISTENER_ARGUMENT },
		.arguments_required = 1,
		.help = "Accept no client of a listener for a while: they wait in the kernel",
		.manual = "It stays paused until it is resumed, over reloads, crashes and upgrades; only a "
			  "restart, or "
			  "taking it out of the file, ends that" },
	{ .name = "listener resume",
		.send = "resume",
		.arguments = { LISTENER_ARGUMENT },
		.arguments_required = 1,
		.help = "Let a listener that was paused or drained serve again" },
	{ .name = "listeners",
		.help = "List the listeners, their addresses and counts",
		.manual = "With --json one with limits.per_source also tells how many sources it knows "
			  "(sources), how many "
			  "it forgot to make room for others (sources_forgotten), and how many connections "
			  "went unlimited "
			  "since it knew only connected ones (sources_unlimited)",
		.columns = listeners_columns },
	{ .name = "connections",
		.options = connections_options,
		.help = "List connections",
		.manual = "A list of many thousand disturbs nobody: it is no picture of one moment, for "
			  "connections "
			  "come and go while it is made",
		.columns = connections_columns },
	{ .name = "top",
		.options = top_options,
		.help = "Show what the listeners do, the busiest first, again and again",
		.manual = "Connections, bytes and datagrams are those of a second, on the average of the "
			  "interval. "
			  "The key q ends it",
		.check = check_top,
		.run = top_run },
	{ .name = "kill",
		.arguments = { { "ID", "id", "ID", "The connection, as the list and the log name it",
			CTL_NUMBER, CTL_ANY } },
		.options = kill_options,
		.help = "End connections at once: one by its ID, or those that a filter finds",
		.show = show_killed,
		.check = check_kill },
	{ .name = "plugins", .help = "List the plugins that are loaded", .columns = plugins_columns },
	{ .name = "certs",
		.help = "List the certificates in use, and when they expire",
		.manual = "The JSON form tells issuer, serial number and fingerprint too",
		.columns = certs_columns },
	{ .name = "metrics", .help = "Print all counters in the Prometheus text format", .show = show_text },
	{ .name = "log-level",
		.arguments = { { "LEVEL", "level", "LEVEL", "error, warning, notice, info or debug", CTL_TEXT,
			CTL_LEVELS } },
		.help = "Show the level of the log, or set it until the next start",
		.show = show_level },
	{ .name = "ban",
		.arguments = { { "ADDRESS", "address", "ADDRESS",
				       "An address, or a network such as 192.0.2.0/24", CTL_TEXT, CTL_ANY },
			{ "for", "for", "for", "The word, if the ban is to end by itself", CTL_TEXT,
				CTL_ANY },
			{ "DURATION", "for_ms", "DURATION", "How long it holds, such as 10m", CTL_DURATION,
				CTL_ANY } },
		.arguments_required = 1,
		.help = "Shut out an address or a network, for some time or until it is lifted",
		.manual = "Holds for every listener and over reloads. Connections that it meets are ended, "
			  "reason denied",
		.check = check_ban },
	{ .name = "unban",
		.arguments = { { "ADDRESS", "address", "ADDRESS", "What was banned", CTL_TEXT, CTL_ANY } },
		.arguments_required = 1,
		.help = "Lift a ban" },
	{ .name = "bans", .help = "List the bans", .columns = bans_columns },
	{ .name = "why",
		.arguments = { { "ADDRESS", "address", "ADDRESS",
				       "An address, or uid:N for a client on a unix socket", CTL_TEXT,
				       CTL_ANY },
			{ "LISTENER", "listener", "LISTENER", "The listener", CTL_TEXT, CTL_LISTENERS } },
		.arguments_required = 2,
		.help = "Tell what a listener would do with a client, and which rule decides",
		.show = show_text },
	{ .name = "reopen", .help = "Open the log file anew, as SIGUSR1 does, after it was moved away" },
};
const size_t ctl_verb_count = array_len(ctl_verbs);

const struct ctl_verb *
ctl_verb_find(char *const *words, size_t count, size_t *ret_used)
{
	for (size_t i = 0; i < ctl_verb_count; i++) {
		const char *name = ctl_verbs[i].name, *blank = strchr(name, ' ');
		size_t first = blank != NULL ? (size_t)(blank - name) : strlen(name);

		if (count == 0 || strlen(words[0]) != first || strncmp(words[0], name, first) != 0)
			continue;
		if (blank != NULL && (count < 2 || strcmp(words[1], blank + 1) != 0))
			continue;
		*ret_used = blank != NULL ? 2 : 1;
		return &ctl_verbs[i];
	}
	return NULL;
}
