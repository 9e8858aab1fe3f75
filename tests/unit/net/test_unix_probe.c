/* What a start meets at its path: stale, live, foreign, and other starts. */
#include "net/unix_probe.h"

#include <fcntl.h>

#include "listening.h"

START_TEST(a_stale_socket_is_replaced)
{
	for (int i = 0; i < 4; i++) {
		struct place p = place_new();
		struct listening l = { 0 };
		int fd = foreign_unix(p.path, unix_type(i / 2), false);
		int pin = open(p.path, O_PATH | O_CLOEXEC);
		struct stat before;

		close(fd);
		ck_assert_int_eq(fstat(pin, &before), 0);
		listening_start(&l, 1, "  a: {listen: '%s://%s', handler: echo}\n", unix_scheme(i), p.path);

		expect_listening(&l);
		ck_assert_uint_ne(stat_of(p.path).st_ino, before.st_ino);
		ck_assert_int_eq(try_unix(p.path, unix_type(i)), 0);
		close(pin);
		listening_stop(&l);
		ck_assert(!exists(p.path));
		unit_tempdir_remove(p.folder);
	}
}
END_TEST

START_TEST(a_live_socket_is_an_error_and_stays)
{
	for (int i = 0; i < 4; i++) {
		struct place p = place_new();
		struct listening l = { 0 };
		int fd = foreign_unix(p.path, unix_type(i / 2), unix_type(i / 2) == SOCK_STREAM);
		ino_t inode = stat_of(p.path).st_ino;

		listening_start(&l, 1, "  a: {listen: '%s://%s', handler: echo}\n", unix_scheme(i), p.path);

		ck_assert_int_eq(l.code, -EADDRINUSE);
		expect_said(&l, "is served by this sockd itself");
		ck_assert_uint_eq(stat_of(p.path).st_ino, inode);
		ck_assert_int_eq(try_unix(p.path, unix_type(i / 2)), 0);
		listening_stop(&l);
		ck_assert(exists(p.path));
		close(fd);
		unit_tempdir_remove(p.folder);
	}
}
END_TEST

START_TEST(a_live_socket_with_a_full_queue_is_still_live)
{
	struct place p = place_new();
	struct listening l = { 0 };
	int fd = foreign_unix(p.path, SOCK_STREAM, false), clients[2];
	struct sockaddr_un a = unix_name(p.path);

	ck_assert_int_eq(listen(fd, 0), 0);
	for (size_t i = 0; i < array_len(clients); i++) {
		clients[i] = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
		(void)!connect(clients[i], (struct sockaddr *)&a, sizeof a); /* the second finds no room */
	}

	listening_start(&l, 1, "  a: {listen: 'unix://%s', handler: echo}\n", p.path);

	ck_assert_int_eq(l.code, -EADDRINUSE);
	expect_said(&l, "is served by");
	listening_stop(&l);
	ck_assert(exists(p.path));
	for (size_t i = 0; i < array_len(clients); i++)
		close(clients[i]);
	close(fd);
	unit_tempdir_remove(p.folder);
}
END_TEST

START_TEST(a_device_is_an_error_and_stays)
{
	struct listening l = { 0 };

	listening_start(&l, 1, "  a: {listen: 'unixgram:///dev/null', handler: echo}\n");

	ck_assert_int_eq(l.code, -EEXIST);
	expect_said(&l, "a device");
	listening_stop(&l);
	ck_assert(exists("/dev/null"));
}
END_TEST

START_TEST(a_file_of_another_kind_is_an_error_and_stays)
{
	static const char *const kinds[] = { "a regular file", "a folder", "a symbolic link",
		"a named pipe" };

	for (size_t i = 0; i < array_len(kinds); i++) {
		struct place p = place_new();
		struct listening l = { 0 };
		struct stat before;
		int fd = i == 0 ? open(p.path, O_CREAT | O_WRONLY | O_CLOEXEC, 0644) : -1;
		int made = i == 0   ? fd
			   : i == 1 ? mkdir(p.path, 0755)
			   : i == 2 ? symlink("/dev/null", p.path)
				    : mkfifo(p.path, 0600);

		ck_assert_int_ge(made, 0);
		before = stat_of(p.path);
		listening_start(&l, 1, "  a: {listen: 'unix://%s', handler: echo}\n", p.path);

		ck_assert_int_eq(l.code, -EEXIST);
		expect_said(&l, kinds[i]);
		expect_said(&l, "move it away");
		listening_stop(&l);
		ck_assert_uint_eq(stat_of(p.path).st_ino, before.st_ino);
		ck_assert_uint_eq(stat_of(p.path).st_mode, before.st_mode);
		if (fd >= 0)
			close(fd);
		unit_tempdir_remove(p.folder);
	}
}
END_TEST

START_TEST(a_link_to_a_stale_socket_is_not_followed)
{
	struct place p = place_new();
	struct listening l = { 0 };
	char target[160];

	snprintf(target, sizeof target, "%s/target", p.folder);
	close(foreign_unix(target, SOCK_STREAM, false));
	ck_assert_int_eq(symlink(target, p.path), 0);

	listening_start(&l, 1, "  a: {listen: 'unix://%s', handler: echo}\n", p.path);

	ck_assert_int_eq(l.code, -EEXIST);
	listening_stop(&l);
	ck_assert(exists(p.path));
	ck_assert(exists(target));
	unit_tempdir_remove(p.folder);
}
END_TEST

START_TEST(the_half_made_socket_of_a_killed_start_is_replaced)
{
	struct place p = place_new();
	pid_t child;
	int status;

	if (has_root("starting as nobody")) {
		ck_assert_int_eq(chown(p.folder, NOBODY, NOBODY), 0);
		child = fork();
		if (child == 0) {
			struct listening l = { 0 };

			if (setgid(NOBODY) < 0 || setuid(NOBODY) < 0)
				_exit(2);
			close(foreign_unix(p.path, SOCK_STREAM, false));
			if (chmod(p.path, 0) < 0)
				_exit(3);
			listening_start(&l, 1, "  a: {listen: 'unix://%s', handler: echo}\n", p.path);
			_exit(l.code == 0 ? 0 : 1);
		}
		ck_assert_int_eq(waitpid(child, &status, 0), child);
		ck_assert_int_eq(status, 0);
	}
	unit_tempdir_remove(p.folder);
}
END_TEST

START_TEST(a_closed_socket_of_somebody_else_stays)
{
	struct place p = place_new();
	pid_t child;
	int status;

	if (has_root("starting as nobody")) {
		close(foreign_unix(p.path, SOCK_STREAM, false));
		ck_assert_int_eq(chmod(p.path, 0600), 0);
		ck_assert_int_eq(chown(p.folder, NOBODY, NOBODY), 0);
		child = fork();
		if (child == 0) {
			struct listening l = { 0 };

			if (setuid(NOBODY) < 0)
				_exit(2);
			listening_start(&l, 1, "  a: {listen: 'unix://%s', handler: echo}\n", p.path);
			_exit(l.code == -EADDRINUSE && strstr(l.said, "remove it if not") != NULL ? 0 : 1);
		}
		ck_assert_int_eq(waitpid(child, &status, 0), child);
		ck_assert_int_eq(status, 0);
		ck_assert(exists(p.path));
	}
	unit_tempdir_remove(p.folder);
}
END_TEST

/* Many starts at once on one stale name: one of them gets it, and keeps it. */
START_TEST(of_many_that_start_at_once_exactly_one_gets_the_name)
{
	enum { STARTS = 8, ROUNDS = 10 };

	for (int round = 0; round < ROUNDS; round++) {
		struct place p = place_new();
		pid_t pids[STARTS];
		int go[2], end[2], winners = 0;
		char byte;

		ck_assert_int_eq(pipe2(go, O_CLOEXEC), 0);
		ck_assert_int_eq(pipe2(end, O_CLOEXEC), 0);
		close(foreign_unix(p.path, SOCK_STREAM, false));
		for (int i = 0; i < STARTS; i++) {
			pids[i] = fork();
			ck_assert_int_ge(pids[i], 0);
			if (pids[i] == 0) {
				struct listening l = { 0 };

				close(go[1]);
				close(end[1]);
				if (read(go[0], &byte, 1) != 0)
					_exit(9);
				listening_start(&l, 1, "  a: {listen: '%s://%s', handler: echo}\n",
					unix_scheme(i), p.path);
				/* The winner holds it until all others have failed. */
				if (l.code == 0 && read(end[0], &byte, 1) != 0)
					_exit(9);
				_exit(l.code == 0 ? 0 : l.code == -EADDRINUSE ? 1 : 2);
			}
		}
		close(go[1]);
		for (int i = 0; i < STARTS - 1; i++) {
			int status;

			ck_assert_int_gt(waitpid(-1, &status, 0), 0);
			ck_assert_int_eq(WEXITSTATUS(status), 1);
		}
		ck_assert(exists(p.path));
		ck_assert_int_ne(try_unix(p.path, SOCK_STREAM), ECONNREFUSED);
		close(end[1]);
		for (int status; waitpid(-1, &status, 0) > 0;)
			winners += WEXITSTATUS(status) == 0;
		ck_assert_int_eq(winners, 1);
		close(go[0]);
		close(end[0]);
		unit_tempdir_remove(p.folder);
	}
}
END_TEST

UNIT_TESTS("unix_probe", a_stale_socket_is_replaced, a_live_socket_is_an_error_and_stays,
	a_live_socket_with_a_full_queue_is_still_live, a_device_is_an_error_and_stays,
	a_file_of_another_kind_is_an_error_and_stays, a_link_to_a_stale_socket_is_not_followed,
	the_half_made_socket_of_a_killed_start_is_replaced, a_closed_socket_of_somebody_else_stays,
	of_many_that_start_at_once_exactly_one_gets_the_name)
