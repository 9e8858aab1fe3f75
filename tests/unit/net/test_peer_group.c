/* Groups of a unix peer. */
#include "net/peer_group.h"

#include <grp.h>
#include <sys/socket.h>
#include <sys/wait.h>

#include "listening.h"

START_TEST(its_own_group_counts)
{
	int pair[2];

	ck_assert_int_eq(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair), 0);
	ck_assert(net_peer_in_group(pair[0], getegid()));
	ck_assert(!net_peer_in_group(pair[0], 60999));
	close(pair[0]);
	close(pair[1]);
}
END_TEST

/* Asked as somebody in the groups 60001 and 60002; socketpair() notes who made it. */
static int
ask_as_member(gid_t group)
{
	const gid_t groups[] = { 60001, 60002 };
	pid_t child = fork();
	int pair[2], status;

	if (child == 0) {
		if (setgroups(2, groups) < 0 || setgid(NOBODY) < 0 || setuid(NOBODY) < 0 ||
			socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair) < 0)
			_exit(2);
		_exit(net_peer_in_group(pair[0], group) ? 1 : 0);
	}
	ck_assert_int_eq(waitpid(child, &status, 0), child);
	return WEXITSTATUS(status);
}

START_TEST(so_do_its_further_ones)
{
	if (!has_root("setting groups"))
		return;
	ck_assert_int_eq(ask_as_member(60001), 1);
	ck_assert_int_eq(ask_as_member(60002), 1);
	ck_assert_int_eq(ask_as_member(NOBODY), 1);
	ck_assert_int_eq(ask_as_member(0), 0);
}
END_TEST

START_TEST(what_is_no_unix_stream_is_in_no_group)
{
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

	ck_assert(!net_peer_in_group(fd, getegid()));
	ck_assert(!net_peer_in_group(-1, getegid()));
	close(fd);
}
END_TEST

UNIT_TESTS("peer_group", its_own_group_counts, so_do_its_further_ones, what_is_no_unix_stream_is_in_no_group)
