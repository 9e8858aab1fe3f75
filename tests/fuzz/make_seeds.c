/* Seeds of the targets whose input is bytes that only sockd writes: a snapshot, a state, messages on a wire,
 * each written by what writes it in a daemon, so that they follow the format as it changes.
 *
 * Usage: make_seeds FOLDER, in an empty folder of one's own; makes FOLDER/TARGET/NAME. */
#include <err.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include "../unit/supervisor/child_case.h"
#include "base/fdutil.h"
#include "control/protocol.h"
#include "control/snapshot_pack.h"
#include "net/files.h"
#include "seeds.h"
#include "supervisor/admin_socket.h"
#include "supervisor/adopt.h"
#include "supervisor/bans_give.h"
#include "supervisor/holds.h"
#include "supervisor/snapshot_build.h"
#include "supervisor/supervisor.h"

static const struct configuration {
	const char *name, *text;
} configurations[] = {
	{ "no_listeners", "version: 1\n" },
	{ "one_listener", "version: 1\n"
			  "daemon: {plugin_path: [.], threads: 1}\n"
			  "listeners: {a: {listen: 'tcp4://127.0.0.1:0', handler: echo}}\n" },
	{ "every_transport",
		"version: 1\n"
		"include: ['more*.yaml']\n"
		"daemon:\n"
		"  plugin_path: [.]\n"
		"  threads: 2\n"
		"  observers: [{plugin: echo, config: {secret: {file: secret}}}]\n"
		"defaults: {timeouts: {idle: 5m}, limits: {connections: 100}}\n"
		"listeners:\n"
		"  stream:\n"
		"    listen: ['tcp4://127.0.0.1:0', 'unix:@${NAME:-fuzz-seed}', 'unix://${DIR}/s.sock']\n"
		"    handler: {plugin: echo, config: {a: [1, two, {three: '4'}]}}\n"
		"    access: {allow: [192.0.2.0/24, 2001:db8::/32]}\n"
		"    limits: {per_source: {connections: 5, rate: 20/s, burst: 40}}\n"
		"    proxy_protocol: {trust: [10.0.0.0/8], require: true}\n"
		"  datagrams: {listen: 'udp4://127.0.0.1:0', handler: echo, socket: {reuse_port: auto}}\n" },
};

static void
die(const char *what, const struct err *e)
{
	errx(EXIT_FAILURE, "%s: %s", what, e->text);
}

static void
put(const char *path, const void *bytes, size_t size, mode_t mode)
{
	auto_of(fd) int fd = open(path, O_CREAT | O_WRONLY | O_TRUNC | O_CLOEXEC, mode);

	if (fd < 0 || fd_write_all(fd, bytes, size) < 0 || fchmod(fd, mode) < 0)
		err(EXIT_FAILURE, "%s", path);
}

static void
write_seed(const char *folder, const char *target, const char *name, const struct strbuf *s)
{
	auto_of(mem) char *path = NULL;

	if (s->failed || asprintf(&path, "%s/%s", folder, target) < 0)
		errx(EXIT_FAILURE, "out of memory");
	if (mkdir(path, 0777) < 0 && errno != EEXIST)
		err(EXIT_FAILURE, "%s", path);
	free(path);
	if (asprintf(&path, "%s/%s/%s", folder, target, name) < 0)
		errx(EXIT_FAILURE, "out of memory");
	put(path, s->data, s->size, 0666);
}

/* ---- what a supervisor has ---- */

struct made {
	struct cfg_report report;
	struct snapshot *snapshot;
	struct snapshot_sockets *sockets;
};

static void
make(const char *text, struct made *m)
{
	struct cfg_record *record = cfg_record_new(NULL);
	struct config *config = NULL;
	struct err e = { 0 };

	*m = (struct made){ 0 };
	put("sockd.yaml", text, strlen(text), 0600);
	if (record == NULL || config_load("sockd.yaml", cfg_record_source(record), &config, &m->report) < 0 ||
		cfg_record_secrets(record, config) < 0)
		errx(EXIT_FAILURE, "%s: %s", text, m->report.count > 0 ? m->report.findings[0].text : "");
	cfg_record_close(record);
	if (snapshot_build_files(config, &m->report, &m->snapshot, &e) < 0 ||
		snapshot_build_sockets(m->snapshot, &m->report, &m->sockets, &e) < 0)
		errx(EXIT_FAILURE, "%s%s", e.text,
			m->report.count > 0 ? m->report.findings[m->report.count - 1].text : "");
	m->snapshot->record = record;
	m->snapshot->config_path = strdup("sockd.yaml");
	config_unref(config);
}

static void
made_fini(struct made *m)
{
	snapshot_sockets_free(m->sockets);
	snapshot_free(m->snapshot);
	cfg_report_fini(&m->report);
}

static void
pack_orders(struct state_writer *w)
{
	static const char lines[] = "192.0.2.1 9223372036854775807\n2001:db8::/32 1000\n";
	struct ban_list bans = { 0 };
	struct holds holds = { 0 };

	if (ban_list_read(&bans, lines, sizeof lines - 1) < 0 ||
		holds_set(&holds, "stream", SNAPSHOT_PAUSED) < 0)
		errx(EXIT_FAILURE, "the orders are refused");
	bans_pack(w, &bans);
	holds_pack(w, &holds);
	ban_list_fini(&bans);
	holds_fini(&holds);
}

static void
pack_admin_socket(struct state_writer *w)
{
	struct admin_socket s = {
		.fd = STDERR_FILENO, .url = strdup("unix:///run/sockd/admin.sock"), .files = net_files_new()
	};

	if (s.url == NULL || s.files == NULL || net_files_reserve(s.files, "/run/sockd/admin.sock") < 0)
		errx(EXIT_FAILURE, "out of memory");
	net_files_add(s.files, open(".", O_PATH | O_CLOEXEC));
	admin_socket_pack(w, &s);
	s.fd = -1;
	admin_socket_fini(&s);
}

/* A worker that serves. */
static void
pack_generations(struct state_writer *w)
{
	struct event_base *base = event_base_new();
	struct cfg_report report = { 0 };
	struct snapshot snapshot = { 0 };
	struct generations *all = case_generations(base, &snapshot, &report);

	generations_first(all)->state = GENERATION_SERVING;
	case_child->pid = getpid();
	generations_pack(w, all);
	case_child->pid = 0; /* there is nobody to kill */
	case_fini(base, all, &snapshot);
	cfg_report_fini(&report);
}

/* One that waits for the upgrade, and one in the middle of its line. */
static void
pack_clients(struct state_writer *w)
{
	static const char *const said[] = { "", "{\"verb\":\"sta" };

	for (unsigned i = 0; i < array_len(said); i++) {
		pack_u32(&w->body, 1);
		state_add_fd(w, STDERR_FILENO);
		pack_u32(&w->body, i == 0);
		pack_bytes(&w->body, said[i], strlen(said[i]));
	}
	pack_u32(&w->body, 0);
	pack_u32(&w->body, true); /* a reload is due */
}

static void
write_state(const char *folder, const char *name, const struct made *m)
{
	const struct adopt_head head = { .exe_path = "/usr/sbin/sockd",
		.started_ms = 1700000000000,
		.log_level = -1,
		.log_fd = STDERR_FILENO,
		.snapshot = m->snapshot };
	struct state_writer w;
	struct err e = { 0 };
	int fd;

	state_begin(&w);
	adopt_pack_head(&w, &head);
	snapshot_sockets_pack(&w, m->sockets);
	pack_admin_socket(&w);
	pack_orders(&w);
	pack_generations(&w);
	pack_clients(&w);
	write_seed(folder, "fuzz_state", name, &w.body);
	if (fd_memfd("state", w.body.data, w.body.size, &fd) < 0 ||
		supervisor_rehearse(fd, child_ops(), &e) < 0)
		die("its own state is refused", &e);
	state_writer_fini(&w);
}

static void
write_snapshot(const char *folder, const char *name, const struct made *m)
{
	struct strbuf s = { 0 };
	char fds = (char)snapshot_fd_count(m->snapshot);

	strbuf_add_bytes(&s, &fds, 1);
	snapshot_pack(&s, m->snapshot);
	write_seed(folder, "fuzz_snapshot", name, &s);
	strbuf_fini(&s);
}

/* ---- messages ---- */

/* What lies in the socket, as fuzz_wire reads it. */
static void
take_packets(int fd, struct strbuf *s)
{
	static char bytes[2 * WIRE_INLINE];
	char control[CMSG_SPACE(sizeof(int) * WIRE_FDS)];
	struct iovec part = { bytes, sizeof bytes };
	ssize_t n;

	for (;;) {
		struct msghdr m = { .msg_iov = &part,
			.msg_iovlen = 1,
			.msg_control = control,
			.msg_controllen = sizeof control };
		const struct cmsghdr *c;
		size_t count = 0;

		n = recvmsg(fd, &m, MSG_DONTWAIT | MSG_CMSG_CLOEXEC);
		if (n <= 0)
			return;
		c = CMSG_FIRSTHDR(&m);
		if (c != NULL)
			count = (c->cmsg_len - CMSG_LEN(0)) / sizeof(int);
		for (size_t i = 0; i < count; i++)
			close(((const int *)(const void *)CMSG_DATA(c))[i]);
		seed_wire_packet(s, bytes, (size_t)n, count, SEED_SEALED);
	}
}

static void
write_message(const char *folder, const char *name, enum protocol_type type, const void *body, size_t size,
	size_t fd_count)
{
	auto_of(mem) int *nulls = calloc(fd_count + 1, sizeof *nulls);
	struct strbuf s = { 0 };
	struct wire *w = NULL;
	struct err e = { 0 };
	int fds[2];

	if (nulls == NULL || wire_pair(fds, &e) < 0 || wire_new(fds[0], &w) < 0)
		die("a wire", &e);
	for (size_t i = 0; i < fd_count; i++)
		nulls[i] = STDERR_FILENO;
	do {
		if (size + fd_count > 0 || type != 0) {
			if (wire_send(w, type, 7, body, size, nulls, fd_count) < 0)
				errx(EXIT_FAILURE, "%s cannot be sent", name);
			type = 0, size = fd_count = 0;
		} else if (wire_flush(w) < 0) {
			errx(EXIT_FAILURE, "%s cannot be sent", name);
		}
		take_packets(fds[1], &s);
	} while (wire_is_waiting(w));
	write_seed(folder, "fuzz_wire", name, &s);
	strbuf_fini(&s);
	wire_free(w);
	close(fds[1]);
}

static void
write_messages(const char *folder, const struct made *m)
{
	const struct protocol_start start = { .version = protocol_version, .generation = 1 };
	static const char large[WIRE_INLINE + 1] = "large";
	struct strbuf body = { 0 };

	protocol_hello_pack(&body);
	write_message(folder, "hello", PROTOCOL_HELLO, body.data, body.size, 0);
	strbuf_reset(&body);
	protocol_start_pack(&body, &start);
	snapshot_pack(&body, m->snapshot);
	write_message(folder, "start", PROTOCOL_START, body.data, body.size, PROTOCOL_START_FDS);
	strbuf_reset(&body);
	report_pack(&body, &m->report);
	write_message(folder, "failed", PROTOCOL_FAILED, body.data, body.size, 0);
	write_message(folder, "end", PROTOCOL_END, NULL, 0, 0);
	write_message(folder, "reopen", PROTOCOL_REOPEN, NULL, 0, 1);
	write_message(folder, "large_body", PROTOCOL_RELOAD, large, sizeof large, 2);
	write_message(folder, "many_descriptors", PROTOCOL_RELOAD, "x", 1, WIRE_FDS + 3);
	strbuf_fini(&body);
}

int
main(int argc, char **argv)
{
	struct made m = { 0 };
	char folder[PATH_MAX];

	if (argc != 2)
		errx(EXIT_FAILURE, "usage: make_seeds FOLDER");
	if (getcwd(folder, sizeof folder) == NULL || setenv("DIR", folder, 1) < 0)
		err(EXIT_FAILURE, "the folder");
	put("echo.so", "shared", 6, 0755);
	put("secret", "open sesame", 11, 0600);
	put("more.yaml", "version: 1\n", 11, 0600);
	for (size_t i = 0; i < array_len(configurations); i++) {
		made_fini(&m);
		make(configurations[i].text, &m);
		write_snapshot(argv[1], configurations[i].name, &m);
		write_state(argv[1], configurations[i].name, &m);
	}
	write_messages(argv[1], &m);
	made_fini(&m);
	return EXIT_SUCCESS;
}
