/* Whole files: what they come to, and what is said of wrong ones. Each row names the place. */
#include "config/load.h"

#include <stdlib.h>
#include <unistd.h>

#include "fixture.h"

/* A listener that is complete but for what a row adds: keys of it begin at line 5, column 5. */
#define ECHO(more) \
	"version: 1\nlisteners:\n  echo:\n    listen: tcp://127.0.0.1:7000\n" more "\n    handler: echo\n"
#define UDP(more) \
	"version: 1\nlisteners:\n  u:\n    listen: udp://127.0.0.1:7000\n" more "\n    handler: echo\n"
#define UNIX(more)   "version: 1\nlisteners:\n  s:\n    listen: unix:///run/s\n" more "\n    handler: echo\n"
#define DAEMON(more) "version: 1\ndaemon:\n  " more "\n"

struct row {
	const char *text, *says;
};

static void
refuse_rows(const struct row *rows, size_t count)
{
	for (size_t i = 0; i < count; i++)
		assert_refused(rows[i].text, rows[i].says);
}

START_TEST(an_empty_configuration_has_every_default)
{
	struct load l = assert_taken("version: 1\n");
	const struct cfg_daemon *d = &l.config->daemon;

	ck_assert_uint_eq(l.config->listener_count, 0);
	ck_assert_int_eq(d->threads, 0);
	ck_assert_int_eq(d->fiber_stack, 256 * 1024);
	ck_assert_uint_eq(d->plugin_path_count, 1);
	ck_assert_int_eq(d->plugin_path[0][0], '/');
	ck_assert_str_eq(d->log_target, "stderr");
	ck_assert_int_eq(d->log_level, 6);
	ck_assert_int_eq(d->log_format, CFG_LOG_TEXT);
	ck_assert_int_eq(d->shutdown_timeout_ms, 25000);
	ck_assert_int_eq(d->shutdown_spread_ms, 0);
	ck_assert_uint_eq(d->observer_count, 0);
	ck_assert_ptr_nonnull(strstr(load_says(&l), "warning: there are no listeners"));
	load_done(&l);
}
END_TEST

START_TEST(a_listener_has_every_default)
{
	struct load l = assert_taken(ECHO(""));
	const struct cfg_listener *e = &l.config->listeners[0];

	ck_assert_str_eq(e->name, "echo");
	ck_assert_int_eq(e->place.line, 3);
	ck_assert_uint_eq(e->address_count, 1);
	ck_assert_int_eq(e->addresses[0].transport, CFG_TCP);
	ck_assert_int_eq(e->addresses[0].port, 7000);
	ck_assert_int_eq(e->addresses[0].place.line, 4);
	ck_assert_str_eq(e->plugin, "echo");
	ck_assert_int_eq(e->plugin_place.line, 6);
	ck_assert_ptr_null(e->settings);
	ck_assert(!e->one_thread);
	ck_assert_int_eq(e->backlog, 4096);
	ck_assert(e->socket.no_delay);
	ck_assert(e->socket.keepalive.on);
	ck_assert_int_eq(e->socket.keepalive.idle_ms, 60000);
	ck_assert_int_eq(e->socket.keepalive.interval_ms, 15000);
	ck_assert_int_eq(e->socket.keepalive.count, 4);
	ck_assert(!e->socket.ipv6_only);
	ck_assert_int_eq(e->socket.reuse_port, CFG_REUSE_PORT_AUTO);
	ck_assert_int_eq(e->socket.receive_buffer, 0);
	ck_assert_int_eq(e->socket.send_buffer, 0);
	ck_assert(!e->socket.freebind);
	ck_assert_str_eq(e->socket.device, "");
	ck_assert_int_eq(e->socket.defer_accept_ms, 0);
	ck_assert_int_eq(e->socket.mode, 0600);
	ck_assert_ptr_null(e->socket.owner);
	ck_assert_ptr_null(e->socket.group);
	ck_assert_int_eq(e->timeouts.first_byte_ms, CFG_OFF);
	ck_assert_int_eq(e->timeouts.idle_ms, CFG_OFF);
	ck_assert_int_eq(e->timeouts.write_ms, 30000);
	ck_assert_int_eq(e->timeouts.lifetime_ms, CFG_OFF);
	ck_assert_int_eq(e->connections_limit, 10000);
	ck_assert_int_eq(e->read_buffer, 64 * 1024);
	ck_assert_int_eq(e->write_buffer, 256 * 1024);
	load_done(&l);
}
END_TEST

START_TEST(every_key_reaches_its_field)
{
	struct load l = assert_taken(
		"version: 1\n"
		"daemon:\n"
		"  threads: 3\n"
		"  fiber_stack: 1MiB\n"
		"  plugin_path: [/a, b]\n"
		"  log: {target: /var/log/sockd, level: error, format: json}\n"
		"  shutdown: {timeout: 1m, spread: 10s}\n"
		"  observers: [audit, {plugin: ./o.so, config: {a: 1}}]\n"
		"listeners:\n"
		"  x:\n"
		"    listen: ['tcp://[::1]:1', unix:@abc]\n"
		"    handler: {plugin: sub/echo.so, config: {greeting: hi}}\n"
		"    threads: 1\n"
		"    backlog: 5\n"
		"    socket: {no_delay: false, keepalive: {idle: 2s, interval: 3s, count: 9}, ipv6_only: "
		"true,\n"
		"      reuse_port: true, receive_buffer: 1K, send_buffer: 2K, freebind: true, device: lo,\n"
		"      defer_accept: 4s, mode: \"0666\", owner: root, group: adm}\n"
		"    timeouts: {first_byte: 1s, idle: 2s, write: off, lifetime: 1d}\n"
		"    limits: {connections: 3}\n"
		"    buffers: {read: 4K, write: 8K}\n");
	const struct cfg_listener *x = &l.config->listeners[0];
	const struct cfg_daemon *d = &l.config->daemon;

	ck_assert_int_eq(d->threads, 3);
	ck_assert_int_eq(d->fiber_stack, 1024 * 1024);
	ck_assert_uint_eq(d->plugin_path_count, 2);
	ck_assert_str_eq(d->plugin_path[0], "/a");
	ck_assert_str_eq(d->plugin_path[1], "b");
	ck_assert_str_eq(d->log_target, "/var/log/sockd");
	ck_assert_int_eq(d->log_level, 3);
	ck_assert_int_eq(d->log_format, CFG_LOG_JSON);
	ck_assert_int_eq(d->shutdown_timeout_ms, 60000);
	ck_assert_int_eq(d->shutdown_spread_ms, 10000);
	ck_assert_uint_eq(d->observer_count, 2);
	ck_assert_str_eq(d->observers[0].plugin, "audit");
	ck_assert_str_eq(d->observers[1].plugin, "./o.so");
	ck_assert_str_eq(cfg_node_get(d->observers[1].settings, "a")->text, "1");
	ck_assert_uint_eq(x->address_count, 2);
	ck_assert_str_eq(x->addresses[0].host, "::1");
	ck_assert_str_eq(x->addresses[1].path, "abc");
	ck_assert(x->addresses[1].abstract);
	ck_assert_str_eq(x->plugin, "sub/echo.so");
	ck_assert_str_eq(cfg_node_get(x->settings, "greeting")->text, "hi");
	ck_assert(x->one_thread);
	ck_assert_int_eq(x->backlog, 5);
	ck_assert(!x->socket.no_delay);
	ck_assert_int_eq(x->socket.keepalive.idle_ms, 2000);
	ck_assert_int_eq(x->socket.keepalive.interval_ms, 3000);
	ck_assert_int_eq(x->socket.keepalive.count, 9);
	ck_assert(x->socket.ipv6_only);
	ck_assert_int_eq(x->socket.reuse_port, CFG_REUSE_PORT_YES);
	ck_assert_int_eq(x->socket.receive_buffer, 1024);
	ck_assert_int_eq(x->socket.send_buffer, 2048);
	ck_assert(x->socket.freebind);
	ck_assert_str_eq(x->socket.device, "lo");
	ck_assert_int_eq(x->socket.defer_accept_ms, 4000);
	ck_assert_int_eq(x->socket.mode, 0666);
	ck_assert_str_eq(x->socket.owner, "root");
	ck_assert_int_eq(x->socket.owner_place.line, 17);
	ck_assert_str_eq(x->socket.group, "adm");
	ck_assert_int_eq(x->timeouts.first_byte_ms, 1000);
	ck_assert_int_eq(x->timeouts.idle_ms, 2000);
	ck_assert_int_eq(x->timeouts.write_ms, CFG_OFF);
	ck_assert_int_eq(x->timeouts.lifetime_ms, 86400000);
	ck_assert_int_eq(x->connections_limit, 3);
	ck_assert_int_eq(x->read_buffer, 4096);
	ck_assert_int_eq(x->write_buffer, 8192);
	load_done(&l);
}
END_TEST

START_TEST(short_forms_mean_the_long_ones)
{
	struct load l = assert_taken(
		"version: 1\ndaemon: {log: journal}\n"
		"listeners: {a: {listen: tcp://*:1, handler: echo, socket: {keepalive: false}}}\n");

	ck_assert_str_eq(l.config->daemon.log_target, "journal");
	ck_assert(!l.config->listeners[0].socket.keepalive.on);
	ck_assert_int_eq(l.config->listeners[0].socket.keepalive.count, 4);
	load_done(&l);
}
END_TEST

START_TEST(defaults_go_to_listeners_that_can_use_them)
{
	struct load l = assert_taken(
		"version: 1\n"
		"defaults: {backlog: 9, timeouts: {idle: 1s}, socket: {mode: \"0666\", group: g}}\n"
		"listeners:\n"
		"  t: {listen: tcp://*:1, handler: echo, timeouts: {idle: 2s}}\n"
		"  d: {listen: udp://*:1, handler: echo}\n"
		"  u: {listen: unix:///s, handler: echo}\n");
	const struct cfg_listener *all = l.config->listeners;

	ck_assert_int_eq(all[0].backlog, 9);
	ck_assert_int_eq(all[0].timeouts.idle_ms, 2000);
	ck_assert_int_eq(all[0].socket.mode, 0600);
	ck_assert_int_eq(all[1].timeouts.idle_ms, CFG_OFF);
	ck_assert_int_eq(all[2].timeouts.idle_ms, 1000);
	ck_assert_int_eq(all[2].socket.mode, 0666);
	ck_assert_str_eq(all[2].socket.group, "g");
	ck_assert_int_eq(all[2].socket.group_place.line, 2);
	load_done(&l);
}
END_TEST

START_TEST(keys_without_a_value_are_not_there)
{
	struct load l = assert_taken(
		"version: 1\ninclude:\ndaemon:\n  log:\n  observers:\ndefaults: ~\nlisteners: null\n");

	ck_assert_uint_eq(l.config->listener_count, 0);
	load_done(&l);
	assert_refused(
		DAEMON("threads:"), "t.yaml:3:11: error: 'threads' has to be a whole number, not nothing");
}
END_TEST

START_TEST(unknown_keys_come_with_the_key_that_was_meant)
{
	static const struct row rows[] = {
		{ "version: 1\nlistener: {}\n",
			"t.yaml:2:1: error: unknown key 'listener' in the file; did you mean 'listeners'?" },
		{ ECHO("    adress: x"), "t.yaml:5:5: error: unknown key 'adress' in listener 'echo'; did "
					 "you mean 'listen'?" },
		{ ECHO("    hanlder: x"), "did you mean 'handler'? (keys here: listen tls handler threads" },
		{ ECHO("    socket: {nodelay: true}"),
			"t.yaml:5:14: error: unknown key 'nodelay' in 'socket' of listener 'echo'; did you "
			"mean 'no_delay'?" },
		{ ECHO("    zebra: x"), "unknown key 'zebra' in listener 'echo' (keys here" },
		{ DAEMON("log: {levl: info}"),
			"t.yaml:3:9: error: unknown key 'levl' in 'log' of 'daemon'; did you mean 'level'" },
		{ DAEMON("observers: [{plugin: a, x: 1}]"),
			"t.yaml:3:27: error: unknown key 'x' in an observer" },
	};

	refuse_rows(rows, array_len(rows));
}
END_TEST

START_TEST(keys_that_are_not_sockds_are_refused_with_what_to_do_instead)
{
	static const struct row rows[] = {
		{ DAEMON("metrics: {}"), "'metrics' is no key of sockd: serve them over HTTP by a listener "
					 "with `handler: metrics`" },
	};

	refuse_rows(rows, array_len(rows));
}
END_TEST

START_TEST(wrong_values_are_refused_with_what_to_write)
{
	static const struct row rows[] = {
		{ ECHO("    timeouts: {idle: 30}"),
			"t.yaml:5:22: error: 'timeouts.idle': 30 has no unit; write 30s" },
		{ ECHO("    timeouts: {idle: 0}"),
			"'timeouts.idle': 0 is out of range; write 1ms to 365d, or off" },
		{ ECHO("    timeouts: {write: never}"), "'never' is not a duration" },
		{ ECHO("    buffers: {read: 1}"),
			"t.yaml:5:21: error: 'buffers.read': 1 is out of range; write 4KiB to 16MiB" },
		{ ECHO("    buffers: {write: 64kb}"), "write 64KiB" },
		{ ECHO("    backlog: 0"),
			"t.yaml:5:14: error: 'backlog': 0 is out of range; write 1 to 65535" },
		{ ECHO("    backlog: 99999999999999999999"), "is out of range; write 1 to 65535" },
		{ ECHO("    backlog: many"), "'backlog': 'many' is not a whole number" },
		{ ECHO("    backlog: [1]"),
			"t.yaml:5:14: error: 'backlog' has to be a whole number, not a list" },
		{ ECHO("    limits: {connections: 10000001}"), "write 1 to 10000000" },
		{ ECHO("    limits: 5"), "t.yaml:5:13: error: 'limits' has to be a map, not text" },
		{ ECHO("    socket: []"), "'socket' has to be a map, not a list" },
		{ ECHO("    socket: {no_delay: yes}"),
			"'socket.no_delay': 'yes' is not a truth value here; write true" },
		{ ECHO("    socket: {no_delay: {}}"),
			"'socket.no_delay' has to be true or false, not a map" },
		{ ECHO("    socket: {keepalive: off}"), "write false" },
		{ ECHO("    socket: {keepalive: {idle: 1500ms}}"), "1500ms is not whole seconds; write 2s" },
		{ ECHO("    socket: {reuse_port: maybe}"), "write auto, false, true" },
		{ ECHO("    socket: {reuse_port: {}}"), "'socket.reuse_port' has to be a word, not a map" },
		{ ECHO("    socket: {device: a123456789012345}"), "has more than 15 bytes" },
		{ ECHO("    threads: 2"), "'threads': '2' is unknown; write all, 1" },
		{ UNIX("    socket: {mode: 660}"),
			"t.yaml:5:20: error: 'socket.mode': mode 660 is decimal; write \"0660\"" },
		{ UNIX("    socket: {mode: {}}"), "'socket.mode' has to be a file mode" },
		{ UNIX("    socket: {owner: []}"), "'socket.owner' has to be text, not a list" },
		{ DAEMON("threads: 2000"), "'threads': 2000 is out of range; write 1 to 1024" },
		{ DAEMON("threads: atuo"),
			"'atuo' is unknown, did you mean 'auto'?; write auto, or a number" },
		{ DAEMON("threads: []"), "'threads' has to be a whole number, not a list" },
		{ DAEMON("fiber_stack: 1KiB"), "write 32KiB to 64MiB" },
		{ DAEMON("fiber_stack: {}"), "has to be a size, not a map" },
		{ DAEMON("log: {target: stdout}"), "write stderr, journal, syslog, or an absolute path" },
		{ DAEMON("log: {target: []}"), "'log.target' has to be text" },
		{ DAEMON("log: {level: verbose}"), "write error, warning, notice, info, debug" },
		{ DAEMON("log: {level: }"), "'log.level' has to be a word, not nothing" },
		{ DAEMON("shutdown: {timeout: off}"),
			"'shutdown.timeout': off is out of range; write 0s to 7d" },
		{ DAEMON("shutdown: {timeout: {}}"), "'shutdown.timeout' has to be a duration, not a map" },
		{ DAEMON("plugin_path: [{}]"), "'plugin_path' has to be a path, not a map" },
		{ DAEMON("plugin_path: ''"), "the path is empty" },
		{ DAEMON("observers: [{}]"), "an observer has no 'plugin'; add 'plugin: audit'" },
		{ DAEMON("observers: [[]]"), "an observer has to be a map, not a list" },
		{ DAEMON("observers: ['']"), "'plugin': the name is empty" },
		{ "version: 2\n",
			"t.yaml:1:10: error: this sockd reads files of version 1; write 'version: 1'" },
		{ "version: x\n", "'version': 'x' is not a whole number" },
		{ "daemon: {}\n", "t.yaml:1:1: error: the key 'version' is missing" },
		{ "", "t.yaml:1:1: error: the key 'version' is missing" },
		{ "version: 1\nlisteners: []\n",
			"t.yaml:2:12: error: 'listeners' has to be a map, not a list" },
		{ "version: 1\nlisteners: {a: 5}\n",
			"t.yaml:2:16: error: listener 'a' has to be a map, not text" },
		{ "- a\n", "t.yaml:1:1: error: a configuration is a map of keys, not a list" },
		{ "hello\n", "a configuration is a map of keys, not text; is a ':' missing?" },
	};

	refuse_rows(rows, array_len(rows));
}
END_TEST

START_TEST(what_is_missing_is_named)
{
	static const struct row rows[] = {
		{ "version: 1\nlisteners:\n  a: {handler: echo}\n",
			"t.yaml:3:3: error: listener 'a' has no 'listen'; add 'listen: "
			"tcp://127.0.0.1:7000'" },
		{ "version: 1\nlisteners:\n  a: {listen: tcp://*:1}\n",
			"listener 'a' has no 'handler'; add 'handler: echo'" },
		{ "version: 1\nlisteners:\n  a: {listen: tcp://*:1, handler: {}}\n",
			"t.yaml:3:26: error: 'handler' of listener 'a' has no 'plugin'" },
		{ "version: 1\nlisteners:\n  a:\n", "listener 'a' has no 'listen'" },
		{ "version: 1\nlisteners:\n  a: {listen: [], handler: x}\n", "'listen' holds no address" },
		{ "version: 1\nlisteners:\n  a: {listen: [tcp://*:1, {}], handler: x}\n",
			"t.yaml:3:27: error: 'listen' has to be text, not a map" },
		{ "version: 1\nlisteners:\n  a: {listen: {}, handler: x}\n",
			"'listen' has to be text, not a map" },
		{ ECHO("    handler: {plugin: x, config: 5}"), "'handler.config' has to be a map, not text" },
	};

	refuse_rows(rows, array_len(rows));
}
END_TEST

START_TEST(keys_that_do_not_fit_the_transport_are_refused)
{
	static const struct row rows[] = {
		{ UDP("    backlog: 1"), "t.yaml:5:5: error: 'backlog' does not apply to udp, only to tcp, "
					 "unix; remove it from listener 'u'" },
		{ UDP("    timeouts: {idle: 1s}"), "'timeouts' does not apply to udp" },
		{ UDP("    limits: {connections: 1}"), "'limits.connections' does not apply to udp" },
		{ UDP("    socket: {no_delay: true}"),
			"'socket.no_delay' does not apply to udp, only to tcp, systemd" },
		{ UDP("    socket: {mode: \"0600\"}"),
			"'socket.mode' does not apply to udp, only to unix, unixgram" },
		{ ECHO("    socket: {mode: \"0600\"}"), "'socket.mode' does not apply to tcp" },
		{ UNIX("    socket: {ipv6_only: true}"),
			"'socket.ipv6_only' does not apply to unix, only to tcp, udp" },
		{ UNIX("    socket: {keepalive: {}}"), "'socket.keepalive' does not apply to unix" },
		{ "version: 1\nlisteners: {a: {listen: systemd:x, handler: e, backlog: 3}}\n",
			"'backlog' does not apply to systemd" },
		{ "version: 1\ndefaults: {listen: tcp://*:1}\n",
			"t.yaml:2:12: error: 'listen' is a listener's own key; move it to a listener" },
		{ "version: 1\ndefaults: {handler: echo}\n", "'handler' is a listener's own key" },
	};

	refuse_rows(rows, array_len(rows));
	for (int i = 0; i < 1; i++) { /* a list takes what one of its transports can use */
		struct load l = assert_taken(
			"version: 1\nlisteners: {a: {listen: [udp://*:1, tcp://*:1], handler: e, "
			"backlog: 3}}\n");

		ck_assert_int_eq(l.config->listeners[0].backlog, 3);
		load_done(&l);
	}
}
END_TEST

START_TEST(listener_names_are_words)
{
	struct load l = assert_taken("version: 1\nlisteners: {A-z_0.9: {listen: tcp://*:1, handler: e}}\n");

	load_done(&l);
	assert_refused("version: 1\nlisteners: {\"a b\": {listen: tcp://*:1, handler: e}}\n",
		"t.yaml:2:13: error: 'a b' cannot be the name of a listener");
	assert_refused(
		"version: 1\nlisteners: {\"\": {listen: tcp://*:1, handler: e}}\n", "cannot be the name");
	assert_refused("version: 1\nlisteners: {"
		       "a2345678901234567890123456789012345678901234567890123456789012345: {listen: "
		       "tcp://*:1, handler: e}}\n",
		"1 to 64 of");
}
END_TEST

START_TEST(every_error_is_told_in_one_run)
{
	struct load l = load_text(
		"version: 1\nfoo: 1\ndaemon: {threads: x, bar: 1}\n"
		"listeners: {a: {listen: tcp://*, handler: e}, b: {listen: udp://*:1, backlog: 1}}\n");

	ck_assert_int_eq(l.result, -EINVAL);
	ck_assert_uint_eq(l.report.errors, 6);
	ck_assert_ptr_nonnull(strstr(load_says(&l), "6 errors; nothing was changed\n"));
	load_done(&l);
}
END_TEST

START_TEST(an_unset_variable_is_told_once)
{
	struct load l = load_text(
		"version: ${NOPE}\ninclude: ${NOPE}\ndaemon: {log: \"${NOPE}\", threads: \"${NOPE}\", "
		"observers: [\"${NOPE}\"], plugin_path: [\"${NOPE}\"]}\n"
		"listeners: {a: {listen: \"${NOPE}\", handler: \"${NOPE}\"}}\n");

	ck_assert_int_eq(l.result, -EINVAL);
	ck_assert_msg(l.report.errors == 8, "%s", load_says(&l));
	load_done(&l);
}
END_TEST

START_TEST(a_reference_keeps_a_configuration)
{
	struct load l = assert_taken(ECHO(""));
	struct config *kept = config_ref(l.config);

	load_done(&l);
	ck_assert_str_eq(kept->listeners[0].name, "echo");
	config_unref(kept);
	config_unref(NULL);
}
END_TEST

START_TEST(a_missing_file_is_told_with_its_cause)
{
	struct cfg_report report = { 0 };
	struct strbuf text = { 0 };
	struct config *config = NULL;

	ck_assert_int_eq(config_load("/nonexistent/sockd.yaml", NULL, &config, &report), -ENOENT);
	cfg_report_print(&report, &text, false);
	ck_assert_str_eq(text.data, "error: cannot read /nonexistent/sockd.yaml: No such file or directory\n"
				    "1 error; nothing was changed\n");
	ck_assert_ptr_null(config);
	strbuf_fini(&text);
	cfg_report_fini(&report);
}
END_TEST

START_TEST(the_admin_socket_is_known_whatever_else_is_wrong)
{
	static const struct {
		const char *text, *listen; /* NULL: it cannot be told */
	} rows[] = {
		{ "version: 1\n", "auto" },
		{ "version: 1\nfoo: 1\ndaemon: {threads: x, admin: \"unix:@a\"}\nlisteners: {a: 1}\n",
			"unix:@a" },
		{ "version: 1\ndaemon: {threads: x}\n", "auto" },
		{ "version: 1\ndaemon: {admin: {listn: \"unix:@a\"}}\n", NULL },
		{ "version: 1\nlisteners: [\n", NULL },
	};
	char path[] = "/tmp/sockd-test-load-XXXXXX";
	int fd = mkstemp(path);

	ck_assert_int_ge(fd, 0);
	for (size_t i = 0; i < array_len(rows); i++) {
		struct cfg_report report = { 0 };
		char *listen = NULL;
		int size = (int)strlen(rows[i].text);

		ck_assert_int_eq(ftruncate(fd, 0), 0);
		ck_assert_int_eq(pwrite(fd, rows[i].text, (size_t)size, 0), size);
		ck_assert_int_eq(
			config_admin_listen(path, &listen, &report), rows[i].listen != NULL ? 0 : -EINVAL);
		if (rows[i].listen != NULL)
			ck_assert_str_eq(listen, rows[i].listen);
		else
			ck_assert_ptr_null(listen);
		free(listen);
		cfg_report_fini(&report);
	}
	close(fd);
	unlink(path);
}
END_TEST

START_TEST(transports_and_libraries_have_names)
{
	ck_assert_str_eq(cfg_transport_name(CFG_PASSED), "systemd");
	ck_assert_str_eq(cfg_transport_name(CFG_UNIXGRAM), "unixgram");
	ck_assert_int_eq(cfg_yaml_version()[0], '0');
}
END_TEST

UNIT_TESTS("load", an_empty_configuration_has_every_default, a_listener_has_every_default,
	every_key_reaches_its_field, short_forms_mean_the_long_ones,
	defaults_go_to_listeners_that_can_use_them, keys_without_a_value_are_not_there,
	unknown_keys_come_with_the_key_that_was_meant,
	keys_that_are_not_sockds_are_refused_with_what_to_do_instead,
	wrong_values_are_refused_with_what_to_write, what_is_missing_is_named,
	keys_that_do_not_fit_the_transport_are_refused, listener_names_are_words,
	every_error_is_told_in_one_run, an_unset_variable_is_told_once, a_reference_keeps_a_configuration,
	a_missing_file_is_told_with_its_cause, the_admin_socket_is_known_whatever_else_is_wrong,
	transports_and_libraries_have_names)
