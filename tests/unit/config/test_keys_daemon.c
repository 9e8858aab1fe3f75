/* Keys of `daemon:` that have rules of their own. */
#include "config/load.h"

#include "fixture.h"

#define DAEMON(more) "version: 1\ndaemon:\n  " more "\n"

START_TEST(the_admin_socket_is_a_unix_stream_or_a_word)
{
	static const struct {
		const char *text, *says;
	} rows[] = {
		{ DAEMON("admin: tcp://127.0.0.1:1"), "'admin.listen': only a unix socket will do here" },
		{ DAEMON("admin: unixgram:///run/x"), "'admin.listen': only a unix socket will do here" },
		{ DAEMON("admin: systemd:x"), "'admin.listen': only a unix socket will do here" },
		{ DAEMON("admin: atuo"),
			"'atuo' is unknown, did you mean 'auto'?; write auto, off, or an address" },
		{ DAEMON("admin: /run/x"), "the scheme is missing; write unix:///run/x" },
		{ DAEMON("admin: unix://x"), "has to be absolute" },
		{ DAEMON("admin: {listen: [unix:///run/x]}"),
			"has to be the address of a unix socket, not a list" },
		{ DAEMON("admin: {mode: 660}"), "'admin.mode'" },
		{ DAEMON("admin: {owner: root}"), "unknown key 'owner'" },
	};
	struct load l = assert_taken(DAEMON("admin: unix:@adm"));

	ck_assert_str_eq(l.config->daemon.admin.listen, "unix:@adm");
	ck_assert_int_eq(l.config->daemon.admin.mode, 0660);
	ck_assert_ptr_null(l.config->daemon.admin.group);
	load_done(&l);
	l = assert_taken(DAEMON("admin: {listen: off, mode: '0600', group: adm}"));
	ck_assert_str_eq(l.config->daemon.admin.listen, CFG_ADMIN_OFF);
	ck_assert_str_eq(l.config->daemon.admin.group, "adm");
	ck_assert_int_gt(l.config->daemon.admin.group_place.line, 0);
	load_done(&l);
	l = assert_taken("version: 1\n");
	ck_assert_str_eq(l.config->daemon.admin.listen, CFG_ADMIN_AUTO);
	load_done(&l);
	for (size_t i = 0; i < array_len(rows); i++)
		assert_refused(rows[i].text, rows[i].says);
}
END_TEST

UNIT_TESTS("keys_daemon", the_admin_socket_is_a_unix_stream_or_a_word)
