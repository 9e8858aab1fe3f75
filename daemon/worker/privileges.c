/* glibc's set*id() change all threads. Capabilities are set by the two system calls themselves: what
 * libcap-ng adds is the lookup of names in files, which a worker has no access to.
 *
 * The order matters: the bounding set can only be lowered with CAP_SETPCAP, groups only with CAP_SETGID, and
 * both go with the user. A process that changed its user is no longer dumpable, and then /proc/self/fd, which
 * dlopen() of a memfd needs, belongs to root; so that is put back. */
#include "worker/privileges.h"

#include <errno.h>
#include <grp.h>
#include <linux/capability.h>
#include <stdbool.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

enum { GROUPS_MAX = 65536 };

static int
compare(const void *a, const void *b)
{
	uint32_t left = *(const uint32_t *)a, right = *(const uint32_t *)b;

	return left < right ? -1 : left > right;
}

/* Whether this process has exactly these supplementary groups; its main group may stand among them or not. */
static bool
has_groups(uint32_t gid, const uint32_t *groups, size_t count)
{
	auto_of(mem) gid_t *now = calloc(GROUPS_MAX, sizeof *now);
	auto_of(mem) uint32_t *wanted = calloc(count + 1, sizeof *wanted);
	int n = now != NULL ? getgroups(GROUPS_MAX, now) : -1;
	size_t i = 0, k = 0;

	if (n < 0 || wanted == NULL)
		return false;
	if (count > 0)
		memcpy(wanted, groups, count * sizeof *wanted);
	qsort(wanted, count, sizeof *wanted, compare);
	qsort(now, (size_t)n, sizeof *now, compare);
	for (;;) {
		while (i < (size_t)n && now[i] == gid)
			i++;
		while (k < count && wanted[k] == gid)
			k++;
		if (i == (size_t)n || k == count)
			return i == (size_t)n && k == count;
		if (now[i++] != wanted[k++])
			return false;
	}
}

static bool
is_now(uint32_t uid, uint32_t gid)
{
	uid_t real, effective, saved;
	gid_t real_group, effective_group, saved_group;

	return getresuid(&real, &effective, &saved) == 0 &&
	       getresgid(&real_group, &effective_group, &saved_group) == 0 && real == uid &&
	       effective == uid && saved == uid && real_group == gid && effective_group == gid &&
	       saved_group == gid;
}

/* A capability that the kernel does not know ends the list. */
static void
empty_bounding_set(void)
{
	for (unsigned long c = 0; prctl(PR_CAPBSET_READ, c, 0, 0, 0) >= 0; c++)
		if (prctl(PR_CAPBSET_DROP, c, 0, 0, 0) < 0)
			return; /* without CAP_SETPCAP there is nothing in it that we could get */
}

static int
empty_sets(struct err *e)
{
	struct __user_cap_header_struct header = { .version = _LINUX_CAPABILITY_VERSION_3 };
	struct __user_cap_data_struct none[_LINUX_CAPABILITY_U32S_3] = { 0 };

	prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_CLEAR_ALL, 0, 0, 0); /* goes with the permitted ones anyway */
	if (syscall(SYS_capset, &header, none) < 0)
		return err_errno(e, "cannot give up capabilities");
	return 0;
}

int
privileges_drop_capabilities(struct err *e)
{
	empty_bounding_set();
	return empty_sets(e);
}

int
privileges_drop(uint32_t uid, uint32_t gid, const uint32_t *groups, size_t group_count, struct err *e)
{
	bool same_groups = has_groups(gid, groups, group_count);

	empty_bounding_set();
	if (!same_groups && setgroups(group_count, groups) < 0)
		return err_errno(e, "cannot take on the groups of user %u", uid);
	if (!is_now(uid, gid) && (setresgid(gid, gid, gid) < 0 || setresuid(uid, uid, uid) < 0))
		return err_errno(e, "cannot become user %u, group %u", uid, gid);
	if (uid != 0 && setuid(0) == 0)
		return err_set(e, -EPERM, "user %u can become root again", uid);
	if (prctl(PR_SET_DUMPABLE, 1, 0, 0, 0) < 0)
		return err_errno(e, "cannot make this process readable to itself");
	return empty_sets(e);
}
