/* The folder of a socket: whether there is one, who may write to it, and its lock. */
#include "net/folder.h"

#include <fcntl.h>
#include <sys/file.h>

#include "listening.h"

START_TEST(a_start_waits_for_the_folder_and_gives_up_after_a_while)
{
	struct place p = place_new();
	struct listening l = { 0 };
	int fd = open(p.folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);

	ck_assert_int_eq(flock(fd, LOCK_EX), 0);

	listening_start(&l, 1, "  a: {listen: 'unix://%s', handler: echo}\n", p.path);

	ck_assert_int_eq(l.code, -EAGAIN);
	expect_said(&l, "locked");
	listening_stop(&l);
	close(fd);
	unit_tempdir_remove(p.folder);
}
END_TEST

START_TEST(an_open_folder_is_a_warning_and_a_sticky_one_is_not)
{
	static const struct {
		mode_t mode;
		unsigned warnings;
	} cases[] = { { 0777, 1 }, { 01777, 0 }, { 0775, 0 } };
	struct place p = place_new();

	for (size_t i = 0; i < array_len(cases); i++) {
		struct listening l = { 0 };

		ck_assert_int_eq(chmod(p.folder, cases[i].mode), 0);
		listening_start(&l, 1, "  a: {listen: 'unix://%s', handler: echo}\n", p.path);
		expect_listening(&l);
		ck_assert_uint_eq(l.report.warnings, cases[i].warnings);
		if (cases[i].warnings > 0)
			expect_said(&l, "not sticky");
		listening_stop(&l);
	}
	unit_tempdir_remove(p.folder);
}
END_TEST

START_TEST(the_folder_has_to_be_one)
{
	struct place p = place_new();
	struct listening l = { 0 };

	fclose(fopen(p.path, "we"));
	listening_start(&l, 1, "  a: {listen: 'unix://%s/s', handler: echo}\n", p.path);

	ck_assert_int_eq(l.code, -ENOTDIR);
	listening_stop(&l);
	unit_tempdir_remove(p.folder);
}
END_TEST

UNIT_TESTS("folder", a_start_waits_for_the_folder_and_gives_up_after_a_while,
	an_open_folder_is_a_warning_and_a_sticky_one_is_not, the_folder_has_to_be_one)
