/* worker/privileges.c: as root, each in a process of its own, as Check does it. */
#include "worker/privileges.h"

#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <linux/capability.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "unit.h"

static uint32_t
capabilities(void)
{
	struct __user_cap_header_struct header = { .version = _LINUX_CAPABILITY_VERSION_3 };
	struct __user_cap_data_struct data[_LINUX_CAPABILITY_U32S_3] = { 0 };

	ck_assert_int_eq(syscall(SYS_capget, &header, data), 0);
	return data[0].effective | data[0].permitted | data[0].inheritable | data[1].permitted;
}

START_TEST(root_becomes_another_user_for_good)
{
	static const uint32_t groups[] = { 54322, 20 };
	struct err e = { 0 };
	gid_t now[8];

	if (geteuid() != 0)
		return; /* the test below is for the others */
	ck_assert_msg(privileges_drop(54321, 54322, groups, 2, &e) == 0, "%s", e.text);

	ck_assert_uint_eq(getuid(), 54321);
	ck_assert_uint_eq(getegid(), 54322);
	ck_assert_int_eq(getgroups(8, now), 2);
	ck_assert_int_eq(setuid(0), -1);
	ck_assert_int_eq(setgid(0), -1);
	ck_assert_uint_eq(capabilities(), 0);
	ck_assert_int_eq(prctl(PR_CAPBSET_READ, CAP_SYS_ADMIN, 0, 0, 0), 0);
}
END_TEST

START_TEST(its_own_descriptors_can_still_be_opened_by_path)
{
	char path[64];
	struct err e = { 0 };
	int fd = memfd_create("test", MFD_CLOEXEC), again;

	if (geteuid() == 0)
		ck_assert_int_eq(privileges_drop(54321, 54322, NULL, 0, &e), 0);
	snprintf(path, sizeof path, "/proc/self/fd/%d", fd);

	again = open(path, O_RDONLY | O_CLOEXEC);

	ck_assert_msg(again >= 0, "%s", strerror(errno));
	close(again);
	close(fd);
}
END_TEST

START_TEST(an_unprivileged_process_may_stay_who_it_is_and_nothing_else)
{
	struct err e = { 0 };
	uint32_t groups[64];
	gid_t now[64];
	int n;

	if (geteuid() == 0) {
		ck_assert_int_eq(setgroups(1, &(gid_t){ 54330 }), 0);
		ck_assert_int_eq(setresgid(54322, 54322, 54322), 0);
		ck_assert_int_eq(setresuid(54321, 54321, 54321), 0);
	}
	n = getgroups(64, now);
	for (int i = 0; i < n; i++)
		groups[i] = now[i];
	ck_assert_msg(privileges_drop(getuid(), getgid(), groups, (size_t)n, &e) == 0, "%s", e.text);
	ck_assert_int_eq(privileges_drop(getuid() + 1, getgid(), groups, (size_t)n, &e), -EPERM);
	ck_assert_ptr_nonnull(strstr(e.text, "cannot become user"));
	ck_assert_int_eq(privileges_drop(getuid(), getgid(), (const uint32_t[]){ 54399 }, 1, &e), -EPERM);
}
END_TEST

START_TEST(capabilities_can_go_alone)
{
	struct err e = { 0 };

	ck_assert_int_eq(privileges_drop_capabilities(&e), 0);
	ck_assert_uint_eq(capabilities(), 0);
}
END_TEST

UNIT_TESTS("privileges", root_becomes_another_user_for_good, its_own_descriptors_can_still_be_opened_by_path,
	an_unprivileged_process_may_stay_who_it_is_and_nothing_else, capabilities_can_go_alone)
