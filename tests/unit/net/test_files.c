/* The list of socket files, without sockets: any file can be pinned. */
#include "net/files.h"

#include <fcntl.h>

#include "base/fdutil.h"

#include "listening.h"

static int
make(const char *path)
{
	fclose(fopen(path, "we"));
	return open(path, O_PATH | O_CLOEXEC);
}

START_TEST(pinned_files_are_removed)
{
	char *folder = unit_tempdir(), path[128];
	int before = fd_count_open();
	struct net_files *files = net_files_new();

	for (int i = 0; i < 5; i++) {
		snprintf(path, sizeof path, "%s/%d", folder, i);
		ck_assert_int_eq(net_files_reserve(files, path), 0);
		net_files_add(files, make(path));
	}

	net_files_remove(files);

	ck_assert_int_eq(fd_count_open(), before);
	ck_assert_int_eq(rmdir(folder), 0);
	free(folder);
}
END_TEST

START_TEST(a_path_that_was_only_reserved_stays)
{
	char *folder = unit_tempdir(), path[128], other[128];
	struct net_files *files = net_files_new();

	snprintf(path, sizeof path, "%s/theirs", folder);
	snprintf(other, sizeof other, "%s/ours", folder);
	close(make(path));
	ck_assert_int_eq(net_files_reserve(files, path), 0);
	ck_assert_int_eq(
		net_files_reserve(files, other), 0); /* in place of the first, which was never made */
	net_files_add(files, make(other));
	ck_assert_int_eq(net_files_reserve(files, path), 0);

	net_files_remove(files);

	ck_assert_int_eq(access(path, F_OK), 0);
	ck_assert_int_eq(access(other, F_OK), -1);
	unit_tempdir_remove(folder);
}
END_TEST

START_TEST(what_took_its_place_stays)
{
	char *folder = unit_tempdir(), path[128];
	struct net_files *files = net_files_new();

	snprintf(path, sizeof path, "%s/f", folder);
	ck_assert_int_eq(net_files_reserve(files, path), 0);
	net_files_add(files, make(path));
	ck_assert_int_eq(unlink(path), 0);
	close(make(path)); /* a new file, that a file system would gladly give the old number */

	net_files_remove(files);

	ck_assert_int_eq(access(path, F_OK), 0);
	unit_tempdir_remove(folder);
}
END_TEST

START_TEST(removing_nothing_is_fine)
{
	int before = fd_count_open();

	net_files_remove(NULL);
	net_files_remove(net_files_new());

	ck_assert_int_eq(fd_count_open(), before);
}
END_TEST

UNIT_TESTS("files", pinned_files_are_removed, a_path_that_was_only_reserved_stays, what_took_its_place_stays,
	removing_nothing_is_fine)
