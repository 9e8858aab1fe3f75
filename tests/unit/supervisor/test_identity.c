/* supervisor/identity.c, with the users that every Debian has. */
#include "supervisor/identity.h"

#include <errno.h>
#include <string.h>
#include <unistd.h>

#include "config/load.h"
#include "unit.h"

static struct cfg_report report;

static struct config *
config_of(const char *daemon)
{
	struct config *c = NULL;
	char text[256];

	snprintf(text, sizeof text, "version: 1\ndaemon: {%s}\n", daemon);
	ck_assert_int_eq(config_parse_text("t.yaml", text, strlen(text), NULL, &c, &report), 0);
	cfg_report_fini(&report);
	return c;
}

/* Look up, and give what it came to. */
static struct identity
looked_up(const char *daemon)
{
	struct config *c = config_of(daemon);
	struct identity i = { 0 };

	ck_assert_int_eq(identity_look_up(c, &report, &i), 0);
	config_unref(c);
	return i;
}

static void
refused(const char *daemon, const char *says)
{
	struct config *c = config_of(daemon);
	struct identity i = { 0 };

	ck_assert_int_eq(identity_look_up(c, &report, &i), -EINVAL);
	ck_assert_uint_eq(report.errors, 1);
	ck_assert_int_eq(report.findings[0].line, 2);
	ck_assert_msg(strstr(report.findings[0].text, says) != NULL, "%s", report.findings[0].text);
	cfg_report_fini(&report);
	config_unref(c);
}

START_TEST(without_the_keys_nothing_changes)
{
	struct identity i = looked_up("");

	ck_assert(!i.drop);
	ck_assert_uint_eq(i.uid, geteuid());
	identity_fini(&i);
}
END_TEST

START_TEST(a_user_brings_its_group_and_its_groups)
{
	struct identity i = looked_up("user: daemon");

	ck_assert(i.drop);
	ck_assert_uint_eq(i.uid, 1);
	ck_assert_uint_eq(i.gid, 1);
	ck_assert_uint_ge(i.group_count, 1);
	ck_assert_uint_eq(i.groups[0], 1);
	ck_assert_str_eq(i.name, "daemon");
	identity_fini(&i);
}
END_TEST

START_TEST(a_group_takes_the_place_of_the_users)
{
	struct identity i = looked_up("user: daemon, group: tty");

	ck_assert_uint_eq(i.uid, 1);
	ck_assert_uint_eq(i.gid, 5);
	identity_fini(&i);
}
END_TEST

START_TEST(numbers_will_do_also_those_that_nobody_has)
{
	struct identity i = looked_up("user: \"1\"");

	ck_assert_str_eq(i.name, "daemon");
	identity_fini(&i);
	i = looked_up("user: \"54321\", group: \"54322\"");
	ck_assert_uint_eq(i.uid, 54321);
	ck_assert_uint_eq(i.gid, 54322);
	ck_assert_uint_eq(i.group_count, 1);
	ck_assert_uint_eq(i.groups[0], 54322);
	identity_fini(&i);
	refused("user: \"54321\"", "there is no user '54321'");
}
END_TEST

START_TEST(names_that_nobody_has_are_told_at_their_place)
{
	refused("user: no-such-user-x", "'daemon.user': there is no user 'no-such-user-x'; make it");
	refused("group: no-such-group-x", "'daemon.group': there is no group 'no-such-group-x'");
}
END_TEST

START_TEST(only_a_privileged_process_can_become_another)
{
	struct config *c = config_of("user: daemon");
	struct identity i = looked_up("user: daemon");

	if (geteuid() == 0) {
		ck_assert_int_eq(identity_check_rights(&i, c, &report), 0);
		ck_assert_int_eq(setgid(65534), 0);
		ck_assert_int_eq(setuid(65534), 0);
	}
	ck_assert_int_eq(identity_check_rights(&i, c, &report), -EPERM);
	ck_assert_ptr_nonnull(strstr(report.findings[0].text, "only a privileged start"));
	identity_fini(&i);
	config_unref(c);
	cfg_report_fini(&report);
}
END_TEST

START_TEST(whoever_is_that_user_already_needs_no_rights)
{
	struct config *c = config_of("user: \"65534\", group: \"65534\"");
	struct identity i = looked_up("user: \"65534\", group: \"65534\"");

	if (geteuid() == 0) {
		ck_assert_int_eq(setgid(65534), 0);
		ck_assert_int_eq(setuid(65534), 0);
		ck_assert_int_eq(identity_check_rights(&i, c, &report), 0);
	}
	identity_fini(&i);
	config_unref(c);
}
END_TEST

UNIT_TESTS("identity", without_the_keys_nothing_changes, a_user_brings_its_group_and_its_groups,
	a_group_takes_the_place_of_the_users, numbers_will_do_also_those_that_nobody_has,
	names_that_nobody_has_are_told_at_their_place, only_a_privileged_process_can_become_another,
	whoever_is_that_user_already_needs_no_rights)
