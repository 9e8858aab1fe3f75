/* control/admin_path.c */
#include <errno.h>
#include <string.h>

#include "control/admin_path.h"
#include "unit.h"

static void
surroundings(const char *runtime, const char *xdg)
{
	unsetenv("RUNTIME_DIRECTORY");
	unsetenv("XDG_RUNTIME_DIR");
	if (runtime != NULL)
		setenv("RUNTIME_DIRECTORY", runtime, 1);
	if (xdg != NULL)
		setenv("XDG_RUNTIME_DIR", xdg, 1);
}

START_TEST(the_units_folder_comes_first)
{
	char path[ADMIN_PATH_SIZE];
	struct err e = { 0 };

	surroundings("/run/a:/run/b", "/run/user/1");
	ck_assert_int_eq(admin_path_auto(path, &e), 0);
	ck_assert_str_eq(path, "/run/a/admin.sock");
	ck_assert(admin_path_candidate(0, path));
	ck_assert_str_eq(path, "/run/a/admin.sock");
}
END_TEST

START_TEST(root_has_run_and_others_their_own)
{
	char path[ADMIN_PATH_SIZE];
	struct err e = { 0 };

	surroundings(NULL, "/run/user/1");
	if (geteuid() == 0) {
		ck_assert_int_eq(admin_path_auto(path, &e), 0);
		ck_assert_str_eq(path, "/run/sockd/admin.sock");
		ck_assert(admin_path_candidate(0, path));
		ck_assert_str_eq(path, "/run/sockd/admin.sock");
		ck_assert(!admin_path_candidate(1, path));
		ck_assert_int_eq(seteuid(65534), 0);
	}
	ck_assert_int_eq(admin_path_auto(path, &e), 0);
	ck_assert_str_eq(path, "/run/user/1/sockd/admin.sock");
	ck_assert(admin_path_candidate(0, path));
	ck_assert_str_eq(path, "/run/user/1/sockd/admin.sock");
	ck_assert(admin_path_candidate(1, path));
	ck_assert_str_eq(path, "/run/sockd/admin.sock");
	ck_assert(!admin_path_candidate(2, path));
	surroundings(NULL, NULL);
	ck_assert_int_eq(admin_path_auto(path, &e), -ENOENT);
	ck_assert_int_eq(
		seteuid(getuid()), 0); /* a leak check at the end needs the rights of the beginning */
}
END_TEST

START_TEST(a_folder_that_is_too_long_or_relative_is_no_place)
{
	char path[ADMIN_PATH_SIZE] = "untouched", long_folder[200] = "/";
	struct err e = { 0 };

	memset(long_folder + 1, 'x', 150);
	surroundings(long_folder, NULL);
	ck_assert_int_eq(admin_path_auto(path, &e), -ENAMETOOLONG);
	ck_assert(admin_path_candidate(0, path));
	ck_assert_str_eq(path, "/run/sockd/admin.sock");
	surroundings("relative", NULL);
	ck_assert(admin_path_candidate(0, path));
	ck_assert_str_eq(path, "/run/sockd/admin.sock");
}
END_TEST

UNIT_TESTS("admin_path", the_units_folder_comes_first, root_has_run_and_others_their_own,
	a_folder_that_is_too_long_or_relative_is_no_place)
