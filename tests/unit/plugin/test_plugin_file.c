/* plugin/plugin_file.c */
#include <errno.h>

#include "base/fdutil.h"
#include "plugin/plugin_file.h"

#include "made.h"

static char *dir;
static char path[256];
static struct err e;

static void
setup(mode_t mode)
{
	dir = unit_tempdir();
	snprintf(path, sizeof path, "%s/echo.so", dir);
	made_write(path, "first content", mode);
	e = (struct err){ 0 };
}

static int
try(const char *name)
{
	const char *const folders[] = { "/nowhere/at/all", dir };
	auto_of(mem) char *found = NULL;
	auto_of(fd) int fd = -1;
	int r = plugin_file_open(name, folders, array_len(folders), &found, &fd, &e);

	if (r == 0)
		ck_assert_str_eq(found, path);
	else
		ck_assert_int_eq(fd, -1);
	return r;
}

START_TEST(a_bare_name_is_searched_in_the_folders)
{
	setup(0644);
	ck_assert_int_eq(try("echo"), 0);
	unit_tempdir_remove(dir);
}
END_TEST

START_TEST(a_path_is_taken_as_it_is)
{
	setup(0755);
	ck_assert_int_eq(try(path), 0);
	unit_tempdir_remove(dir);
}
END_TEST

START_TEST(the_copy_does_not_follow_the_file)
{
	auto_of(mem) char *found = NULL;
	char bytes[32] = "";
	int fd = -1;

	setup(0644);
	ck_assert_int_eq(plugin_file_open(path, NULL, 0, &found, &fd, &e), 0);
	made_write(path, "something else", 0644);

	ck_assert_int_eq(pread(fd, bytes, sizeof bytes - 1, 0), 13);
	ck_assert_str_eq(bytes, "first content");
	ck_assert_int_lt(write(fd, "x", 1), 0);
	close(fd);
	unit_tempdir_remove(dir);
}
END_TEST

START_TEST(a_missing_plugin_names_the_folders_and_the_nearest_name)
{
	setup(0644);
	ck_assert_int_eq(try("ehco"), -ENOENT);
	ck_assert_ptr_nonnull(strstr(e.text, "did you mean 'echo'?"));
	ck_assert_ptr_nonnull(strstr(e.text, "/nowhere/at/all, "));
	ck_assert_ptr_nonnull(strstr(e.text, dir));
	ck_assert_int_eq(try("something-quite-different"), -ENOENT);
	ck_assert_ptr_null(strstr(e.text, "did you mean"));
	ck_assert_int_eq(try("echo.so"), -ENOENT);
	ck_assert_ptr_nonnull(strstr(e.text, "write its path, such as ./echo.so"));
	unit_tempdir_remove(dir);
}
END_TEST

START_TEST(a_file_that_others_may_write_is_refused)
{
	setup(0664);
	ck_assert_int_eq(try("echo"), -EPERM);
	ck_assert_ptr_nonnull(strstr(e.text, "has mode 0664"));
	ck_assert_int_eq(chmod(path, 0646), 0);
	ck_assert_int_eq(try("echo"), -EPERM);
	unit_tempdir_remove(dir);
}
END_TEST

START_TEST(a_folder_that_others_may_write_is_refused_unless_sticky)
{
	setup(0644);
	ck_assert_int_eq(chmod(dir, 0777), 0);
	ck_assert_int_eq(try("echo"), -EPERM);
	ck_assert_ptr_nonnull(strstr(e.text, "the folder"));
	ck_assert_int_eq(chmod(dir, 01777), 0);
	ck_assert_int_eq(try("echo"), 0);
	unit_tempdir_remove(dir);
}
END_TEST

START_TEST(a_file_of_another_user_is_refused)
{
	setup(0644);
	if (geteuid() == 0) {
		ck_assert_int_eq(chown(path, 12345, (gid_t)-1), 0);
		ck_assert_int_eq(try("echo"), -EPERM);
		ck_assert_ptr_nonnull(strstr(e.text, "belongs to user 12345"));
	} else {
		ck_assert_int_eq(try("echo"), 0); /* only root can give a file away */
	}
	unit_tempdir_remove(dir);
}
END_TEST

START_TEST(only_a_regular_file_is_taken)
{
	setup(0644);
	ck_assert_int_eq(unlink(path), 0);
	ck_assert_int_eq(mkfifo(path, 0644), 0);
	ck_assert_int_eq(try("echo"), -EINVAL);
	ck_assert_ptr_nonnull(strstr(e.text, "not a regular file"));
	unit_tempdir_remove(dir);
}
END_TEST

START_TEST(a_missing_path_says_so)
{
	setup(0644);
	ck_assert_int_eq(try("./not/there.so"), -ENOENT);
	ck_assert_ptr_nonnull(strstr(e.text, "./not/there.so"));
	unit_tempdir_remove(dir);
}
END_TEST

START_TEST(a_path_longer_than_the_names_of_memory_files_is_fine)
{
	char longer[600];
	auto_of(mem) char *found = NULL;
	int fd = -1;

	setup(0644);
	snprintf(longer, sizeof longer, "%s", dir);
	while (strlen(longer) < 400)
		strcat(longer, "/.");
	strcat(longer, "/echo.so");
	ck_assert_int_eq(plugin_file_open(longer, NULL, 0, &found, &fd, &e), 0);
	ck_assert_str_eq(found, longer);
	close(fd);
	unit_tempdir_remove(dir);
}
END_TEST

UNIT_TESTS("plugin_file", a_bare_name_is_searched_in_the_folders, a_path_is_taken_as_it_is,
	the_copy_does_not_follow_the_file, a_missing_plugin_names_the_folders_and_the_nearest_name,
	a_file_that_others_may_write_is_refused, a_folder_that_others_may_write_is_refused_unless_sticky,
	a_file_of_another_user_is_refused, only_a_regular_file_is_taken, a_missing_path_says_so,
	a_path_longer_than_the_names_of_memory_files_is_fine)
