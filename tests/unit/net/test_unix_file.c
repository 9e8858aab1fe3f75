/* Socket files: their rights at every moment, and what is removed at the end. */
#include "net/unix_file.h"

#include <fcntl.h>

#include "listening.h"

START_TEST(the_mode_is_what_was_asked_whatever_the_umask)
{
	static const mode_t umasks[] = { 0, 022, 077, 0777 };
	static const mode_t modes[] = { 0600, 0620, 0660, 0666, 0777 };
	struct place p = place_new();

	for (size_t i = 0; i < array_len(umasks) * array_len(modes) * 2; i++) {
		struct listening l = { 0 };
		mode_t mode = modes[i / 2 % array_len(modes)], old = umask(umasks[i / 2 / array_len(modes)]);

		listening_start(&l, 1, "  a: {listen: '%s://%s', handler: echo, socket: {mode: '0%o'}}\n",
			unix_scheme(i), p.path, mode);
		umask(old);
		expect_listening(&l);
		ck_assert_uint_eq(stat_of(p.path).st_mode & 07777, mode);
		listening_stop(&l);
		ck_assert(!exists(p.path));
	}
	unit_tempdir_remove(p.folder);
}
END_TEST

START_TEST(without_a_mode_only_the_owner_may)
{
	struct place p = place_new();
	struct listening l = { 0 };

	listening_start(&l, 1, "  a: {listen: 'unix://%s', handler: echo}\n", p.path);

	expect_listening(&l);
	ck_assert_uint_eq(stat_of(p.path).st_mode & 07777, 0600);
	ck_assert_uint_eq(stat_of(p.path).st_uid, geteuid());
	listening_stop(&l);
	unit_tempdir_remove(p.folder);
}
END_TEST

START_TEST(owner_and_group_go_by_name_and_number)
{
	static const struct {
		const char *keys;
		uid_t uid;
		gid_t gid;
	} cases[] = {
		{ "owner: nobody, group: nogroup", NOBODY, NOBODY },
		{ "owner: '65534', group: '54321'", NOBODY, 54321 },
		{ "owner: '12345'", 12345, 0 },
		{ "group: nogroup", 0, NOBODY },
	};
	struct place p = place_new();

	for (size_t i = 0; i < array_len(cases) * 2 && has_root("giving sockets away"); i++) {
		struct listening l = { 0 };

		listening_start(&l, 1,
			"  a: {listen: '%s://%s', handler: echo, socket: {mode: '0640', %s}}\n",
			unix_scheme(i), p.path, cases[i / 2].keys);
		expect_listening(&l);
		ck_assert_uint_eq(stat_of(p.path).st_uid, cases[i / 2].uid);
		ck_assert_uint_eq(stat_of(p.path).st_gid, cases[i / 2].gid);
		ck_assert_uint_eq(stat_of(p.path).st_mode & 07777, 0640);
		listening_stop(&l);
	}
	unit_tempdir_remove(p.folder);
}
END_TEST

START_TEST(giving_away_without_rights_is_a_permission_error_that_leaves_nothing)
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
			listening_start(&l, 1,
				"  a: {listen: 'unix://%s', handler: echo, socket: {owner: root}}\n", p.path);
			_exit(l.code == -EPERM && strstr(l.said, "CAP_CHOWN") != NULL && !exists(p.path) ? 0
													 : 1);
		}
		ck_assert_int_eq(waitpid(child, &status, 0), child);
		ck_assert_int_eq(status, 0);
	}
	unit_tempdir_remove(p.folder);
}
END_TEST

START_TEST(a_folder_that_may_not_be_written_is_a_permission_error)
{
	struct place p = place_new();
	pid_t child;
	int status;

	if (has_root("starting as nobody")) {
		child = fork();
		if (child == 0) {
			struct listening l = { 0 };

			if (setuid(NOBODY) < 0)
				_exit(2);
			listening_start(&l, 1, "  a: {listen: 'unix://%s', handler: echo}\n", p.path);
			_exit(l.code == -EACCES && strstr(l.said, "may not make files in the folder") != NULL
					? 0
					: 1);
		}
		ck_assert_int_eq(waitpid(child, &status, 0), child);
		ck_assert_int_eq(status, 0);
	}
	unit_tempdir_remove(p.folder);
}
END_TEST

/* A process of nobody that tries to get in as fast as it can, until it is told to stop. It counts what it
 * met. */
struct burglar {
	pid_t pid;
	int stop_fd;
};

static struct burglar
burglar_start(const char *path, int type)
{
	int stop[2];
	struct burglar b;

	ck_assert_int_eq(pipe2(stop, O_CLOEXEC | O_NONBLOCK), 0);
	b = (struct burglar){ .pid = fork(), .stop_fd = stop[1] };
	ck_assert_int_ge(b.pid, 0);
	if (b.pid == 0) {
		int status = 0;
		char byte;

		close(stop[1]);
		if (setgid(NOBODY) < 0 || setuid(NOBODY) < 0)
			_exit(2);
		while (status == 0 && read(stop[0], &byte, 1) < 0)
			status = try_unix(path, type) == 0;
		_exit(status);
	}
	close(stop[0]);
	return b;
}

static int
burglar_stop(struct burglar *b)
{
	int status;

	close(b->stop_fd);
	ck_assert_int_eq(waitpid(b->pid, &status, 0), b->pid);
	ck_assert(WIFEXITED(status));
	return WEXITSTATUS(status);
}

START_TEST(nobody_gets_in_at_any_moment_of_two_hundred_starts)
{
	static const char *const rights[] = { "mode: '0600'", "mode: '0660'",
		"mode: '0660', owner: '12345', group: '54321'" };

	for (int i = 0; i < 2 && has_root("trying to connect as nobody"); i++) {
		struct place p = place_new();
		struct burglar b = burglar_start(p.path, unix_type(i));
		mode_t old = umask(0);

		for (int n = 0; n < 200; n++) {
			struct listening l = { 0 };

			listening_start(&l, 1, "  a: {listen: '%s://%s', handler: echo, socket: {%s}}\n",
				unix_scheme(i), p.path, rights[n % 3]);
			expect_listening(&l);
			listening_stop(&l);
		}
		umask(old);
		ck_assert_int_eq(burglar_stop(&b), 0);
		unit_tempdir_remove(p.folder);
	}
}
END_TEST

START_TEST(the_burglar_does_get_in_where_everybody_may)
{
	for (int i = 0; i < 2 && has_root("trying to connect as nobody"); i++) {
		struct place p = place_new();
		struct listening l = { 0 };
		int status;
		struct burglar b;

		listening_start(&l, 1, "  a: {listen: '%s://%s', handler: echo, socket: {mode: '0666'}}\n",
			unix_scheme(i), p.path);
		expect_listening(&l);
		b = burglar_start(p.path, unix_type(i));
		ck_assert_int_eq(waitpid(b.pid, &status, 0), b.pid);
		close(b.stop_fd);
		ck_assert_int_eq(WEXITSTATUS(status), 1);
		listening_stop(&l);
		unit_tempdir_remove(p.folder);
	}
}
END_TEST

START_TEST(only_our_own_file_is_removed)
{
	struct place p = place_new();
	struct listening l = { 0 };
	int fd;

	listening_start(&l, 1, "  a: {listen: 'unix://%s', handler: echo}\n", p.path);
	expect_listening(&l);
	ck_assert_int_eq(unlink(p.path), 0);
	fd = foreign_unix(p.path, SOCK_STREAM, true);

	listening_stop(&l);

	ck_assert_int_eq(try_unix(p.path, SOCK_STREAM), 0);
	close(fd);
	unit_tempdir_remove(p.folder);
}
END_TEST

START_TEST(a_file_that_is_gone_already_is_no_trouble)
{
	struct place p = place_new();
	struct listening l = { 0 };
	int before = fd_count_open();

	listening_start(&l, 1, "  a: {listen: 'unix://%s', handler: echo}\n", p.path);
	expect_listening(&l);
	ck_assert_int_eq(unlink(p.path), 0);

	listening_stop(&l);

	ck_assert_int_eq(fd_count_open(), before);
	ck_assert_int_eq(rmdir(p.folder), 0);
	free(p.folder);
}
END_TEST

START_TEST(an_abstract_name_that_is_taken_names_its_holder)
{
	struct listening first = { 0 }, second = { 0 };

	listening_start(&first, 1, "  a: {listen: 'unix:@sockd-test-%d', handler: echo}\n", (int)getpid());
	expect_listening(&first);

	listening_start(&second, 1, "  a: {listen: 'unix:@sockd-test-%d', handler: echo}\n", (int)getpid());

	ck_assert_int_eq(second.code, -EADDRINUSE);
	expect_said(&second, "in use by this sockd itself");
	listening_stop(&second);
	listening_stop(&first);
}
END_TEST

UNIT_TESTS("unix_file", the_mode_is_what_was_asked_whatever_the_umask, without_a_mode_only_the_owner_may,
	owner_and_group_go_by_name_and_number,
	giving_away_without_rights_is_a_permission_error_that_leaves_nothing,
	a_folder_that_may_not_be_written_is_a_permission_error,
	nobody_gets_in_at_any_moment_of_two_hundred_starts, the_burglar_does_get_in_where_everybody_may,
	only_our_own_file_is_removed, a_file_that_is_gone_already_is_no_trouble,
	an_abstract_name_that_is_taken_names_its_holder)
