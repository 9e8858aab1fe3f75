/* run/plugin_new.c: what is left behind when it cannot be done; that the result builds is
 * test_plugin_command.py's. */
#include "run/plugin_new.h"

#include <dirent.h>
#include <signal.h>
#include <string.h>
#include <sys/resource.h>
#include <sysexits.h>

#include "unit.h"

static char *folder;

static void
go_there(void)
{
	folder = unit_tempdir();
	ck_assert_int_eq(chdir(folder), 0);
	ck_assert_ptr_nonnull(freopen("/dev/null", "w", stdout));
}

static void
leave(void)
{
	ck_assert_int_eq(chdir("/"), 0);
	unit_tempdir_remove(folder);
}

static int
count_entries(const char *path)
{
	DIR *d = opendir(path);
	int count = -2; /* . and .. */

	ck_assert_ptr_nonnull(d);
	while (readdir(d) != NULL)
		count++;
	closedir(d);
	return count;
}

START_TEST(each_file_bears_the_name)
{
	int files = 0;

	go_there();
	ck_assert_int_eq(plugin_new("mine-2"), EX_OK);
	for (const struct template_file *f = template_files; f->name != NULL; f++)
		files++;
	ck_assert_int_eq(count_entries("mine-2"), files);
	ck_assert_int_eq(access("mine-2/mine-2.c", R_OK), 0);
	ck_assert_int_eq(count_entries("."), 1);
	leave();
}
END_TEST

START_TEST(a_name_has_to_be_one)
{
	static const char *const bad[] = { "", "-x", "2x", "a/b", "../x", "Ab", "a b",
		"a23456789012345678901234567890123" };

	go_there();
	for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++)
		ck_assert_int_eq(plugin_new(bad[i]), EX_USAGE);
	ck_assert_int_eq(count_entries("."), 0);
	leave();
}
END_TEST

START_TEST(a_disk_that_is_full_leaves_nothing)
{
	struct rlimit limit;

	go_there();
	ck_assert_int_eq(getrlimit(RLIMIT_FSIZE, &limit), 0);
	signal(SIGXFSZ, SIG_IGN);
	/* 1: the first file; 500: a later one, when others are whole. */
	for (rlim_t most = 1; most <= 500; most += 499) {
		int status;

		/* Check itself writes to a file: it is not called meanwhile. */
		setrlimit(RLIMIT_FSIZE, &(struct rlimit){ most, limit.rlim_max });
		status = plugin_new("mine");
		setrlimit(RLIMIT_FSIZE, &limit);
		ck_assert_int_eq(status, EX_CANTCREAT);
		ck_assert_int_eq(count_entries("."), 0);
	}
	leave();
}
END_TEST

START_TEST(a_folder_that_is_gone_takes_none)
{
	go_there();
	ck_assert_int_eq(rmdir(folder), 0);
	ck_assert_int_eq(plugin_new("mine"), EX_CANTCREAT);
	leave();
}
END_TEST

START_TEST(descriptors_that_are_used_up_leave_nothing)
{
	struct rlimit limit, none;
	int next;

	go_there();
	ck_assert_int_eq(getrlimit(RLIMIT_NOFILE, &limit), 0);
	next = dup(STDIN_FILENO);
	close(next);
	/* None for the folder, then one for it and none for a file. */
	for (int more = 0; more < 2; more++) {
		none = (struct rlimit){ (rlim_t)(next + more), limit.rlim_max };
		ck_assert_int_eq(setrlimit(RLIMIT_NOFILE, &none), 0);
		ck_assert_int_eq(plugin_new("mine"), EX_CANTCREAT);
		ck_assert_int_eq(setrlimit(RLIMIT_NOFILE, &limit), 0);
		ck_assert_int_eq(count_entries("."), 0);
	}
	leave();
}
END_TEST

UNIT_TESTS("plugin_new", each_file_bears_the_name, a_name_has_to_be_one, a_disk_that_is_full_leaves_nothing,
	a_folder_that_is_gone_takes_none, descriptors_that_are_used_up_leave_nothing)
