/* The configuration as the rest of sockd sees it: typed, checked, complete with defaults, immutable and
 * reference-counted. Everything that a person wrote keeps its place, so that a later stage (a socket that
 * cannot be bound, a plugin that refuses a setting) still names file, line and column. */
#ifndef CONFIG_CONFIG_H
#define CONFIG_CONFIG_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "base/network.h"
#include "config/node.h"

/** Durations are milliseconds; CFG_OFF is `off`. Sizes are bytes. */
enum { CFG_OFF = -1 };

/** Descriptors that sockd leaves with the service manager have names that begin so; no other may. */
#define CFG_STORED_PREFIX "sockd-kept."

/** How bytes travel. The numbers are those of enum sockd_transport in the plugin ABI. CFG_PASSED:
 * `systemd:NAME`, whose real transport is known when the descriptor is there. */
enum cfg_transport { CFG_PASSED = 0, CFG_TCP, CFG_UDP, CFG_UNIX, CFG_UNIXGRAM, CFG_TRANSPORT_COUNT };

/** One `listen:` address. */
struct cfg_address {
	struct cfg_place place;
	const char *url; /* as written */
	enum cfg_transport transport;
	int family;       /* tcp, udp: AF_INET, AF_INET6, or AF_UNSPEC (the host decides) */
	const char *host; /* tcp, udp: without brackets; "" and "*" mean any address */
	uint16_t port;    /* tcp, udp: host order; 0: the kernel chooses */
	const char *path; /* unix, unixgram: absolute path, or the abstract name without its '@' */
	bool abstract;
	const char *fd_name; /* CFG_PASSED: the name in LISTEN_FDNAMES */
};

enum cfg_reuse_port { CFG_REUSE_PORT_AUTO, CFG_REUSE_PORT_NO, CFG_REUSE_PORT_YES };

/** The `socket:` map. What does not apply to the transport keeps its default. */
struct cfg_socket {
	bool no_delay;
	struct {
		bool on;
		int64_t idle_ms, interval_ms;
		int64_t count;
	} keepalive;
	bool ipv6_only;
	enum cfg_reuse_port reuse_port;
	int64_t receive_buffer, send_buffer; /* 0: the kernel's */
	bool freebind;
	const char *device;        /* "": none */
	int64_t defer_accept_ms;   /* 0: off */
	mode_t mode;               /* unix, unixgram */
	const char *owner, *group; /* name or number; NULL: unchanged */
	struct cfg_place mode_place, owner_place, group_place;
};

struct cfg_timeouts {
	int64_t handshake_ms, first_byte_ms, idle_ms, write_ms, lifetime_ms; /* CFG_OFF: none */
};

/** One network, as the file says it or as a list file does. */
struct cfg_network {
	struct network net;
	int line;         /* where it stands, for those who explain a decision */
	const char *file; /* NULL: nowhere */
};

/** `[192.0.2.0/24, all, {file: PATH}]` with the files read and `all` as two networks. */
struct cfg_networks {
	const struct cfg_network *at;
	size_t count;
	bool unix_peers;                /* the word `unix` stands in it */
	const struct cfg_node *written; /* the list as written, NULL: not given */
};

/** One user or group. */
struct cfg_account {
	const char *name; /* as written: a name or a number */
	uint32_t id;
};

struct cfg_accounts {
	const struct cfg_account *at;
	size_t count;
	const struct cfg_node *written; /* NULL: not given */
};

struct cfg_access {
	struct cfg_networks allow, deny;
	struct cfg_accounts users, groups;
};

/** Events in a time. */
struct cfg_rate {
	int64_t count; /* 0: no limit */
	int64_t per_ms;
};

struct cfg_per_source {
	int64_t connections;  /* open ones; CFG_OFF: no limit */
	struct cfg_rate rate; /* new connections, or datagrams */
	int64_t burst;        /* 0: as many as a second's rate */
	int64_t ipv4_prefix, ipv6_prefix;
	int64_t entries; /* sources that are remembered */
	bool delay;      /* a connection above the rate waits; else it is refused */
};

/** Bytes in a second; CFG_OFF: no limit. */
struct cfg_bandwidth {
	int64_t listener_read, listener_write, connection_read, connection_write;
};

struct cfg_proxy {
	struct cfg_networks trust; /* empty: no PROXY protocol */
	bool require;
	int64_t timeout_ms;
};

struct cfg_origin;

/** A certificate with its key. */
struct cfg_certificate {
	const char *cert, *key;            /* key NULL: it is in the file of the certificate */
	const struct cfg_node *passphrase; /* a secret, as in config/value.h; NULL: none */
	struct cfg_place cert_place, key_place, passphrase_place;
	const struct cfg_origin *origins; /* as in struct cfg_listener */
};

/** A list of texts or paths; count 0: not given. */
struct cfg_texts {
	const char **at;
	size_t count;
};

enum cfg_verify { CFG_VERIFY_NONE, CFG_VERIFY_OPTIONAL, CFG_VERIFY_REQUIRED };

/** One map of TLS settings. */
struct cfg_tls {
	const char *name; /* under tls:, or the listener that it stands in */
	bool named;
	struct cfg_place place;
	size_t index; /* in config.tls */
	struct cfg_certificate *certificates;
	size_t certificate_count;
	int min_version, max_version; /* as on the wire: 0x0303, 0x0304 */
	const char *ciphers, *ciphersuites, *groups;
	struct cfg_texts alpn;
	struct {
		enum cfg_verify verify;
		struct cfg_texts ca;
		struct cfg_place ca_place;
	} server; /* how a server is verified when this is dialled with; no CA: the system's */
	struct {
		enum cfg_verify verify;
		struct cfg_texts ca, crl, allow_san, allow_fingerprint;
		int depth;
		struct cfg_place verify_place, ca_place, crl_place, san_place, fingerprint_place;
	} client; /* how clients are verified */
	bool session_tickets;
	struct cfg_texts ticket_keys, ocsp;
	bool watch;
	struct cfg_place certificates_place, ciphers_place, ciphersuites_place, groups_place, alpn_place;
	struct cfg_place ticket_keys_place, ocsp_place, max_version_place;
	/* Only where a listener names another map: */
	const char *use;
	struct cfg_place use_place;
	bool by_handler;                  /* the plugin begins TLS by sockd_conn_start_tls() */
	const struct cfg_origin *origins; /* as in struct cfg_listener */
};

/** What a listener says of TLS. */
struct cfg_tls_use {
	const struct cfg_node *node; /* as written; NULL: nothing */
	const struct cfg_tls *tls;   /* NULL: plain */
	bool by_handler;             /* plain until sockd_conn_start_tls() */
};

struct cfg_listener {
	const char *name;
	struct cfg_place place;
	struct cfg_address *addresses; /* at least one */
	size_t address_count;
	struct cfg_tls_use tls;
	const char *plugin; /* a bare name, or a path (it holds a '/') */
	struct cfg_place plugin_place;
	const struct cfg_node *settings; /* handler.config, or NULL */
	bool one_thread;                 /* threads: 1 */
	int backlog;
	struct cfg_socket socket;
	struct cfg_timeouts timeouts;
	int64_t connections_limit;
	struct cfg_per_source per_source;
	struct cfg_rate handshakes; /* TLS handshakes of all sources */
	struct cfg_bandwidth bandwidth;
	struct cfg_access access;
	struct cfg_proxy proxy;
	int64_t read_buffer, write_buffer;
	bool splice;                      /* relays move large flows without a copy */
	const struct cfg_origin *origins; /* where each key comes from; for config/print.c */
};

struct cfg_observer {
	const char *plugin;
	struct cfg_place plugin_place;
	const struct cfg_node *settings;
	const struct cfg_origin *origins; /* as in struct cfg_listener */
};

enum cfg_log_format { CFG_LOG_TEXT, CFG_LOG_JSON };

/** Words in the place of an address: where the surroundings say; nowhere. */
#define CFG_ADMIN_AUTO "auto"
#define CFG_ADMIN_OFF  "off"

struct cfg_daemon {
	const char *user, *group; /* name or number; NULL: unchanged */
	struct cfg_place user_place, group_place;
	int threads;         /* 0: auto */
	int coalesce_us;     /* 0: none */
	int64_t watchdog_ms; /* CFG_OFF: none */
	int64_t fiber_stack;
	const char **plugin_path;
	size_t plugin_path_count;
	const char *log_target; /* stderr, journal, syslog, or an absolute path */
	int log_level;          /* 3 error .. 7 debug, syslog's numbers */
	enum cfg_log_format log_format;
	struct {
		const char *listen; /* CFG_ADMIN_AUTO, CFG_ADMIN_OFF, or a unix URL */
		struct cfg_place listen_place;
		mode_t mode;
		const char *group; /* name or number; NULL: none */
		struct cfg_place group_place;
	} admin;
	int64_t shutdown_timeout_ms, shutdown_spread_ms;
	struct cfg_observer *observers;
	size_t observer_count;
	const struct cfg_origin *origins; /* as in struct cfg_listener */
};

struct config {
	struct cfg_daemon daemon;
	struct cfg_listener *listeners; /* in the order of the file */
	size_t listener_count;
	struct cfg_tls **tls; /* all maps of TLS settings, the named ones first */
	size_t tls_count, tls_named_count;
};

struct config *config_ref(struct config *c);
void config_unref(struct config *c); /* NULL is fine; the last one frees everything. Thread: any. */

/** "tcp", "udp", "unix", "unixgram", "systemd". */
const char *cfg_transport_name(enum cfg_transport t);

static inline bool
cfg_transport_is_datagram(enum cfg_transport t)
{
	return t == CFG_UDP || t == CFG_UNIXGRAM;
}

#endif
