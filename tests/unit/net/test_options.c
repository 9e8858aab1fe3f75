/* The `socket:` options, seen from outside: on the sockets, and on what they accept. */
#include "net/options.h"

#include <fcntl.h>
#include <net/if.h>
#include <netinet/in.h>
#include <netinet/tcp.h>

#include "listening.h"

static int
accepted_from(const struct snapshot_socket *s)
{
	int client = socket(s->local.ss_family, SOCK_STREAM | SOCK_CLOEXEC, 0), fd;
	int flags = fcntl(s->fd, F_GETFL);

	ck_assert_int_eq(connect(client, (const struct sockaddr *)&s->local, s->local_size), 0);
	ck_assert_int_eq(fcntl(s->fd, F_SETFL, flags & ~O_NONBLOCK), 0);
	fd = accept4(s->fd, NULL, NULL, SOCK_CLOEXEC);
	ck_assert_int_ge(fd, 0);
	close(client);
	return fd;
}

START_TEST(tcp_defaults_reach_accepted_connections)
{
	struct listening l = { 0 };
	int fd;

	listening_start(&l, 1, "  a: {listen: 'tcp://127.0.0.1:0', handler: echo}\n");
	expect_listening(&l);
	fd = accepted_from(&l.snapshot.sockets[0]);

	ck_assert_int_eq(number_option(fd, IPPROTO_TCP, TCP_NODELAY), 1);
	ck_assert_int_eq(number_option(fd, SOL_SOCKET, SO_KEEPALIVE), 1);
	ck_assert_int_eq(number_option(fd, IPPROTO_TCP, TCP_KEEPIDLE), 60);
	ck_assert_int_eq(number_option(fd, IPPROTO_TCP, TCP_KEEPINTVL), 15);
	ck_assert_int_eq(number_option(fd, IPPROTO_TCP, TCP_KEEPCNT), 4);
	ck_assert_int_eq(number_option(l.snapshot.sockets[0].fd, SOL_SOCKET, SO_REUSEADDR), 1);
	ck_assert_int_eq(number_option(l.snapshot.sockets[0].fd, SOL_SOCKET, SO_REUSEPORT), 0);
	close(fd);
	listening_stop(&l);
}
END_TEST

START_TEST(tcp_options_are_what_the_file_says)
{
	struct listening l = { 0 };
	int fd;

	listening_start(&l, 1,
		"  a: {listen: 'tcp://127.0.0.1:0', handler: echo, socket: {no_delay: false, "
		"keepalive: {idle: 7s, interval: 3s, count: 2}, receive_buffer: 32KiB, send_buffer: 16KiB}}\n"
		"  b: {listen: 'tcp://127.0.0.1:0', handler: echo, socket: {keepalive: false, defer_accept: "
		"5s}}\n");
	expect_listening(&l);
	fd = accepted_from(&l.snapshot.sockets[0]);

	ck_assert_int_eq(number_option(fd, IPPROTO_TCP, TCP_NODELAY), 0);
	ck_assert_int_eq(number_option(fd, IPPROTO_TCP, TCP_KEEPIDLE), 7);
	ck_assert_int_eq(number_option(fd, IPPROTO_TCP, TCP_KEEPINTVL), 3);
	ck_assert_int_eq(number_option(fd, IPPROTO_TCP, TCP_KEEPCNT), 2);
	ck_assert_int_eq(number_option(fd, SOL_SOCKET, SO_RCVBUF), 2 * 32 * 1024);
	ck_assert_int_eq(number_option(fd, SOL_SOCKET, SO_SNDBUF), 2 * 16 * 1024);
	close(fd);
	ck_assert_int_eq(number_option(l.snapshot.sockets[1].fd, SOL_SOCKET, SO_KEEPALIVE), 0);
	/* The kernel counts in retransmissions and gives the time that they take: never less than was asked
	 * for. */
	ck_assert_int_ge(number_option(l.snapshot.sockets[1].fd, IPPROTO_TCP, TCP_DEFER_ACCEPT), 5);
	listening_stop(&l);
}
END_TEST

START_TEST(udp_sockets_say_where_a_datagram_went)
{
	struct listening l = { 0 };

	listening_start(&l, 2,
		"  a: {listen: ['udp://127.0.0.1:0', 'udp://[::1]:0', 'udp://[::]:0'], handler: echo}\n");

	expect_listening(&l);
	ck_assert_uint_eq(l.snapshot.socket_count, 6);
	for (unsigned i = 0; i < 6; i++) {
		int fd = l.snapshot.sockets[i].fd;

		ck_assert_int_eq(number_option(fd, IPPROTO_IP, IP_PKTINFO), 1);
		if (i >= 2)
			ck_assert_int_eq(number_option(fd, IPPROTO_IPV6, IPV6_RECVPKTINFO), 1);
	}
	listening_stop(&l);
}
END_TEST

START_TEST(ipv6_only_is_always_set_and_follows_the_scheme)
{
	static const struct {
		const char *url, *only;
		int expected;
	} cases[] = { { "tcp://[::]:0", "false", 0 }, { "tcp://[::]:0", "true", 1 },
		{ "tcp6://[::]:0", "false", 1 }, { "udp6://*:0", "false", 1 }, { "udp://*:0", "false", 0 } };

	for (size_t i = 0; i < array_len(cases); i++) {
		struct listening l = { 0 };

		listening_start(&l, 1, "  a: {listen: '%s', handler: echo, socket: {ipv6_only: %s}}\n",
			cases[i].url, cases[i].only);
		expect_listening(&l);
		ck_assert_int_eq(number_option(l.snapshot.sockets[0].fd, IPPROTO_IPV6, IPV6_V6ONLY),
			cases[i].expected);
		listening_stop(&l);
	}
}
END_TEST

START_TEST(buffers_apply_to_unix_sockets_and_datagrams_too)
{
	struct listening l = { 0 };

	listening_start(&l, 1,
		"  a: {listen: ['udp://127.0.0.1:0', 'unix:@sockd-opt-%d', 'unixgram:@sockd-opt-g-%d'], "
		"handler: echo, "
		"socket: {receive_buffer: 40000, send_buffer: 50000}}\n",
		(int)getpid(), (int)getpid());

	expect_listening(&l);
	for (unsigned i = 0; i < 3; i++) {
		ck_assert_int_eq(number_option(l.snapshot.sockets[i].fd, SOL_SOCKET, SO_RCVBUF), 80000);
		ck_assert_int_eq(number_option(l.snapshot.sockets[i].fd, SOL_SOCKET, SO_SNDBUF), 100000);
	}
	listening_stop(&l);
}
END_TEST

/* Without CAP_NET_ADMIN the kernel's limit holds. */
START_TEST(a_buffer_that_the_kernel_caps_is_a_warning)
{
	pid_t child = fork();
	int status;

	if (child == 0) {
		struct listening l = { 0 };

		if (geteuid() == 0 && setuid(NOBODY) < 0)
			_exit(2);
		listening_start(&l, 1,
			"  a: {listen: 'udp://127.0.0.1:0', handler: echo, socket: {receive_buffer: "
			"1GiB}}\n");
		_exit(l.code == 0 && l.report.warnings == 1 && strstr(l.said, "net.core.rmem_max") != NULL &&
					strstr(l.said, "test.yaml:3:") != NULL
				? 0
				: 1);
	}
	ck_assert_int_eq(waitpid(child, &status, 0), child);
	ck_assert_int_eq(status, 0);
}
END_TEST

START_TEST(a_backlog_that_the_kernel_caps_is_a_warning)
{
	struct listening l = { 0 };
	FILE *f = fopen("/proc/sys/net/core/somaxconn", "re");
	int most = 0;

	ck_assert_ptr_nonnull(f);
	ck_assert_int_eq(fscanf(f, "%d", &most), 1);
	fclose(f);
	listening_start(&l, 1, "  a: {listen: 'tcp://127.0.0.1:0', handler: echo, backlog: 65535}\n");

	expect_listening(&l);
	ck_assert_uint_eq(l.report.warnings, most < 65535);
	if (most < 65535)
		expect_said(&l, "net.core.somaxconn");
	listening_stop(&l);
}
END_TEST

START_TEST(a_device_is_kept_to)
{
	struct listening l = { 0 };
	char name[IF_NAMESIZE] = "";
	socklen_t size = sizeof name;

	if (!has_root("binding to a device"))
		return;
	listening_start(&l, 1, "  a: {listen: 'tcp://127.0.0.1:0', handler: echo, socket: {device: lo}}\n");

	expect_listening(&l);
	ck_assert_int_eq(getsockopt(l.snapshot.sockets[0].fd, SOL_SOCKET, SO_BINDTODEVICE, name, &size), 0);
	ck_assert_str_eq(name, "lo");
	listening_stop(&l);
}
END_TEST

START_TEST(a_device_that_is_not_there_is_an_error_with_a_hint)
{
	struct listening l = { 0 };

	listening_start(
		&l, 1, "  a: {listen: 'udp://127.0.0.1:0', handler: echo, socket: {device: no-such-if}}\n");

	ck_assert_int_eq(l.code, -ENODEV);
	expect_said(&l, "'ip link' lists");
	listening_stop(&l);
}
END_TEST

UNIT_TESTS("options", tcp_defaults_reach_accepted_connections, tcp_options_are_what_the_file_says,
	udp_sockets_say_where_a_datagram_went, ipv6_only_is_always_set_and_follows_the_scheme,
	buffers_apply_to_unix_sockets_and_datagrams_too, a_buffer_that_the_kernel_caps_is_a_warning,
	a_backlog_that_the_kernel_caps_is_a_warning, a_device_is_kept_to,
	a_device_that_is_not_there_is_an_error_with_a_hint)
