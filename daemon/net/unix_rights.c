/* Names first, numbers second, as chown(1) does it: a user may be named 1000. */
#include "net/unix_rights.h"

#include <errno.h>
#include <grp.h>
#include <pwd.h>
#include <stdlib.h>
#include <string.h>

#include "net/given.h"

/* An entry of the user database is a line of text; groups with thousands of members make long ones. */
enum { FIRST_ROOM = 4096, LAST_ROOM = 1 << 22 };

static int
user_number(const char *name, char *room, size_t size, unsigned *ret)
{
	struct passwd entry, *found = NULL;
	int code = getpwnam_r(name, &entry, room, size, &found);

	if (found == NULL)
		return code != 0 ? -code : -ENOENT;
	*ret = entry.pw_uid;
	return 0;
}

static int
group_number(const char *name, char *room, size_t size, unsigned *ret)
{
	struct group entry, *found = NULL;
	int code = getgrnam_r(name, &entry, room, size, &found);

	if (found == NULL)
		return code != 0 ? -code : -ENOENT;
	*ret = entry.gr_gid;
	return 0;
}

typedef int (*lookup_fn)(const char *name, char *room, size_t size, unsigned *ret);

static int
look_up(lookup_fn lookup, const char *name, unsigned *ret)
{
	for (size_t size = FIRST_ROOM; size <= LAST_ROOM; size *= 4) {
		auto_of(mem) char *room = malloc(size);
		int code = room != NULL ? lookup(name, room, size, ret) : -ENOMEM;

		if (code != -ERANGE)
			return code;
	}
	return -ERANGE;
}

/* The last number means "unchanged" to chown(2), so it is no owner. */
static int
parse_number(const char *text, unsigned *ret)
{
	unsigned long long n;
	char *end;

	if (strspn(text, "0123456789") != strlen(text) || text[0] == '\0')
		return -ENOENT;
	errno = 0;
	n = strtoull(text, &end, 10);
	if (errno != 0 || n >= UINT32_MAX)
		return -ENOENT;
	*ret = (unsigned)n;
	return 0;
}

static int
resolve(lookup_fn lookup, const char *what, const char *name, const struct cfg_place *place,
	struct cfg_report *report, unsigned *ret)
{
	int code;

	if (name == NULL)
		return 0;
	code = look_up(lookup, name, ret);
	if (code == 0)
		return 0;
	/* getpwnam_r() may say so in four more ways when there is no such name (see its manual). */
	if (code != -ENOENT && code != -ESRCH && code != -EBADF && code != -EPERM) {
		cfg_report_error(
			report, place, "cannot look up the %s '%s': %s", what, name, strerror(-code));
		return code;
	}
	if (parse_number(name, ret) == 0)
		return 0;
	return cfg_report_error(report, place,
		"there is no %s '%s' here; write a name that 'getent %s' knows, or a number", what, name,
		strcmp(what, "user") == 0 ? "passwd" : "group");
}

static bool
has_file(const struct cfg_listener *l)
{
	for (size_t i = 0; i < l->address_count; i++)
		if ((l->addresses[i].transport == CFG_UNIX || l->addresses[i].transport == CFG_UNIXGRAM) &&
			!l->addresses[i].abstract)
			return true;
	return false;
}

static int
refuse_without_file(const struct cfg_listener *l, struct cfg_report *report)
{
	static const char *const keys[] = { "socket.mode", "socket.owner", "socket.group" };
	int code = 0;

	for (size_t i = 0; i < array_len(keys); i++) {
		const struct cfg_place *place = given_place(l, keys[i]);

		if (place != NULL)
			code = cfg_report_error(report, place,
				"an abstract name has no file, so '%s' means nothing for it; use "
				"unix:///PATH",
				keys[i]);
	}
	return code;
}

int
unix_rights_resolve(const struct cfg_listener *listener, struct cfg_report *report, struct unix_rights *ret)
{
	const struct cfg_socket *s = &listener->socket;
	unsigned uid = (uid_t)-1, gid = (gid_t)-1;
	int owner, group;

	if (!has_file(listener)) {
		int code = refuse_without_file(listener, report);

		if (code == 0)
			*ret = (struct unix_rights){ .uid = (uid_t)-1, .gid = (gid_t)-1 };
		return code;
	}
	owner = resolve(user_number, "user", s->owner, &s->owner_place, report, &uid);
	group = resolve(group_number, "group", s->group, &s->group_place, report, &gid);
	if (owner < 0 || group < 0)
		return owner < 0 ? owner : group;
	*ret = (struct unix_rights){ .mode = s->mode, .uid = uid, .gid = gid };
	return 0;
}
