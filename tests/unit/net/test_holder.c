/* Who has an address. */
#include "net/holder.h"

#include <netinet/in.h>
#include <string.h>
#include <sys/socket.h>

#include "listening.h"

static int
bound(int family, int type, const struct in6_addr *six, struct sockaddr_storage *a)
{
	int fd = socket(family, type | SOCK_CLOEXEC, 0);
	socklen_t size = sizeof *a;

	*a = (struct sockaddr_storage){ .ss_family = (sa_family_t)family };
	if (family == AF_INET6)
		((struct sockaddr_in6 *)a)->sin6_addr = *six;
	else
		((struct sockaddr_in *)a)->sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	ck_assert_int_eq(bind(fd, (struct sockaddr *)a, sizeof(struct sockaddr_in6)), 0);
	if (type == SOCK_STREAM)
		ck_assert_int_eq(listen(fd, 1), 0);
	ck_assert_int_eq(getsockname(fd, (struct sockaddr *)a, &size), 0);
	return fd;
}

/* In a child, so that the holder is somebody else. */
static void
expect_parent_is_named(int type, const struct sockaddr_storage *a)
{
	pid_t parent = getpid(), child = fork();
	int status;

	if (child == 0) {
		char text[HOLDER_TEXT_SIZE], pid[24];

		for (int fd = 3; fd < 64; fd++)
			close(fd);
		snprintf(pid, sizeof pid, "(pid %d)", (int)parent);
		_exit(holder_of_inet(type, a, text) && strstr(text, pid) != NULL ? 0 : 1);
	}
	ck_assert_int_eq(waitpid(child, &status, 0), child);
	ck_assert_int_eq(status, 0);
}

START_TEST(the_process_behind_a_port_is_named)
{
	struct sockaddr_storage a;
	int kinds[] = { SOCK_STREAM, SOCK_DGRAM };

	for (size_t i = 0; i < array_len(kinds); i++) {
		int four = bound(AF_INET, kinds[i], NULL, &a);

		expect_parent_is_named(kinds[i], &a);
		close(four);
		int six = bound(AF_INET6, kinds[i], &in6addr_loopback, &a);

		expect_parent_is_named(kinds[i], &a);
		close(six);
	}
}
END_TEST

START_TEST(a_wildcard_holds_every_address)
{
	struct sockaddr_storage a;
	int fd = bound(AF_INET6, SOCK_STREAM, &in6addr_any, &a);
	struct sockaddr_in four = { .sin_family = AF_INET,
		.sin_port = ((struct sockaddr_in6 *)&a)->sin6_port,
		.sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	struct sockaddr_storage wanted = { 0 };
	char text[HOLDER_TEXT_SIZE];

	memcpy(&wanted, &four, sizeof four);

	ck_assert(holder_of_inet(SOCK_STREAM, &wanted, text));
	ck_assert_str_eq(text, "this sockd itself");
	close(fd);
}
END_TEST

START_TEST(nobody_is_known_for_a_free_port)
{
	struct sockaddr_storage a;
	char text[HOLDER_TEXT_SIZE] = "x";

	close(bound(AF_INET, SOCK_STREAM, NULL, &a));

	ck_assert(!holder_of_inet(SOCK_STREAM, &a, text));
	ck_assert_str_eq(text, "");
}
END_TEST

START_TEST(a_bound_tcp_socket_that_does_not_listen_holds_nothing)
{
	struct sockaddr_storage a;
	char text[HOLDER_TEXT_SIZE];
	int listening = bound(AF_INET, SOCK_STREAM, NULL, &a);
	int client = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	struct sockaddr_storage mine;
	socklen_t size = sizeof mine;

	ck_assert_int_eq(connect(client, (struct sockaddr *)&a, sizeof(struct sockaddr_in)), 0);
	ck_assert_int_eq(getsockname(client, (struct sockaddr *)&mine, &size), 0);

	ck_assert(!holder_of_inet(SOCK_STREAM, &mine, text));
	close(client);
	close(listening);
}
END_TEST

START_TEST(a_user_is_named_where_the_process_is_hidden)
{
	struct sockaddr_storage a;
	int fd = bound(AF_INET, SOCK_STREAM, NULL, &a);
	pid_t child;
	int status;

	if (!has_root("looking at a port of root as nobody")) {
		close(fd);
		return;
	}
	child = fork();
	if (child == 0) {
		char text[HOLDER_TEXT_SIZE] = "";

		for (int other = 3; other < 64; other++)
			close(other);
		if (setuid(NOBODY) < 0)
			_exit(2);
		_exit(holder_of_inet(SOCK_STREAM, &a, text) && strcmp(text, "a process of user 0") == 0 ? 0
													: 1);
	}
	ck_assert_int_eq(waitpid(child, &status, 0), child);
	ck_assert_int_eq(status, 0);
	close(fd);
}
END_TEST

START_TEST(the_process_behind_a_unix_name_is_found)
{
	char *folder = unit_tempdir(), path[128], text[HOLDER_TEXT_SIZE];
	struct sockaddr_un a = { .sun_family = AF_UNIX };
	int fd, abstract = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);

	snprintf(path, sizeof path, "%s/s", folder);
	fd = foreign_unix(path, SOCK_DGRAM, false);
	snprintf(a.sun_path + 1, sizeof a.sun_path - 1, "sockd-test-%d", (int)getpid());
	ck_assert_int_eq(
		bind(abstract, (struct sockaddr *)&a,
			(socklen_t)(offsetof(struct sockaddr_un, sun_path) + 1 + strlen(a.sun_path + 1))),
		0);

	ck_assert(holder_of_unix(path, false, text));
	ck_assert_str_eq(text, "this sockd itself");
	ck_assert(holder_of_unix(a.sun_path + 1, true, text));
	ck_assert(!holder_of_unix(path, true, text));
	ck_assert(!holder_of_unix(a.sun_path + 1, false, text));
	close(fd);
	close(abstract);
	unit_tempdir_remove(folder);
}
END_TEST

START_TEST(a_process_that_is_gone_has_only_its_number)
{
	char text[HOLDER_TEXT_SIZE];

	holder_of_pid(2147483647, text);

	ck_assert_str_eq(text, "a process (pid 2147483647)");
}
END_TEST

UNIT_TESTS("holder", the_process_behind_a_port_is_named, a_wildcard_holds_every_address,
	nobody_is_known_for_a_free_port, a_bound_tcp_socket_that_does_not_listen_holds_nothing,
	a_user_is_named_where_the_process_is_hidden, the_process_behind_a_unix_name_is_found,
	a_process_that_is_gone_has_only_its_number)
