/* Names or numbers, as for the owner of a socket. A user without an entry in the database has no groups of
 * its own, so it needs a group in the file. */
#include "supervisor/identity.h"

#include <errno.h>
#include <grp.h>
#include <linux/capability.h>
#include <pwd.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

enum { DATABASE_MAX = 64 * 1024, GROUPS_MAX = 65536 };

static bool
is_number(const char *text, uint32_t *ret)
{
	char *end;
	unsigned long n;

	errno = 0;
	n = strtoul(text, &end, 10);
	if (text[0] < '0' || text[0] > '9' || *end != '\0' || errno != 0 || n >= UINT32_MAX)
		return false;
	*ret = (uint32_t)n;
	return true;
}

/* @return 0: found; -ENOENT; or another negative errno */
static int
find_user(const char *text, struct identity *i)
{
	auto_of(mem) char *buffer = malloc(DATABASE_MAX);
	bool number = is_number(text, &i->uid);
	struct passwd entry, *found = NULL;
	int error;

	if (buffer == NULL)
		return -ENOMEM;
	error = number ? getpwuid_r(i->uid, &entry, buffer, DATABASE_MAX, &found)
		       : getpwnam_r(text, &entry, buffer, DATABASE_MAX, &found);
	if (error != 0 && error != ENOENT && error != ESRCH)
		return -error;
	if (found == NULL)
		return -ENOENT;
	i->uid = found->pw_uid;
	i->gid = found->pw_gid;
	snprintf(i->name, sizeof i->name, "%s", found->pw_name);
	return 0;
}

static int
find_group(const char *text, uint32_t *ret_gid)
{
	auto_of(mem) char *buffer = malloc(DATABASE_MAX);
	struct group entry, *found = NULL;
	int error;

	if (buffer == NULL)
		return -ENOMEM;
	if (is_number(text, ret_gid))
		return 0;
	error = getgrnam_r(text, &entry, buffer, DATABASE_MAX, &found);
	if (error != 0 && error != ENOENT && error != ESRCH)
		return -error;
	if (found == NULL)
		return -ENOENT;
	*ret_gid = found->gr_gid;
	return 0;
}

/* The groups that the database gives a user, its main one among them. */
static int
find_groups(struct identity *i, bool known)
{
	gid_t *groups = calloc(GROUPS_MAX, sizeof *groups);
	int count = GROUPS_MAX;

	if (groups == NULL)
		return -ENOMEM;
	if (!known) {
		groups[0] = i->gid;
		count = 1;
	} else if (getgrouplist(i->name, i->gid, groups, &count) < 0) {
		count = GROUPS_MAX;
	}
	i->groups = groups;
	i->group_count = (size_t)count;
	return 0;
}

static bool
has_capability(unsigned which)
{
	struct __user_cap_header_struct header = { .version = _LINUX_CAPABILITY_VERSION_3 };
	struct __user_cap_data_struct data[_LINUX_CAPABILITY_U32S_3] = { 0 };

	return syscall(SYS_capget, &header, data) == 0 &&
	       (data[which / 32].effective & 1u << which % 32) != 0;
}

static int
refuse_user(const struct cfg_daemon *d, int code, struct cfg_report *report)
{
	if (code == -ENOMEM)
		return cfg_report_no_memory(report);
	if (code == -ENOENT)
		return cfg_report_error(report, &d->user_place,
			"'daemon.user': there is no user '%s'; make it (useradd --system %s), or name "
			"another",
			d->user, d->user);
	return cfg_report_error(
		report, &d->user_place, "'daemon.user': cannot look up '%s': %s", d->user, strerror(-code));
}

static int
resolve_group(const struct cfg_daemon *d, struct cfg_report *report, struct identity *i)
{
	int code = find_group(d->group, &i->gid);

	if (code == -ENOMEM)
		return cfg_report_no_memory(report);
	if (code == -ENOENT)
		return cfg_report_error(report, &d->group_place,
			"'daemon.group': there is no group '%s'; make it (groupadd --system %s), or name "
			"another",
			d->group, d->group);
	if (code < 0)
		return cfg_report_error(report, &d->group_place, "'daemon.group': cannot look up '%s': %s",
			d->group, strerror(-code));
	return 0;
}

int
identity_look_up(const struct config *config, struct cfg_report *report, struct identity *ret)
{
	const struct cfg_daemon *d = &config->daemon;
	struct identity i = { .uid = geteuid(), .gid = getegid() };
	bool known = false;
	int code = 0;

	if (d->user == NULL && d->group == NULL) {
		*ret = i;
		return 0;
	}
	i.drop = true;
	snprintf(i.name, sizeof i.name, "%u", i.uid);
	if (d->user != NULL) {
		code = find_user(d->user, &i);
		known = code == 0;
		if (code == -ENOENT && d->group != NULL && is_number(d->user, &i.uid)) {
			snprintf(i.name, sizeof i.name, "%u", i.uid);
			code = 0;
		}
		if (code < 0)
			return refuse_user(d, code, report);
	}
	if (d->group != NULL)
		code = resolve_group(d, report, &i);
	if (code == 0 && find_groups(&i, known) < 0)
		code = cfg_report_no_memory(report);
	if (code < 0)
		return code;
	*ret = i;
	return 0;
}

int
identity_check_rights(const struct identity *i, const struct config *config, struct cfg_report *report)
{
	const struct cfg_daemon *d = &config->daemon;

	if (!i->drop)
		return 0;
	if (i->uid != geteuid() && !has_capability(CAP_SETUID)) {
		cfg_report_error(report, &d->user_place,
			"'daemon.user': only a privileged start can become user '%s'; start sockd as root, "
			"or as "
			"that user, or remove the key",
			i->name);
		return -EPERM;
	}
	if (i->gid != getegid() && !has_capability(CAP_SETGID)) {
		cfg_report_error(report, d->group != NULL ? &d->group_place : &d->user_place,
			"'daemon.group': only a privileged start can take on group %u; start sockd as root, "
			"or "
			"with that group",
			i->gid);
		return -EPERM;
	}
	return 0;
}

static bool
is_same(const char *a, const char *b)
{
	return a == b || (a != NULL && b != NULL && strcmp(a, b) == 0);
}

int
identity_check_change(const struct config *before, const struct config *after, struct cfg_report *report)
{
	struct identity i;
	int code;

	if (is_same(before->daemon.user, after->daemon.user) &&
		is_same(before->daemon.group, after->daemon.group))
		return 0;
	code = identity_look_up(after, report, &i);
	if (code < 0)
		return code;
	code = identity_check_rights(&i, after, report);
	identity_fini(&i);
	return code;
}

void
identity_fini(struct identity *i)
{
	free(i->groups);
	*i = (struct identity){ 0 };
}
