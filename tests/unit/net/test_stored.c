/* net/stored.c: what is kept is known again by what it is, and by nothing that a stranger could have made. */
#include "net/stored.h"

#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>

#include "listening.h"

enum { MOST = 16 };

/* What a manager has after the sockd of @p l was killed: names and duplicates. */
struct kept {
	char names[MOST][NET_STORED_NAME_SIZE];
	int fds[MOST];
	size_t count;
};

static struct kept
keep(const struct listening *l)
{
	struct kept k = { 0 };

	for (size_t i = 0; i < l->snapshot.socket_count; i++, k.count++) {
		const struct snapshot_socket *s = &l->snapshot.sockets[i];

		ck_assert_uint_lt(k.count, MOST);
		ck_assert_int_eq(net_stored_name(s, l->config->listeners[s->listener].name, l->files,
					 k.names[k.count]),
			0);
		k.fds[k.count] = fcntl(s->fd, F_DUPFD_CLOEXEC, 0);
	}
	return k;
}

/* As a kill leaves it: the files stay. */
static void
killed(struct listening *l)
{
	net_files_leave(l->files);
	l->files = NULL;
	listening_stop(l);
}

static struct {
	char urls[MOST][128], why[128];
	size_t count;
} refused;

static void
on_refused(void *arg, const char *name, const char *url, const char *why)
{
	ck_assert_ptr_eq(arg, &refused);
	ck_assert_str_ne(name, "");
	ck_assert_uint_lt(refused.count, MOST);
	snprintf(refused.urls[refused.count++], sizeof refused.urls[0], "%s", url);
	snprintf(refused.why, sizeof refused.why, "%s", why);
}

/* Another sockd, with what was kept; the descriptors move. */
static void printf_like(4, 5)
	start_again(struct listening *l, const struct kept *k, unsigned loops, const char *format, ...)
{
	va_list args;

	memset(&refused, 0, sizeof refused);
	*l = (struct listening){ .passed = net_passed_new() };
	ck_assert_int_eq(net_passed_add(l->passed, "another", open("/dev/null", O_RDONLY | O_CLOEXEC)), 0);
	for (size_t i = 0; i < k->count; i++)
		ck_assert_int_eq(net_passed_add(l->passed, k->names[i], k->fds[i]), 0);
	ck_assert_int_eq(net_stored_new(l->passed, &l->stored), 0);
	va_start(args, format);
	listening_load(l, format, args);
	va_end(args);
	net_stored_match(l->stored, l->config, loops, on_refused, &refused);
	l->code = net_listen_all(l->config, loops, l->passed, l->stored, &l->report, &l->snapshot, &l->files);
	net_stored_free(l->stored);
	l->stored = NULL;
	listening_say(l);
}

static void
done(struct listening *l)
{
	listening_stop(l);
	net_passed_free(l->passed);
}

static ino_t
number_of(int fd)
{
	struct stat st;

	ck_assert_int_eq(fstat(fd, &st), 0);
	return st.st_ino;
}

/* Whether the socket at place @p i of the snapshot is one that was kept. */
static bool
is_old(const struct listening *l, size_t i, const struct kept *k)
{
	char prefix[64];

	snprintf(prefix, sizeof prefix, CFG_STORED_PREFIX "%ju.",
		(uintmax_t)number_of(l->snapshot.sockets[i].fd));
	for (size_t n = 0; n < k->count; n++)
		if (strncmp(k->names[n], prefix, strlen(prefix)) == 0)
			return true;
	return false;
}

START_TEST(every_transport_is_taken_back_with_its_file)
{
	char *folder = unit_tempdir();
	int before = fd_count_open();
	struct listening l = { 0 };
	struct stat was, is;
	char path[128];
	struct kept k;

	snprintf(path, sizeof path, "%s/s", folder);
	listening_start(&l, 3,
		"  a: {listen: ['tcp://[::1]:0', 'udp://127.0.0.1:0'], handler: echo}\n"
		"  b: {listen: ['unix://%s/s', 'unixgram://%s/g', 'unix:@stored-%d'], handler: echo}\n",
		folder, folder, (int)getpid());
	expect_listening(&l);
	k = keep(&l);
	ck_assert_uint_eq(k.count, 1 + 3 + 3);
	ck_assert_int_eq(stat(path, &was), 0);
	killed(&l);

	/* Other names, another order; port 0 needs the name. */
	start_again(&l, &k, 3,
		"  c: {listen: ['unix:@stored-%d', 'unixgram://%s/g', 'unix://%s/s'], handler: echo, "
		"socket: {mode: '0640'}, backlog: 7}\n"
		"  a: {listen: ['udp://127.0.0.1:0', 'tcp://[::1]:0'], handler: echo, "
		"socket: {keepalive: {idle: 9s}}}\n",
		(int)getpid(), folder, folder);

	expect_listening(&l);
	ck_assert_uint_eq(refused.count, 0);
	ck_assert_uint_eq(l.snapshot.socket_count, k.count);
	for (size_t i = 0; i < k.count; i++)
		ck_assert_msg(is_old(&l, i, &k), "socket %zu is new", i);
	ck_assert_uint_eq(l.snapshot.sockets[5].member, 2);
	ck_assert_int_eq(number_option(l.snapshot.sockets[6].fd, IPPROTO_TCP, TCP_KEEPIDLE), 9);
	ck_assert_int_eq(stat(path, &is), 0);
	ck_assert(was.st_ino == is.st_ino && (is.st_mode & 0777) == 0640);
	done(&l);
	ck_assert_int_ne(access(path, F_OK), 0); /* it is ours to remove */
	ck_assert_int_eq(fd_count_open(), before);
	unit_tempdir_remove(folder);
}
END_TEST

START_TEST(what_cannot_be_changed_decides)
{
	static const char *const cases[][3] = {
		{ "tcp://[::]:0', handler: echo", "tcp://[::]:0', handler: echo, socket: {ipv6_only: true}",
			"options that are set" },
		{ "tcp://[::1]:0', handler: echo",
			"tcp://[::1]:0', handler: echo, socket: {reuse_port: true}", "options that are set" },
		{ "tcp://127.0.0.1:0', handler: echo", "tcp://127.0.0.2:0', handler: echo",
			"no listener has" },
		{ "tcp://127.0.0.1:0', handler: echo", "udp://127.0.0.1:0', handler: echo",
			"no listener has" },
		{ "udp://127.0.0.1:0', handler: echo", "udp://127.0.0.1:0', handler: echo, threads: 1",
			"fewer event loops" },
		{ "udp://127.0.0.1:0', handler: echo, threads: 1", "udp://127.0.0.1:0', handler: echo",
			"options that are set" },
		{ "unix:@stored-kind', handler: echo", "unixgram:@stored-kind', handler: echo",
			"no listener has" },
	};

	for (size_t i = 0; i < array_len(cases); i++) {
		struct listening l = { 0 };
		struct kept k;

		listening_start(&l, 2, "  a: {listen: '%s}\n", cases[i][0]);
		expect_listening(&l);
		k = keep(&l);
		killed(&l);

		start_again(&l, &k, 2, "  a: {listen: '%s}\n", cases[i][1]);

		expect_listening(&l);
		ck_assert_msg(refused.count == k.count && strstr(refused.why, cases[i][2]) != NULL,
			"case %zu: %zu refused, %s", i, refused.count, refused.why);
		ck_assert(!is_old(&l, 0, &k));
		done(&l);
	}
}
END_TEST

START_TEST(a_group_loses_members_and_never_gets_any)
{
	for (unsigned loops = 2; loops <= 4; loops += 2) {
		struct listening l = { 0 };
		struct kept k;

		listening_start(&l, 3, "  a: {listen: 'udp://127.0.0.1:0', handler: echo}\n");
		expect_listening(&l);
		k = keep(&l);
		killed(&l);

		start_again(&l, &k, loops, "  a: {listen: 'udp://127.0.0.1:0', handler: echo}\n");

		expect_listening(&l);
		ck_assert_uint_eq(refused.count, loops == 2 ? 1 : 3);
		ck_assert_uint_eq(l.snapshot.socket_count, loops);
		for (size_t i = 0; i < loops; i++)
			ck_assert(is_old(&l, i, &k) == (loops == 2) && l.snapshot.sockets[i].member == i);
		done(&l);
	}
}
END_TEST

/* The file behind a path is what it was, or the socket is nobody's. */
START_TEST(a_file_that_was_removed_or_replaced_is_not_ours)
{
	for (int replaced = 0; replaced < 2; replaced++) {
		char *folder = unit_tempdir(), path[128];
		struct listening l = { 0 };
		struct kept k;
		int other = -1;

		snprintf(path, sizeof path, "%s/s", folder);
		listening_start(&l, 1, "  a: {listen: 'unix://%s', handler: echo}\n", path);
		expect_listening(&l);
		k = keep(&l);
		killed(&l);
		ck_assert_int_eq(unlink(path), 0);
		if (replaced)
			other = foreign_unix(path, SOCK_STREAM, true);

		start_again(&l, &k, 1, "  a: {listen: 'unix://%s', handler: echo}\n", path);

		ck_assert_uint_eq(refused.count, 1);
		ck_assert_ptr_nonnull(strstr(refused.why, "its file is gone"));
		if (replaced)
			expect_said(&l, "is served by");
		else
			expect_listening(&l);
		done(&l);
		ck_assert_int_eq(access(path, F_OK) == 0, replaced);
		if (other >= 0)
			close(other);
		unit_tempdir_remove(folder);
	}
}
END_TEST

START_TEST(a_failed_start_keeps_the_files)
{
	char *folder = unit_tempdir(), path[128];
	struct listening l = { 0 };
	struct kept k;

	snprintf(path, sizeof path, "%s/s", folder);
	listening_start(&l, 1, "  a: {listen: 'unix://%s', handler: echo}\n", path);
	expect_listening(&l);
	k = keep(&l);
	killed(&l);

	start_again(&l, &k, 1,
		"  a: {listen: 'unix://%s', handler: echo}\n"
		"  b: {listen: 'unix://%s/none/s', handler: echo}\n",
		path, folder);

	ck_assert_int_lt(l.code, 0);
	ck_assert_int_eq(access(path, F_OK), 0);
	done(&l);
	unit_tempdir_remove(folder);
}
END_TEST

START_TEST(what_is_no_socket_of_ours_is_refused)
{
	const struct kept k = { .names = { CFG_STORED_PREFIX, CFG_STORED_PREFIX "x.y.z.a",
					CFG_STORED_PREFIX "1.0.0.a" },
		.fds = { open("/dev/null", O_RDONLY | O_CLOEXEC), open("/dev/null", O_RDONLY | O_CLOEXEC),
			socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0) },
		.count = 3 };
	struct listening l;

	start_again(&l, &k, 1, "  a: {listen: 'tcp://127.0.0.1:0', handler: echo}\n");

	expect_listening(&l);
	ck_assert_uint_eq(refused.count, 3);
	ck_assert_str_eq(refused.urls[0], "");
	ck_assert_str_eq(refused.why, "it is no socket that this sockd serves");
	expect_said(&l, "'another' is used by no listener"); /* and what was passed stays passed */
	done(&l);
}
END_TEST

START_TEST(a_name_is_what_systemd_takes)
{
	struct listening l = { 0 };
	char name[NET_STORED_NAME_SIZE], long_name[400];

	listening_start(&l, 1, "  a: {listen: 'tcp://127.0.0.1:0', handler: echo}\n");
	memset(long_name, 'x', sizeof long_name - 1);
	long_name[sizeof long_name - 1] = '\0';

	ck_assert_int_eq(net_stored_name(&l.snapshot.sockets[0], "a:b c\n\xc3\xa9", l.files, name), 0);
	ck_assert_str_eq(strrchr(name, '.'), ".a_b_c___");
	ck_assert(!net_stored_has_file(name));
	ck_assert_int_eq(net_stored_name(&l.snapshot.sockets[0], long_name, l.files, name), 0);
	ck_assert_uint_eq(strlen(name), 255);
	listening_stop(&l);
}
END_TEST

START_TEST(a_socket_whose_file_is_not_ours_has_no_name)
{
	char *folder = unit_tempdir(), name[NET_STORED_NAME_SIZE];
	struct listening l = { 0 };
	struct net_files *none = net_files_new();

	listening_start(&l, 1, "  a: {listen: 'unix://%s/s', handler: echo}\n", folder);
	expect_listening(&l);

	ck_assert_int_eq(net_stored_name(&l.snapshot.sockets[0], "a", none, name), -ENOENT);
	ck_assert_int_eq(net_stored_name(&l.snapshot.sockets[0], "a", l.files, name), 0);
	ck_assert(net_stored_has_file(name));
	listening_stop(&l);
	net_files_remove(none);
	unit_tempdir_remove(folder);
}
END_TEST

UNIT_TESTS("stored", every_transport_is_taken_back_with_its_file, what_cannot_be_changed_decides,
	a_group_loses_members_and_never_gets_any, a_file_that_was_removed_or_replaced_is_not_ours,
	a_failed_start_keeps_the_files, what_is_no_socket_of_ours_is_refused, a_name_is_what_systemd_takes,
	a_socket_whose_file_is_not_ours_has_no_name)
