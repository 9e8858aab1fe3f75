/* The rows of the keys that say who may connect, how many, how fast, and who they are. A table is one array
 * in one file; these rows are a macro only so that the file stays short enough to read. */
#ifndef CONFIG_KEYS_GUARD_H
#define CONFIG_KEYS_GUARD_H

#include "config/key.h"

#define KEYS_GUARD                                                                                           \
	{ .name = "limits.handshakes",                                                                       \
		.type = KEY_RATE,                                                                            \
		.help = "TLS handshakes begun in a time, of all sources; a client above it "                 \
			"is refused before it costs one",                                                    \
		.fallback = "off",                                                                           \
		.also = "handshake_rate ssl_rate",                                                           \
		.transports = KEY_ON_STREAMS | KEY_ON_PASSED,                                                \
		.reload = KEY_NEW_CONNECTIONS,                                                               \
		FIELD(handshakes) },                                                                         \
		{ .name = "limits.per_source",                                                               \
			.type = KEY_MAP,                                                                     \
			.help = "Limits for each client: by its IPv4 address, its IPv6 network, or its "     \
				"user on "                                                                   \
				"unix sockets; an old worker that drains counts apart from the new one",     \
			.also = "source per_ip",                                                             \
			.transports = KEY_ON_ALL },                                                          \
		{ .name = "limits.per_source.connections",                                                   \
			.type = KEY_INTEGER,                                                                 \
			.help = "Open connections of one source; a further one is refused",                  \
			.fallback = "off",                                                                   \
			.also = "max_connections",                                                           \
			.words = off_words,                                                                  \
			.min = 1,                                                                            \
			.max = 10000000,                                                                     \
			.transports = KEY_ON_STREAMS | KEY_ON_PASSED,                                        \
			.reload = KEY_NEW_CONNECTIONS,                                                       \
			FIELD(per_source.connections) },                                                     \
		{ .name = "limits.per_source.rate",                                                          \
			.type = KEY_RATE,                                                                    \
			.help = "New connections of one source in a time; on udp and unixgram its "          \
				"datagrams",                                                                 \
			.fallback = "off",                                                                   \
			.transports = KEY_ON_ALL,                                                            \
			.reload = KEY_NEW_CONNECTIONS,                                                       \
			FIELD(per_source.rate) },                                                            \
		{ .name = "limits.per_source.burst",                                                         \
			.type = KEY_INTEGER,                                                                 \
			.help = "How many may come at once before the rate holds; auto: as many as it "      \
				"allows in a second",                                                        \
			.fallback = "auto",                                                                  \
			.words = auto_words,                                                                 \
			.min = 1,                                                                            \
			.max = 1000000000,                                                                   \
			.transports = KEY_ON_ALL,                                                            \
			.reload = KEY_NEW_CONNECTIONS,                                                       \
			FIELD(per_source.burst) },                                                           \
		{ .name = "limits.per_source.action",                                                        \
			.type = KEY_WORD,                                                                    \
			.help = "reject: refuse a connection above the rate; delay: accept it and let it "   \
				"wait for its turn, as many as burst says; above that it is refused",        \
			.fallback = "reject",                                                                \
			.also = "mode",                                                                      \
			.words = action_words,                                                               \
			.transports = KEY_ON_STREAMS | KEY_ON_PASSED,                                        \
			.reload = KEY_NEW_CONNECTIONS,                                                       \
			FIELD(per_source.delay) },                                                           \
		{ .name = "limits.per_source.ipv4_prefix",                                                   \
			.type = KEY_INTEGER,                                                                 \
			.help = "Leading bits of an IPv4 address that make a source",                        \
			.fallback = "32",                                                                    \
			.min = 1,                                                                            \
			.max = 32,                                                                           \
			.transports = KEY_ON_INET | 1 << CFG_UNIX | KEY_ON_PASSED,                           \
			.reload = KEY_NEW_CONNECTIONS,                                                       \
			FIELD(per_source.ipv4_prefix) },                                                     \
		{ .name = "limits.per_source.ipv6_prefix",                                                   \
			.type = KEY_INTEGER,                                                                 \
			.help = "Leading bits of an IPv6 address that make a source",                        \
			.fallback = "64",                                                                    \
			.min = 1,                                                                            \
			.max = 128,                                                                          \
			.transports = KEY_ON_INET | 1 << CFG_UNIX | KEY_ON_PASSED,                           \
			.reload = KEY_NEW_CONNECTIONS,                                                       \
			FIELD(per_source.ipv6_prefix) },                                                     \
		{ .name = "limits.per_source.entries",                                                       \
			.type = KEY_INTEGER,                                                                 \
			.help = "Sources that are remembered, some 100 bytes each; when more come, the "     \
				"ones that were idle longest are forgotten",                                 \
			.fallback = "65536",                                                                 \
			.also = "size table_size",                                                           \
			.min = 64,                                                                           \
			.max = 16777216,                                                                     \
			.transports = KEY_ON_ALL,                                                            \
			.reload = KEY_UPGRADE,                                                               \
			FIELD(per_source.entries) },                                                         \
		{ .name = "limits.bandwidth",                                                                \
			.type = KEY_MAP,                                                                     \
			.help = "Limits of bytes in a second",                                               \
			.also = "rate_limit speed",                                                          \
			.transports = KEY_ON_STREAMS | KEY_ON_PASSED },                                      \
		{ .name = "limits.bandwidth.listener",                                                       \
			.type = KEY_MAP,                                                                     \
			.help = "All connections of the listener together, with even shares",                \
			.transports = KEY_ON_STREAMS | KEY_ON_PASSED },                                      \
		{ .name = "limits.bandwidth.listener.read",                                                  \
			.type = KEY_BANDWIDTH,                                                               \
			.help = "Bytes in a second from clients",                                            \
			.fallback = "off",                                                                   \
			.also = "in download",                                                               \
			.min = 1024,                                                                         \
			.max = INT64_C(1) << 40,                                                             \
			.transports = KEY_ON_STREAMS | KEY_ON_PASSED,                                        \
			.reload = KEY_NEW_CONNECTIONS,                                                       \
			FIELD(bandwidth.listener_read) },                                                    \
		{ .name = "limits.bandwidth.listener.write",                                                 \
			.type = KEY_BANDWIDTH,                                                               \
			.help = "Bytes in a second to clients",                                              \
			.fallback = "off",                                                                   \
			.also = "out upload",                                                                \
			.min = 1024,                                                                         \
			.max = INT64_C(1) << 40,                                                             \
			.transports = KEY_ON_STREAMS | KEY_ON_PASSED,                                        \
			.reload = KEY_NEW_CONNECTIONS,                                                       \
			FIELD(bandwidth.listener_write) },                                                   \
		{ .name = "limits.bandwidth.connection",                                                     \
			.type = KEY_MAP,                                                                     \
			.help = "One connection",                                                            \
			.transports = KEY_ON_STREAMS | KEY_ON_PASSED },                                      \
		{ .name = "limits.bandwidth.connection.read",                                                \
			.type = KEY_BANDWIDTH,                                                               \
			.help = "Bytes in a second from clients",                                            \
			.fallback = "off",                                                                   \
			.also = "in download",                                                               \
			.min = 1024,                                                                         \
			.max = INT64_C(1) << 40,                                                             \
			.transports = KEY_ON_STREAMS | KEY_ON_PASSED,                                        \
			.reload = KEY_NEW_CONNECTIONS,                                                       \
			FIELD(bandwidth.connection_read) },                                                  \
		{ .name = "limits.bandwidth.connection.write",                                               \
			.type = KEY_BANDWIDTH,                                                               \
			.help = "Bytes in a second to clients",                                              \
			.fallback = "off",                                                                   \
			.also = "out upload",                                                                \
			.min = 1024,                                                                         \
			.max = INT64_C(1) << 40,                                                             \
			.transports = KEY_ON_STREAMS | KEY_ON_PASSED,                                        \
			.reload = KEY_NEW_CONNECTIONS,                                                       \
			FIELD(bandwidth.connection_write) },                                                 \
		{ .name = "access",                                                                          \
			.type = KEY_MAP,                                                                     \
			.help = "Who may connect: the longest network that holds the client decides, deny "  \
				"wins a tie; if none does, the client is denied where allow is given",       \
			.also = "allow deny acl",                                                            \
			.transports = KEY_ON_ALL },                                                          \
		{ .name = "access.allow",                                                                    \
			.type = KEY_NETWORKS,                                                                \
			.help = "Networks that may; all for every one, {file: PATH} for a list with one a "  \
				"line",                                                                      \
			.also = "permit whitelist allowlist",                                                \
			.words = access_words,                                                               \
			.transports = KEY_ON_INET | 1 << CFG_UNIX | KEY_ON_PASSED,                           \
			.reload = KEY_NEW_CONNECTIONS,                                                       \
			FIELD(access.allow) },                                                               \
		{ .name = "access.deny",                                                                     \
			.type = KEY_NETWORKS,                                                                \
			.help = "Networks that may not",                                                     \
			.also = "block reject blacklist denylist",                                           \
			.words = access_words,                                                               \
			.transports = KEY_ON_INET | 1 << CFG_UNIX | KEY_ON_PASSED,                           \
			.reload = KEY_NEW_CONNECTIONS,                                                       \
			FIELD(access.deny) },                                                                \
		{ .name = "access.allow_users",                                                              \
			.type = KEY_USERS,                                                                   \
			.help = "Users that may on unix sockets; if it or allow_groups is given, others "    \
				"may not",                                                                   \
			.also = "users user",                                                                \
			.transports = KEY_ON_PATHS | KEY_ON_PASSED,                                          \
			.reload = KEY_NEW_CONNECTIONS,                                                       \
			FIELD(access.users) },                                                               \
		{ .name = "access.allow_groups",                                                             \
			.type = KEY_GROUPS,                                                                  \
			.help = "Groups whose members may on unix sockets; on unixgram only the group that " \
				"the sender runs with is known",                                             \
			.also = "groups group",                                                              \
			.transports = KEY_ON_PATHS | KEY_ON_PASSED,                                          \
			.reload = KEY_NEW_CONNECTIONS,                                                       \
			FIELD(access.groups) },                                                              \
		{ .name = "proxy_protocol",                                                                  \
			.type = KEY_MAP,                                                                     \
			.help = "Balancers that tell the address of their client by a PROXY header, "        \
				"version 1 or 2; rules, limits and logs then see the client",                \
			.also = "proxy",                                                                     \
			.transports = KEY_ON_STREAMS | KEY_ON_PASSED },                                      \
		{ .name = "proxy_protocol.trust",                                                            \
			.type = KEY_NETWORKS,                                                                \
			.help = "Who is believed: networks, and unix for every peer on unix sockets",        \
			.fallback = "[]",                                                                    \
			.also = "from allow trusted",                                                        \
			.words = trust_words,                                                                \
			.transports = KEY_ON_STREAMS | KEY_ON_PASSED,                                        \
			.reload = KEY_NEW_CONNECTIONS,                                                       \
			FIELD(proxy.trust) },                                                                \
		{ .name = "proxy_protocol.require",                                                          \
			.type = KEY_BOOL,                                                                    \
			.help = "true: refuse whoever is not trusted or sends no header; false: serve them " \
				"as they are",                                                               \
			.fallback = "true",                                                                  \
			.also = "required",                                                                  \
			.transports = KEY_ON_STREAMS | KEY_ON_PASSED,                                        \
			.reload = KEY_NEW_CONNECTIONS,                                                       \
			FIELD(proxy.require) },                                                              \
	{                                                                                                    \
		.name = "proxy_protocol.timeout", .type = KEY_DURATION, .help = "Until the header is there", \
		.fallback = "5s", .min = 1, .max = 3600000, .transports = KEY_ON_STREAMS | KEY_ON_PASSED,    \
		.reload = KEY_NEW_CONNECTIONS, FIELD(proxy.timeout_ms)                                       \
	}

#endif
