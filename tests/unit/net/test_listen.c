/* All sockets of a configuration at once: what is made, what is told, what is left behind. */
#include "net/listen.h"

#include <fcntl.h>
#include <netinet/in.h>
#include <sys/resource.h>

#include "net/addr.h"

#include "listening.h"

static unsigned
port_of(const struct snapshot_socket *s)
{
	return ntohs(((const struct sockaddr_in *)&s->local)->sin_port);
}

static const char *
text_of(const struct snapshot_socket *s)
{
	static char text[NET_ADDR_TEXT_SIZE];

	return net_url_text(s->transport, &s->local, s->local_size, text, sizeof text);
}

START_TEST(every_transport_and_every_address_of_a_list_is_bound)
{
	struct listening l = { 0 };
	char *folder = unit_tempdir(), expected[160];

	listening_start(&l, 2,
		"  a: {listen: ['tcp://127.0.0.1:0', 'tcp://[::1]:0'], handler: echo}\n"
		"  b: {listen: ['unix://%s/s', 'unix:@sockd-test-%d', 'unixgram://%s/g'], handler: echo}\n",
		folder, (int)getpid(), folder);

	expect_listening(&l);
	ck_assert_uint_eq(l.snapshot.socket_count, 5);
	for (unsigned i = 0; i < 5; i++) {
		const struct snapshot_socket *s = &l.snapshot.sockets[i];
		bool stream = s->transport == CFG_TCP || s->transport == CFG_UNIX;

		ck_assert_uint_eq(s->listener, i < 2 ? 0 : 1);
		ck_assert_uint_eq(s->address, i < 2 ? i : i - 2);
		ck_assert_uint_eq(s->member, 0);
		ck_assert_int_eq(number_option(s->fd, SOL_SOCKET, SO_ACCEPTCONN), stream);
		ck_assert_int_ne(fcntl(s->fd, F_GETFL) & O_NONBLOCK, 0);
		ck_assert_int_ne(fcntl(s->fd, F_GETFD) & FD_CLOEXEC, 0);
	}
	ck_assert_uint_ne(port_of(&l.snapshot.sockets[0]), 0);
	snprintf(expected, sizeof expected, "unix://%s/s", folder);
	ck_assert_str_eq(text_of(&l.snapshot.sockets[2]), expected);
	snprintf(expected, sizeof expected, "unix:@sockd-test-%d", (int)getpid());
	ck_assert_str_eq(text_of(&l.snapshot.sockets[3]), expected);
	ck_assert_int_eq(l.snapshot.sockets[4].transport, CFG_UNIXGRAM);
	listening_stop(&l);
	unit_tempdir_remove(folder);
}
END_TEST

START_TEST(udp_has_a_socket_for_each_loop_on_one_port)
{
	struct listening l = { 0 };

	listening_start(&l, 4, "  a: {listen: 'udp://127.0.0.1:0', handler: echo}\n");

	expect_listening(&l);
	ck_assert_uint_eq(l.snapshot.socket_count, 4);
	for (unsigned i = 0; i < 4; i++) {
		ck_assert_uint_eq(l.snapshot.sockets[i].member, i);
		ck_assert_uint_eq(port_of(&l.snapshot.sockets[i]), port_of(&l.snapshot.sockets[0]));
		ck_assert_int_eq(number_option(l.snapshot.sockets[i].fd, SOL_SOCKET, SO_REUSEPORT), 1);
	}
	listening_stop(&l);
}
END_TEST

/* The kernel chooses a member by the sender's address: enough senders reach all of them, and each datagram
 * one. */
START_TEST(every_member_of_a_udp_group_gets_datagrams)
{
	struct listening l = { 0 };
	unsigned got = 0, members = 0;
	char byte;

	listening_start(&l, 3, "  a: {listen: 'udp://127.0.0.1:0', handler: echo}\n");
	expect_listening(&l);
	for (unsigned i = 0; i < 64; i++) {
		int client = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);

		ck_assert_int_eq(sendto(client, "x", 1, 0, (struct sockaddr *)&l.snapshot.sockets[0].local,
					 sizeof(struct sockaddr_in)),
			1);
		close(client);
	}

	for (unsigned i = 0; i < 3; i++) {
		unsigned before = got;

		while (recv(l.snapshot.sockets[i].fd, &byte, 1, 0) == 1)
			got++;
		members += got > before;
	}
	ck_assert_uint_eq(got, 64);
	ck_assert_uint_eq(members, 3);
	listening_stop(&l);
}
END_TEST

START_TEST(one_thread_or_no_reuse_port_means_one_udp_socket)
{
	static const char *const keys[] = { "threads: 1", "socket: {reuse_port: false}" };

	for (size_t i = 0; i < array_len(keys); i++) {
		struct listening l = { 0 };

		listening_start(&l, 4, "  a: {listen: 'udp://127.0.0.1:0', handler: echo, %s}\n", keys[i]);

		expect_listening(&l);
		ck_assert_uint_eq(l.snapshot.socket_count, 1);
		ck_assert_int_eq(number_option(l.snapshot.sockets[0].fd, SOL_SOCKET, SO_REUSEPORT), 0);
		listening_stop(&l);
	}
}
END_TEST

START_TEST(a_second_sockd_does_not_join_a_udp_group)
{
	struct listening first = { 0 }, second = { 0 };

	listening_start(&first, 2, "  a: {listen: 'udp://127.0.0.1:0', handler: echo}\n");
	expect_listening(&first);

	listening_start(&second, 2, "  b: {listen: 'udp://127.0.0.1:%u', handler: echo}\n",
		port_of(&first.snapshot.sockets[0]));

	ck_assert_int_eq(second.code, -EADDRINUSE);
	expect_said(&second, "is in use by this sockd itself");
	listening_stop(&second);
	listening_stop(&first);
}
END_TEST

START_TEST(several_daemons_may_share_a_port_when_asked_to)
{
	static const char *const schemes[] = { "tcp", "udp" };

	for (size_t i = 0; i < array_len(schemes); i++) {
		struct listening first = { 0 }, second = { 0 };

		listening_start(&first, 1,
			"  a: {listen: '%s://127.0.0.1:0', handler: echo, socket: {reuse_port: true}}\n",
			schemes[i]);
		expect_listening(&first);

		listening_start(&second, 2,
			"  a: {listen: '%s://127.0.0.1:%u', handler: echo, socket: {reuse_port: true}}\n",
			schemes[i], port_of(&first.snapshot.sockets[0]));

		expect_listening(&second);
		listening_stop(&second);
		listening_stop(&first);
	}
}
END_TEST

START_TEST(a_port_in_use_names_its_holder_and_the_place)
{
	struct listening first = { 0 }, second = { 0 };

	listening_start(&first, 1, "  a: {listen: 'tcp://127.0.0.1:0', handler: echo}\n");
	expect_listening(&first);

	listening_start(&second, 1, "  b: {listen: 'tcp://127.0.0.1:%u', handler: echo}\n",
		port_of(&first.snapshot.sockets[0]));

	ck_assert_int_eq(second.code, -EADDRINUSE);
	expect_said(&second, "test.yaml:3:");
	expect_said(&second, "error: listener 'b': 127.0.0.1:");
	expect_said(&second, "in use by this sockd itself");
	listening_stop(&second);
	listening_stop(&first);
}
END_TEST

/* A port that is free for the one family may be somebody else's in the other: then with the next one. */
START_TEST(two_wildcards_of_different_families_live_side_by_side)
{
	struct listening l = { 0 }, m = { .code = -1 };

	for (int tries = 0; m.code != 0 && tries < 20; tries++) {
		listening_stop(&l);
		listening_stop(&m);
		listening_start(&l, 1, "  a: {listen: 'tcp6://*:0', handler: echo}\n");
		expect_listening(&l);
		ck_assert_int_eq(number_option(l.snapshot.sockets[0].fd, IPPROTO_IPV6, IPV6_V6ONLY), 1);
		listening_start(&m, 1, "  b: {listen: 'tcp4://*:%u', handler: echo}\n",
			port_of(&l.snapshot.sockets[0]));
	}

	expect_listening(&m);
	ck_assert_int_eq(m.snapshot.sockets[0].local.ss_family, AF_INET);
	listening_stop(&m);
	listening_stop(&l);
}
END_TEST

START_TEST(dual_stack_is_what_ipv6_only_says)
{
	for (int only = 0; only < 2; only++) {
		struct listening l = { 0 };
		struct sockaddr_in four = { .sin_family = AF_INET,
			.sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
		int client = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

		listening_start(&l, 1,
			"  a: {listen: 'tcp://[::]:0', handler: echo, socket: {ipv6_only: %s}}\n",
			only ? "true" : "false");
		expect_listening(&l);
		four.sin_port = htons((in_port_t)port_of(&l.snapshot.sockets[0]));

		ck_assert_int_eq(connect(client, (struct sockaddr *)&four, sizeof four), (only ? -1 : 0));

		close(client);
		listening_stop(&l);
	}
}
END_TEST

START_TEST(a_name_binds_each_of_its_addresses)
{
	struct listening l = { 0 };

	listening_start(&l, 1, "  a: {listen: 'tcp://localhost:0', handler: echo}\n");

	expect_listening(&l);
	ck_assert_uint_ge(l.snapshot.socket_count, 1);
	for (size_t i = 0; i < l.snapshot.socket_count; i++)
		ck_assert_uint_eq(l.snapshot.sockets[i].address, 0);
	listening_stop(&l);
}
END_TEST

START_TEST(an_address_of_another_machine_hints_at_freebind)
{
	struct listening l = { 0 };

	listening_start(&l, 1, "  a: {listen: 'tcp://192.0.2.1:0', handler: echo}\n");
	ck_assert_int_eq(l.code, -EADDRNOTAVAIL);
	expect_said(&l, "freebind: true");
	listening_stop(&l);

	listening_start(&l, 1,
		"  a: {listen: ['tcp://192.0.2.1:0', 'udp://[2001:db8::1]:0'], handler: echo, "
		"socket: {freebind: true}}\n");
	expect_listening(&l);
	listening_stop(&l);
}
END_TEST

START_TEST(a_link_local_address_without_interface_hints_at_it)
{
	struct listening l = { 0 };

	listening_start(&l, 1, "  a: {listen: 'tcp://[fe80::1]:0', handler: echo}\n");

	ck_assert_int_eq(l.code, -EINVAL);
	expect_said(&l, "[fe80::1%eth0]:PORT");
	listening_stop(&l);
}
END_TEST

START_TEST(a_low_port_without_rights_hints_at_the_capability)
{
	pid_t child;
	int status;

	if (!has_root("giving root up"))
		return;
	child = fork();
	if (child == 0) {
		struct listening l = { 0 };

		if (setuid(NOBODY) < 0)
			_exit(2);
		listening_start(&l, 1, "  a: {listen: 'tcp://127.0.0.1:81', handler: echo}\n");
		_exit(l.code == -EACCES && strstr(l.said, "CAP_NET_BIND_SERVICE") != NULL ? 0 : 1);
	}
	ck_assert_int_eq(waitpid(child, &status, 0), child);
	ck_assert_int_eq(status, 0);
}
END_TEST

START_TEST(all_failures_are_told_in_one_run_and_nothing_stays)
{
	struct listening l = { 0 };
	char *folder = unit_tempdir(), path[128];
	int before = fd_count_open();

	listening_start(&l, 2,
		"  a: {listen: ['tcp://127.0.0.1:0', 'unix://%s/s', 'unixgram://%s/g'], handler: echo}\n"
		"  b: {listen: 'unix://%s/missing/s', handler: echo}\n"
		"  c: {listen: 'tcp://192.0.2.1:0', handler: echo}\n"
		"  d: {listen: 'unix://%s/d', handler: echo, socket: {owner: no-such-user, group: "
		"no-such-group}}\n"
		"  e: {listen: 'systemd:nobody-passed-it', handler: echo}\n",
		folder, folder, folder, folder);

	ck_assert_int_eq(l.code, -ENOENT);
	ck_assert_uint_eq(l.report.errors, 5);
	expect_said(&l, "test.yaml:4:");
	expect_said(&l, "does not exist; make it first");
	expect_said(&l, "192.0.2.1");
	expect_said(&l, "there is no user 'no-such-user'");
	expect_said(&l, "there is no group 'no-such-group'");
	expect_said(&l, "no socket was passed");
	ck_assert_int_eq(fd_count_open(), before);
	ck_assert_uint_eq(l.snapshot.socket_count, 0);
	ck_assert_ptr_null(l.files);
	snprintf(path, sizeof path, "%s/s", folder);
	ck_assert_int_eq(access(path, F_OK), -1);
	snprintf(path, sizeof path, "%s/g", folder);
	ck_assert_int_eq(access(path, F_OK), -1);
	ck_assert_int_eq(rmdir(folder), 0);
	free(folder);
	listening_stop(&l);
}
END_TEST

/* As many descriptors as a start can have, one fewer each time: it works, or leaves nothing. */
START_TEST(a_start_that_runs_out_of_descriptors_leaves_nothing)
{
	char *folder = unit_tempdir();
	int before = fd_count_open(), failures = 0;
	bool done = false;

	for (int spare = 0; !done; spare++) {
		struct listening l = { 0 };
		struct rlimit old, low;
		char path[128];

		ck_assert_int_lt(spare, 40);
		ck_assert_int_eq(getrlimit(RLIMIT_NOFILE, &old), 0);
		low = old;
		low.rlim_cur = (rlim_t)(before + spare);
		ck_assert_int_eq(setrlimit(RLIMIT_NOFILE, &low), 0);
		listening_start(&l, 3,
			"  a: {listen: ['tcp://127.0.0.1:0', 'udp://127.0.0.1:0', 'unix://%s/s', "
			"'unixgram://%s/g'], "
			"handler: echo}\n",
			folder, folder);
		ck_assert_int_eq(setrlimit(RLIMIT_NOFILE, &old), 0);
		done = l.code == 0;
		if (!done) {
			failures++;
			ck_assert_int_eq(fd_count_open(), before);
			snprintf(path, sizeof path, "%s/s", folder);
			ck_assert_int_eq(access(path, F_OK), -1);
			snprintf(path, sizeof path, "%s/g", folder);
			ck_assert_int_eq(access(path, F_OK), -1);
		}
		listening_stop(&l);
	}
	ck_assert_int_ge(failures, 8);
	ck_assert_int_eq(fd_count_open(), before);
	ck_assert_int_eq(rmdir(folder), 0);
	free(folder);
}
END_TEST

START_TEST(a_check_binds_nothing_and_finds_what_is_wrong)
{
	struct listening l = { 0 };
	char *folder = unit_tempdir(), path[128];
	int before = fd_count_open();

	listening_check(&l,
		"  a: {listen: ['tcp://127.0.0.1:0', 'udp://*:0', 'unix://%s/s', 'unix:@x', "
		"'systemd:later'], "
		"handler: echo, socket: {group: '0', owner: root}}\n",
		folder);
	expect_listening(&l);
	ck_assert_int_eq(fd_count_open(), before);
	listening_stop(&l);

	snprintf(path, sizeof path, "%s/file", folder);
	fclose(fopen(path, "we"));
	snprintf(path, sizeof path, "%s/folder", folder);
	ck_assert_int_eq(mkdir(path, 0755), 0);
	snprintf(path, sizeof path, "%s/file", folder);
	listening_check(&l,
		"  a: {listen: 'unix://%s/none/s', handler: echo}\n"
		"  b: {listen: 'unix://%s', handler: echo, socket: {owner: no-such-user}}\n"
		"  c: {listen: 'unixgram://%s/folder', handler: echo}\n",
		folder, path, folder);
	ck_assert_int_eq(l.code, -ENOENT);
	ck_assert_uint_eq(l.report.errors, 3);
	expect_said(&l, "does not exist; make it first");
	expect_said(&l, "there is no user 'no-such-user'");
	expect_said(&l, "is a folder");
	listening_stop(&l);
	unit_tempdir_remove(folder);
}
END_TEST

UNIT_TESTS("listen", every_transport_and_every_address_of_a_list_is_bound,
	udp_has_a_socket_for_each_loop_on_one_port, every_member_of_a_udp_group_gets_datagrams,
	one_thread_or_no_reuse_port_means_one_udp_socket, a_second_sockd_does_not_join_a_udp_group,
	several_daemons_may_share_a_port_when_asked_to, a_port_in_use_names_its_holder_and_the_place,
	two_wildcards_of_different_families_live_side_by_side, dual_stack_is_what_ipv6_only_says,
	a_name_binds_each_of_its_addresses, an_address_of_another_machine_hints_at_freebind,
	a_link_local_address_without_interface_hints_at_it, a_low_port_without_rights_hints_at_the_capability,
	all_failures_are_told_in_one_run_and_nothing_stays,
	a_start_that_runs_out_of_descriptors_leaves_nothing, a_check_binds_nothing_and_finds_what_is_wrong)
