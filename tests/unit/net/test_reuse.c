/* net/reuse.c: which sockets a following configuration keeps, and that options are put back. */
#include "net/reuse.h"

#include <netinet/in.h>
#include <netinet/tcp.h>

#include "net/overlap.h"

#include "listening.h"

/* A configuration after @p l, and what became of it. */
struct following {
	struct config *config;
	struct cfg_report report;
	struct snapshot snapshot;
	struct net_files *files;
	struct net_reuse *reuse;
	int code;
};

static void printf_like(3, 4) follow(struct following *f, struct listening *l, const char *format, ...)
{
	struct strbuf text = { 0 };
	va_list args;

	*f = (struct following){ 0 };
	strbuf_add(&text, "version: 1\nlisteners:\n");
	va_start(args, format);
	strbuf_vprintf(&text, format, args);
	va_end(args);
	ck_assert_int_eq(
		config_parse_text("next.yaml", text.data, text.size, NULL, &f->config, &f->report), 0);
	strbuf_fini(&text);
	ck_assert_int_eq(net_reuse_new(&l->snapshot, f->config, l->files, &f->reuse), 0);
	f->code = net_listen_next(f->config, 2, NULL, f->reuse, &f->report, &f->snapshot, &f->files);
}

static void
leave(struct following *f)
{
	for (size_t i = 0; i < f->snapshot.socket_count; i++)
		close(f->snapshot.sockets[i].fd);
	free(f->snapshot.sockets);
	net_files_remove(f->files);
	net_reuse_free(f->reuse);
	config_unref(f->config);
	cfg_report_fini(&f->report);
}

static bool
is_same(const struct snapshot_socket *a, const struct snapshot_socket *b)
{
	struct stat x, y;

	ck_assert_int_eq(fstat(a->fd, &x), 0);
	ck_assert_int_eq(fstat(b->fd, &y), 0);
	return x.st_ino == y.st_ino;
}

START_TEST(an_address_keeps_its_sockets_under_any_name)
{
	struct listening l = { 0 };
	struct following f;

	listening_start(&l, 2,
		"  a: {listen: 'tcp://127.0.0.1:0', handler: echo}\n"
		"  b: {listen: 'tcp://127.0.0.1:0', handler: echo}\n"
		"  u: {listen: 'udp://127.0.0.1:0', handler: echo}\n");
	expect_listening(&l);
	follow(&f, &l,
		"  v: {listen: 'udp://127.0.0.1:0', handler: echo}\n"
		"  b: {listen: 'tcp://127.0.0.1:0', handler: echo}\n");

	ck_assert_int_eq(f.code, 0);
	ck_assert_uint_eq(f.snapshot.socket_count, 3);
	ck_assert(is_same(&f.snapshot.sockets[0], &l.snapshot.sockets[2]));
	ck_assert(is_same(&f.snapshot.sockets[1], &l.snapshot.sockets[3]));
	ck_assert_uint_eq(f.snapshot.sockets[1].member, 1);
	ck_assert_uint_eq(f.snapshot.sockets[1].listener, 0);
	ck_assert(is_same(&f.snapshot.sockets[2], &l.snapshot.sockets[1])); /* b's own, not a's */
	leave(&f);
	listening_stop(&l);
}
END_TEST

START_TEST(another_spelling_finds_the_socket)
{
	struct listening l = { 0 };
	struct following f;
	unsigned port;

	listening_start(&l, 2, "  a: {listen: 'tcp://127.0.0.1:0', handler: echo}\n");
	expect_listening(&l);
	port = ntohs(((const struct sockaddr_in *)&l.snapshot.sockets[0].local)->sin_port);
	follow(&f, &l, "  a: {listen: 'tcp4://127.0.0.1:%u', handler: echo}\n", port);

	ck_assert_int_eq(f.code, 0);
	ck_assert(is_same(&f.snapshot.sockets[0], &l.snapshot.sockets[0]));
	leave(&f);
	listening_stop(&l);
}
END_TEST

START_TEST(options_change_in_place_and_are_put_back)
{
	char *folder = unit_tempdir();
	struct listening l = { 0 };
	struct following f;
	struct stat st;
	char path[4096];
	int fd;

	listening_start(&l, 1,
		"  a: {listen: 'tcp://127.0.0.1:0', handler: echo}\n"
		"  s: {listen: 'unix://%s/s', handler: echo}\n",
		folder);
	expect_listening(&l);
	fd = l.snapshot.sockets[0].fd;
	snprintf(path, sizeof path, "%s/s", folder);
	follow(&f, &l,
		"  a: {listen: 'tcp://127.0.0.1:0', handler: echo, socket: {no_delay: false}}\n"
		"  s: {listen: 'unix://%s/s', handler: echo, socket: {mode: '0666'}}\n",
		folder);

	ck_assert_int_eq(f.code, 0);
	ck_assert_int_eq(number_option(fd, IPPROTO_TCP, TCP_NODELAY), 0);
	ck_assert_int_eq(lstat(path, &st), 0);
	ck_assert_int_eq(st.st_mode & 0777, 0666);

	net_reuse_undo(f.reuse);
	ck_assert_int_ne(number_option(fd, IPPROTO_TCP, TCP_NODELAY), 0);
	ck_assert_int_eq(lstat(path, &st), 0);
	ck_assert_int_eq(st.st_mode & 0777, 0600);
	leave(&f);
	listening_stop(&l);
	unit_tempdir_remove(folder);
}
END_TEST

START_TEST(a_failure_leaves_nothing_new_behind)
{
	char *folder = unit_tempdir();
	struct listening l = { 0 };
	struct following f;
	struct stat st;
	char path[4096];
	int before;

	listening_start(&l, 1, "  a: {listen: 'tcp://127.0.0.1:0', handler: echo}\n");
	expect_listening(&l);
	before = fd_count_open();
	snprintf(path, sizeof path, "%s/s", folder);
	follow(&f, &l,
		"  a: {listen: 'tcp://127.0.0.1:0', handler: echo}\n"
		"  s: {listen: 'unix://%s/s', handler: echo}\n"
		"  t: {listen: 'unix://%s/none/t', handler: echo}\n",
		folder, folder);

	ck_assert_int_lt(f.code, 0);
	ck_assert_int_eq(lstat(path, &st), -1);
	ck_assert_int_eq(fd_count_open(), before);
	leave(&f);
	listening_stop(&l);
	unit_tempdir_remove(folder);
}
END_TEST

/* @return 0 or the errno of connect() */
static int
try_tcp(unsigned port)
{
	struct sockaddr_in a = { .sin_family = AF_INET,
		.sin_port = htons((in_port_t)port),
		.sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0), result;

	ck_assert_int_ge(fd, 0);
	result = connect(fd, (struct sockaddr *)&a, sizeof a) == 0 ? 0 : errno;
	close(fd);
	return result;
}

static bool
has_queued(int fd)
{
	int conn = accept4(fd, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);

	if (conn >= 0)
		close(conn);
	return conn >= 0;
}

START_TEST(one_bound_beside_takes_nobody_before_it_listens)
{
	struct listening l = { 0 };
	struct following f;
	unsigned port;
	int old, fresh;

	listening_start(&l, 1, "  a: {listen: 'tcp://0.0.0.0:0', handler: echo}\n");
	expect_listening(&l);
	old = l.snapshot.sockets[0].fd;
	port = overlap_port(&l.snapshot.sockets[0].local);
	follow(&f, &l, "  a: {listen: 'tcp://127.0.0.1:%u', handler: echo}\n", port);
	ck_assert_int_eq(f.code, 0);
	fresh = f.snapshot.sockets[0].fd;

	ck_assert_int_eq(try_tcp(port), 0);
	ck_assert(has_queued(old));

	ck_assert_int_eq(overlap_listen(&f.config->listeners[0], CFG_TCP, fresh), 0);
	ck_assert_int_eq(number_option(fresh, SOL_SOCKET, SO_REUSEPORT), 0);
	ck_assert_int_eq(try_tcp(port), 0);
	ck_assert(has_queued(fresh));
	ck_assert(!has_queued(old));
	leave(&f);
	listening_stop(&l);
}
END_TEST

START_TEST(one_that_steps_aside_keeps_its_queue_and_gets_no_more)
{
	struct listening l = { 0 };
	struct following f;
	unsigned port;
	int old, fresh;

	listening_start(&l, 1, "  a: {listen: 'tcp://127.0.0.1:0', handler: echo}\n");
	expect_listening(&l);
	old = l.snapshot.sockets[0].fd;
	port = overlap_port(&l.snapshot.sockets[0].local);
	follow(&f, &l, "  a: {listen: 'tcp://0.0.0.0:%u', handler: echo}\n", port);
	ck_assert_int_eq(f.code, 0);
	fresh = f.snapshot.sockets[0].fd;
	ck_assert_int_eq(overlap_listen(&f.config->listeners[0], CFG_TCP, fresh), 0);

	ck_assert_int_eq(try_tcp(port), 0);
	ck_assert_int_eq(overlap_step_aside(CFG_TCP, old), 0);
	ck_assert_int_eq(try_tcp(port), 0);

	ck_assert(has_queued(old));
	ck_assert(!has_queued(old));
	ck_assert(has_queued(fresh));
	leave(&f);
	listening_stop(&l);
}
END_TEST

START_TEST(what_was_lent_is_taken_back)
{
	struct listening l = { 0 };
	struct following f;
	int old;

	listening_start(&l, 1, "  a: {listen: 'tcp://127.0.0.1:0', handler: echo}\n");
	expect_listening(&l);
	old = l.snapshot.sockets[0].fd;
	follow(&f, &l, "  a: {listen: 'tcp://0.0.0.0:%u', handler: echo}\n",
		overlap_port(&l.snapshot.sockets[0].local));
	ck_assert_int_eq(f.code, 0);
	ck_assert_int_eq(number_option(old, SOL_SOCKET, SO_REUSEPORT), 1);

	net_reuse_undo(f.reuse);

	ck_assert_int_eq(number_option(old, SOL_SOCKET, SO_REUSEPORT), 0);
	leave(&f);
	listening_stop(&l);
}
END_TEST

UNIT_TESTS("reuse", an_address_keeps_its_sockets_under_any_name, another_spelling_finds_the_socket,
	options_change_in_place_and_are_put_back, a_failure_leaves_nothing_new_behind,
	one_bound_beside_takes_nobody_before_it_listens,
	one_that_steps_aside_keeps_its_queue_and_gets_no_more, what_was_lent_is_taken_back)
