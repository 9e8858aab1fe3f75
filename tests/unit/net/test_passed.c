/* Sockets that were open before us. */
#include "net/passed.h"

#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>

#include "listening.h"

static int
passed_inet(int family, int type)
{
	struct sockaddr_in6 six = { .sin6_family = AF_INET6, .sin6_addr = in6addr_loopback };
	struct sockaddr_in four = { .sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	int fd = socket(family, type, 0);

	ck_assert_int_eq(bind(fd, family == AF_INET6 ? (struct sockaddr *)&six : (struct sockaddr *)&four,
				 family == AF_INET6 ? sizeof six : sizeof four),
		0);
	if (type == SOCK_STREAM)
		ck_assert_int_eq(listen(fd, 5), 0);
	return fd;
}

static struct listening
with_passed(const char *name, int fd)
{
	struct listening l = { .passed = net_passed_new() };

	ck_assert_ptr_nonnull(l.passed);
	ck_assert_int_eq(net_passed_add(l.passed, name, fd), 0);
	return l;
}

static void
done(struct listening *l)
{
	listening_stop(l);
	net_passed_free(l->passed);
}

START_TEST(what_a_passed_socket_is_comes_from_the_kernel)
{
	char *folder = unit_tempdir(), path[128];
	int before = fd_count_open();

	for (int i = 0; i < 6; i++) {
		struct listening l;
		int fd;

		snprintf(path, sizeof path, "%s/%d", folder, i);
		fd = i < 2   ? passed_inet(i == 0 ? AF_INET : AF_INET6, SOCK_STREAM)
		     : i < 4 ? passed_inet(i == 2 ? AF_INET : AF_INET6, SOCK_DGRAM)
			     : foreign_unix(path, i == 4 ? SOCK_STREAM : SOCK_DGRAM, i == 4);
		l = with_passed("it", fd);
		listening_start(&l, 4, "  a: {listen: 'systemd:it', handler: echo}\n");

		expect_listening(&l);
		ck_assert_uint_eq(l.snapshot.socket_count, 1);
		ck_assert_int_eq((int)l.snapshot.sockets[0].transport, i / 2 + 1 + (i == 5));
		ck_assert_int_ne(fcntl(l.snapshot.sockets[0].fd, F_GETFL) & O_NONBLOCK, 0);
		ck_assert_int_ne(fcntl(l.snapshot.sockets[0].fd, F_GETFD) & FD_CLOEXEC, 0);
		done(&l);
		ck_assert(i < 4 || access(path, F_OK) == 0); /* not ours to remove */
	}
	ck_assert_int_eq(fd_count_open(), before);
	unit_tempdir_remove(folder);
}
END_TEST

START_TEST(options_that_still_apply_are_set)
{
	struct listening l = with_passed("tcp", passed_inet(AF_INET, SOCK_STREAM));

	ck_assert_int_eq(net_passed_add(l.passed, "udp", passed_inet(AF_INET6, SOCK_DGRAM)), 0);
	listening_start(&l, 1,
		"  a: {listen: 'systemd:tcp', handler: echo, socket: {no_delay: true, keepalive: {idle: 9s}, "
		"send_buffer: "
		"20000}}\n"
		"  b: {listen: 'systemd:udp', handler: echo}\n");

	expect_listening(&l);
	ck_assert_int_eq(number_option(l.snapshot.sockets[0].fd, IPPROTO_TCP, TCP_NODELAY), 1);
	ck_assert_int_eq(number_option(l.snapshot.sockets[0].fd, IPPROTO_TCP, TCP_KEEPIDLE), 9);
	ck_assert_int_eq(number_option(l.snapshot.sockets[0].fd, SOL_SOCKET, SO_SNDBUF), 40000);
	ck_assert_int_eq(number_option(l.snapshot.sockets[1].fd, IPPROTO_IPV6, IPV6_RECVPKTINFO), 1);
	done(&l);
}
END_TEST

START_TEST(several_sockets_of_one_name_are_all_served)
{
	struct listening l = with_passed("web", passed_inet(AF_INET, SOCK_STREAM));

	ck_assert_int_eq(net_passed_add(l.passed, "other", passed_inet(AF_INET, SOCK_STREAM)), 0);
	ck_assert_int_eq(net_passed_add(l.passed, "web", passed_inet(AF_INET6, SOCK_STREAM)), 0);
	listening_start(&l, 1, "  a: {listen: 'systemd:web', handler: echo}\n");

	expect_listening(&l);
	ck_assert_uint_eq(l.snapshot.socket_count, 2);
	ck_assert_int_eq(l.snapshot.sockets[0].local.ss_family, AF_INET);
	ck_assert_int_eq(l.snapshot.sockets[1].local.ss_family, AF_INET6);
	ck_assert_uint_eq(l.report.warnings, 1);
	expect_said(&l, "'other' is used by no listener");
	done(&l);
}
END_TEST

START_TEST(a_name_that_was_not_passed_tells_those_that_were)
{
	struct listening l = with_passed("web", passed_inet(AF_INET, SOCK_STREAM));

	ck_assert_int_eq(net_passed_add(l.passed, "dns", passed_inet(AF_INET, SOCK_DGRAM)), 0);
	listening_start(&l, 1, "  a: {listen: 'systemd:wbe', handler: echo}\n");

	ck_assert_int_eq(l.code, -ENOENT);
	expect_said(&l, "no socket named 'wbe' was passed; those that were are: web, dns");
	done(&l);
}
END_TEST

START_TEST(what_sockd_cannot_serve_is_refused_with_a_reason)
{
	int before = fd_count_open();

	for (int i = 0; i < 5; i++) {
		static const char *const words[] = { "Accept=no", "does not listen", "is no socket",
			"kind that sockd does not", "kind that sockd does not" };
		int pair[2] = { -1, -1 }, fd;
		struct listening l;

		if (i == 0 || i == 3)
			ck_assert_int_eq(
				socketpair(AF_UNIX, i == 0 ? SOCK_STREAM : SOCK_SEQPACKET, 0, pair), 0);
		fd = i == 0 || i == 3 ? pair[0]
		     : i == 1         ? socket(AF_INET, SOCK_STREAM, 0)
		     : i == 2         ? open("/dev/null", O_RDONLY)
				      : socket(AF_NETLINK, SOCK_RAW, 0);
		l = with_passed("odd", fd);
		listening_start(&l, 1, "  a: {listen: 'systemd:odd', handler: echo}\n");

		ck_assert_int_eq(l.code, -EINVAL);
		expect_said(&l, words[i]);
		done(&l);
		if (pair[1] >= 0)
			close(pair[1]);
	}
	ck_assert_int_eq(fd_count_open(), before);
}
END_TEST

START_TEST(keys_that_do_not_fit_what_was_passed_are_errors_at_their_place)
{
	struct listening l;
	char *folder = unit_tempdir(), path[128];

	snprintf(path, sizeof path, "%s/s", folder);
	l = with_passed("it", foreign_unix(path, SOCK_DGRAM, false));
	listening_start(&l, 1,
		"  a:\n    listen: systemd:it\n    handler: echo\n"
		"    socket: {no_delay: false, receive_buffer: 8KiB}\n    timeouts: {idle: 5s}\n");

	ck_assert_int_eq(l.code, -EINVAL);
	ck_assert_uint_eq(l.report.errors, 2);
	expect_said(&l, "test.yaml:6:");
	expect_said(&l, "'socket.no_delay' does not apply to unixgram");
	expect_said(&l, "test.yaml:7:");
	ck_assert_uint_eq(l.snapshot.socket_count, 0);
	done(&l);
	unit_tempdir_remove(folder);
}
END_TEST

START_TEST(a_failure_leaves_the_passed_sockets_for_the_next_try)
{
	struct listening l = with_passed("web", passed_inet(AF_INET, SOCK_STREAM));
	int before = fd_count_open();

	listening_start(&l, 1,
		"  a: {listen: 'systemd:web', handler: echo}\n"
		"  b: {listen: 'tcp://192.0.2.1:0', handler: echo}\n");
	ck_assert_int_eq(l.code, -EADDRNOTAVAIL);
	ck_assert_int_eq(fd_count_open(), before);
	listening_stop(&l);

	listening_start(&l, 1, "  a: {listen: 'systemd:web', handler: echo}\n");
	expect_listening(&l);
	done(&l);
}
END_TEST

/* No assertion from here on to the end of the child: Check reports through a descriptor that is one of the
 * low ones. */
static int
use(struct net_passed *passed, const char *name, struct err *e)
{
	const struct cfg_address address = { .url = "systemd:x", .fd_name = name };
	const struct cfg_listener listener = { .name = "a", .address_count = 1 };
	struct cfg_report report = { 0 };
	struct net_sockets sockets = { 0 };
	const struct net_request q = {
		.listener = &listener, .address = &address, .report = &report, .sockets = &sockets
	};
	unsigned found = 0;
	int code = net_passed_use(passed, &q, &found, e);

	return code < 0 ? code : (int)sockets.count;
}

static int
both_are_served(struct net_passed *passed)
{
	bool gone = getenv("LISTEN_FDS") == NULL && getenv("LISTEN_PID") == NULL &&
		    getenv("LISTEN_FDNAMES") == NULL;
	struct err e = { 0 };
	bool served = use(passed, "one", &e) == 1 && use(passed, "two", &e) == 1 &&
		      use(passed, "two", &e) == -EBUSY;

	return served && gone && (fcntl(3, F_GETFD) & FD_CLOEXEC) != 0 ? 0 : 1;
}

static int
nothing_is_served(struct net_passed *passed)
{
	struct err e = { 0 };

	return use(passed, "one", &e) == -ENOENT && strstr(e.text, "FileDescriptorName=one") != NULL ? 0 : 1;
}

/* The child's end as its exit status. */
static int
in_child_with(int count, const char *names, bool for_us, int (*judge)(struct net_passed *passed))
{
	pid_t child = fork();
	int status;

	ck_assert_int_ge(child, 0);
	if (child == 0) {
		struct net_passed *passed;
		struct err e = { 0 };
		char number[24];
		int fds[8];

		for (int i = 0; i < count; i++)
			fds[i] = fcntl(passed_inet(AF_INET, SOCK_STREAM), F_DUPFD, 100);
		for (int i = 0; i < count; i++)
			if (dup2(fds[i], 3 + i) < 0)
				_exit(7);
		snprintf(number, sizeof number, "%d", for_us ? (int)getpid() : 1);
		setenv("LISTEN_PID", number, 1);
		snprintf(number, sizeof number, "%d", count);
		setenv("LISTEN_FDS", number, 1);
		setenv("LISTEN_FDNAMES", names, 1);
		if (net_passed_open(&passed, &e) < 0)
			_exit(6);
		_exit(judge(passed));
	}
	ck_assert_int_eq(waitpid(child, &status, 0), child);
	ck_assert(WIFEXITED(status));
	return WEXITSTATUS(status);
}

START_TEST(what_the_environment_names_is_taken_over)
{
#ifdef HAVE_LIBSYSTEMD
	ck_assert_int_eq(in_child_with(2, "one:two", true, both_are_served), 0);
	ck_assert_int_eq(in_child_with(1, "one", false, nothing_is_served), 0);
#else
	printf("# SKIPPED without libsystemd: reading LISTEN_FDS\n");
	ck_assert_int_ne(in_child_with(2, "one:two", true, both_are_served), 0);
	ck_assert_int_ne(in_child_with(1, "one", true, nothing_is_served), 0);
#endif
}
END_TEST

UNIT_TESTS("passed", what_a_passed_socket_is_comes_from_the_kernel, options_that_still_apply_are_set,
	several_sockets_of_one_name_are_all_served, a_name_that_was_not_passed_tells_those_that_were,
	what_sockd_cannot_serve_is_refused_with_a_reason,
	keys_that_do_not_fit_what_was_passed_are_errors_at_their_place,
	a_failure_leaves_the_passed_sockets_for_the_next_try, what_the_environment_names_is_taken_over)
