/* From names of users and groups to numbers. */
#include "net/unix_rights.h"

#include "listening.h"

/* A listener at a path, or at an abstract name, with these lines under `socket:`. */
static int
resolve(struct listening *l, struct unix_rights *ret, const char *address, const char *keys)
{
	char text[512];
	int size = snprintf(text, sizeof text,
		"version: 1\nlisteners:\n  a:\n    listen: %s\n    handler: echo\n    socket: {%s}\n",
		address, keys);
	int code;

	ck_assert_int_eq(config_parse_text("test.yaml", text, (size_t)size, NULL, &l->config, &l->report), 0);
	code = unix_rights_resolve(&l->config->listeners[0], &l->report, ret);
	listening_say(l);
	return code;
}

START_TEST(names_and_numbers_are_found)
{
	static const struct {
		const char *keys;
		struct unix_rights expected;
	} cases[] = {
		{ "mode: '0640', owner: root, group: root", { 0640, 0, 0 } },
		{ "owner: nobody", { 0600, NOBODY, (gid_t)-1 } },
		{ "owner: '77', group: '4294967294'", { 0600, 77, 4294967294u } },
		{ "", { 0600, (uid_t)-1, (gid_t)-1 } },
	};

	for (size_t i = 0; i < array_len(cases); i++) {
		struct listening l = { 0 };
		struct unix_rights r;

		ck_assert_int_eq(resolve(&l, &r, "unix:///tmp/s", cases[i].keys), 0);
		ck_assert_uint_eq(r.mode, cases[i].expected.mode);
		ck_assert_uint_eq(r.uid, cases[i].expected.uid);
		ck_assert_uint_eq(r.gid, cases[i].expected.gid);
		listening_stop(&l);
	}
}
END_TEST

START_TEST(unknown_names_are_errors_at_their_keys)
{
	static const char *const keys[] = { "owner: no-such-user", "owner: '4294967295'",
		"owner: '99999999999999999999'", "owner: '-1'", "owner: '0x10'" };

	for (size_t i = 0; i < array_len(keys); i++) {
		struct listening l = { 0 };
		struct unix_rights r;

		ck_assert_int_eq(resolve(&l, &r, "unixgram:///tmp/s", keys[i]), -EINVAL);
		expect_said(&l, "test.yaml:6:21: error: there is no user '");
		expect_said(&l, "'getent passwd' knows");
		listening_stop(&l);
	}
}
END_TEST

START_TEST(both_unknown_names_are_told)
{
	struct listening l = { 0 };
	struct unix_rights r;

	ck_assert_int_eq(
		resolve(&l, &r, "unix:///tmp/s", "owner: no-such-user, group: no-such-group"), -EINVAL);

	ck_assert_uint_eq(l.report.errors, 2);
	expect_said(&l, "'getent group' knows");
	listening_stop(&l);
}
END_TEST

START_TEST(rights_of_an_abstract_name_are_an_error)
{
	struct listening l = { 0 };
	struct unix_rights r;
	int code;

	/* The configuration may say so first; either way nobody believes in a mode that protects nothing. */
	const char *text =
		"version: 1\nlisteners:\n  a: {listen: 'unix:@x', handler: echo, socket: {mode: '0600'}}\n";

	code = config_parse_text("test.yaml", text, strlen(text), NULL, &l.config, &l.report);
	if (code == 0)
		code = unix_rights_resolve(&l.config->listeners[0], &l.report, &r);

	ck_assert_int_eq(code, -EINVAL);
	listening_say(&l);
	expect_said(&l, "abstract");
	listening_stop(&l);
}
END_TEST

START_TEST(rights_under_defaults_do_not_disturb_an_abstract_name)
{
	struct listening l = { 0 };
	struct unix_rights r;
	const char *text = "version: 1\ndefaults: {socket: {mode: '0660', group: root}}\n"
			   "listeners:\n  a: {listen: 'unix:@x', handler: echo}\n";

	ck_assert_int_eq(config_parse_text("test.yaml", text, strlen(text), NULL, &l.config, &l.report), 0);

	ck_assert_int_eq(unix_rights_resolve(&l.config->listeners[0], &l.report, &r), 0);

	ck_assert_uint_eq(l.report.errors, 0);
	listening_stop(&l);
}
END_TEST

UNIT_TESTS("unix_rights", names_and_numbers_are_found, unknown_names_are_errors_at_their_keys,
	both_unknown_names_are_told, rights_of_an_abstract_name_are_an_error,
	rights_under_defaults_do_not_disturb_an_abstract_name)
