/* Credentials of a unix peer. */
#include "net/peer.h"

#include <errno.h>
#include <netinet/in.h>
#include <sys/socket.h>

#include "listening.h"

START_TEST(a_unix_stream_tells_who_is_there)
{
	int pair[2];
	struct net_peer peer;

	ck_assert_int_eq(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair), 0);

	ck_assert_int_eq(net_peer_get(pair[0], &peer), 0);
	ck_assert_int_eq(peer.pid, getpid());
	ck_assert_uint_eq(peer.uid, geteuid());
	ck_assert_uint_eq(peer.gid, getegid());
	close(pair[0]);
	close(pair[1]);
}
END_TEST

START_TEST(another_user_is_told_by_number)
{
	char *folder = unit_tempdir(), path[128];
	struct net_peer peer;
	int fd, client;

	if (has_root("connecting as nobody")) {
		snprintf(path, sizeof path, "%s/s", folder);
		fd = foreign_unix(path, SOCK_STREAM, true);
		ck_assert_int_eq(chmod(folder, 0755), 0);
		ck_assert_int_eq(chmod(path, 0666), 0);
		ck_assert_int_eq(try_unix_as(NOBODY, path, SOCK_STREAM), 0);
		client = accept4(fd, NULL, NULL, SOCK_CLOEXEC);
		ck_assert_int_eq(net_peer_get(client, &peer), 0);
		ck_assert_uint_eq(peer.uid, NOBODY);
		ck_assert_uint_eq(peer.gid, NOBODY);
		close(client);
		close(fd);
	}
	unit_tempdir_remove(folder);
}
END_TEST

START_TEST(nothing_else_has_credentials)
{
	int pair[2], tcp = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	int lonely = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	struct net_peer peer = { .uid = 7 };

	ck_assert_int_eq(socketpair(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0, pair), 0);

	ck_assert_int_eq(net_peer_get(tcp, &peer), -EOPNOTSUPP);
	ck_assert_int_eq(net_peer_get(pair[0], &peer), -EOPNOTSUPP);
	ck_assert_int_eq(net_peer_get(lonely, &peer), -EOPNOTSUPP);
	ck_assert_int_eq(net_peer_get(-1, &peer), -EBADF);
	ck_assert_uint_eq(peer.uid, 7);
	close(tcp);
	close(lonely);
	close(pair[0]);
	close(pair[1]);
}
END_TEST

UNIT_TESTS("peer", a_unix_stream_tells_who_is_there, another_user_is_told_by_number,
	nothing_else_has_credentials)
