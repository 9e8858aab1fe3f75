/* supervisor/held_keys.c: what holds from before an upgrade, packed, read and told of. */
#include "supervisor/held_keys.h"

#include <errno.h>
#include <string.h>

#include "config/load.h"
#include "unit.h"

static struct config *
load(const char *daemon, const char *listener)
{
	struct cfg_report report = { 0 };
	struct strbuf text = { 0 };
	struct config *c = NULL;

	strbuf_printf(&text,
		"version: 1\ndaemon: {%s}\nlisteners:\n  a: {listen: \"tcp://127.0.0.1:1\", handler: p%s}\n",
		daemon, listener);
	ck_assert_msg(config_parse_text("t.yaml", text.data, text.size, NULL, &c, &report) == 0, "%s",
		report.count > 0 ? report.findings[0].text : "?");
	cfg_report_fini(&report);
	strbuf_fini(&text);
	return c;
}

static struct cfg_changes
diff(const struct config *before, const struct config *after)
{
	struct cfg_changes c = { 0 };

	cfg_diff_daemon(&before->daemon, &after->daemon, &c);
	cfg_diff_listener(&before->listeners[0], &after->listeners[0], &c);
	ck_assert(!c.failed);
	return c;
}

/* What the next supervisor knows of a change from the one to the other. */
static struct held_keys
carried(const char *daemon, const char *listener, const char *daemon_after, const char *listener_after)
{
	struct config *before = load(daemon, listener), *after = load(daemon_after, listener_after);
	struct cfg_changes c = diff(before, after);
	struct strbuf bytes = { 0 };
	struct held_keys h = { 0 };
	struct unpack u;

	held_keys_pack(&bytes, &c);
	u = UNPACK(bytes.data, bytes.size);
	ck_assert_int_eq(held_keys_unpack(&u, &h), 0);
	ck_assert(unpack_is_done(&u));
	ck_assert_uint_eq(h.count, c.count);
	strbuf_fini(&bytes);
	cfg_changes_fini(&c);
	config_unref(before);
	config_unref(after);
	return h;
}

/* "key: before -> after" for each, with blanks between. */
static void
expect(const struct held_keys *h, const struct config *started, const struct config *now, const char *text)
{
	struct cfg_changes c = diff(started, now);
	struct strbuf told = { 0 };

	held_keys_apply(h, now, &c);
	for (size_t i = 0; i < c.count; i++)
		strbuf_printf(&told, "%s%s: %s -> %s", i > 0 ? " " : "", c.items[i].key->name,
			c.items[i].before != NULL ? c.items[i].before : "(none)",
			c.items[i].after != NULL ? c.items[i].after : "(none)");
	ck_assert_str_eq(told.data != NULL ? told.data : "", text);
	strbuf_fini(&told);
	cfg_changes_fini(&c);
}

START_TEST(what_holds_is_told_until_it_is_what_is_wanted)
{
	struct held_keys h =
		carried("log: {format: text}", "", "log: {format: json}", ", socket: {freebind: true}");
	struct config *started = load("log: {format: json}", ", socket: {freebind: true}");
	struct config *back = load("log: {format: text}", ""), *other = load("log: {target: /x}", "");

	expect(&h, started, started, "log.format: text -> json socket.freebind: false -> true");
	expect(&h, started, back, "");
	expect(&h, started, other, "log.target: stderr -> /x");
	held_keys_fini(&h);
	config_unref(started);
	config_unref(back);
	config_unref(other);
}
END_TEST

START_TEST(a_change_begins_with_what_holds)
{
	struct held_keys h = carried("log: {target: /one}", "", "log: {target: /two}", "");
	struct config *started = load("log: {target: /two}", ""), *now = load("log: {target: /three}", "");

	expect(&h, started, now, "log.target: /one -> /three");
	held_keys_fini(&h);
	config_unref(started);
	config_unref(now);
}
END_TEST

START_TEST(a_new_worker_has_taken_the_rest)
{
	struct held_keys h = carried("threads: 1", "", "threads: 2, log: {format: json}", "");
	struct config *now = load("threads: 2, log: {format: json}", "");

	expect(&h, now, now, "threads: 1 -> 2 log.format: text -> json");
	held_keys_drop_taken(&h);
	expect(&h, now, now, "log.format: text -> json");
	held_keys_fini(&h);
	config_unref(now);
}
END_TEST

/* Another version may have them. */
START_TEST(what_is_not_known_waits_for_nothing)
{
	const char *const triples[][3] = { { NULL, "no.such", "1" }, { "b", "socket.freebind", "false" },
		{ "a", "log.format", "text" }, { NULL, "log.format", NULL } };
	struct config *now = load("log: {format: json}", "");
	struct strbuf bytes = { 0 };
	struct held_keys h = { 0 };
	struct unpack u;

	pack_u32(&bytes, array_len(triples));
	for (size_t i = 0; i < array_len(triples); i++)
		for (size_t k = 0; k < 3; k++)
			pack_text(&bytes, triples[i][k]);
	u = UNPACK(bytes.data, bytes.size);
	ck_assert_int_eq(held_keys_unpack(&u, &h), 0);

	expect(&h, now, now, "log.format: (none) -> json");

	for (size_t size = 0; size < bytes.size; size++) {
		struct held_keys none = { 0 };

		u = UNPACK(bytes.data, size);
		ck_assert_int_eq(held_keys_unpack(&u, &none), -EBADMSG);
		ck_assert_ptr_null(none.items);
	}
	held_keys_drop_taken(&h);
	held_keys_fini(&h);
	strbuf_fini(&bytes);
	config_unref(now);
}
END_TEST

UNIT_TESTS("held_keys", what_holds_is_told_until_it_is_what_is_wanted, a_change_begins_with_what_holds,
	a_new_worker_has_taken_the_rest, what_is_not_known_waits_for_nothing)
