/* config/diff.c: what is the same, and what is not, in words. */
#include "config/diff.h"

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
		"version: 1\ndaemon: {%s}\nlisteners:\n  a: {listen: [\"unix:@a\", \"unix:@b\"], handler: "
		"{plugin: p, "
		"config: {x: 1}}%s}\n",
		daemon, listener);
	ck_assert_msg(config_parse_text("t.yaml", text.data, text.size, NULL, &c, &report) == 0, "%s",
		report.count > 0 ? report.findings[0].text : "?");
	cfg_report_fini(&report);
	strbuf_fini(&text);
	return c;
}

static struct cfg_changes
diff(const char *before_daemon, const char *before, const char *after_daemon, const char *after)
{
	struct config *b = load(before_daemon, before), *a = load(after_daemon, after);
	struct cfg_changes changes = { 0 };

	cfg_diff_daemon(&b->daemon, &a->daemon, &changes);
	cfg_diff_listener(&b->listeners[0], &a->listeners[0], &changes);
	ck_assert(!changes.failed);
	/* Names of listeners are the later configuration's; here nothing looks at them any more. */
	config_unref(b);
	config_unref(a);
	return changes;
}

START_TEST(the_same_text_is_no_change)
{
	struct cfg_changes c =
		diff("threads: 2", ", timeouts: {idle: 5m}", "threads: 2", ", timeouts: {idle: 300s}");

	ck_assert_uint_eq(c.count, 0);
	cfg_changes_fini(&c);
}
END_TEST

START_TEST(a_changed_key_has_both_values_and_its_row)
{
	struct cfg_changes c =
		diff("threads: 2", ", buffers: {read: 64KiB}", "threads: auto", ", buffers: {read: 8KiB}");

	ck_assert_uint_eq(c.count, 2);
	ck_assert_ptr_null(c.items[0].listener);
	ck_assert_str_eq(c.items[0].key->name, "threads");
	ck_assert_int_eq(c.items[0].key->reload, KEY_UPGRADE);
	ck_assert_str_eq(c.items[0].before, "2");
	ck_assert_str_eq(c.items[0].after, "auto");
	ck_assert_str_eq(c.items[1].key->name, "buffers.read");
	ck_assert_int_eq(c.items[1].key->reload, KEY_NEW_CONNECTIONS);
	ck_assert_str_eq(c.items[1].before, "64KiB");
	ck_assert_str_eq(c.items[1].after, "8KiB");
	cfg_changes_fini(&c);
}
END_TEST

START_TEST(a_mode_is_told_in_octal)
{
	struct config *b = load("threads: 1", ", socket: {}"),
		      *a = load("threads: 1", ", socket: {mode: \"0660\"}");
	struct cfg_changes c = { 0 };

	cfg_diff_listener(&b->listeners[0], &a->listeners[0], &c);
	ck_assert_uint_eq(c.count, 1);
	ck_assert_str_eq(c.items[0].key->name, "socket.mode");
	ck_assert_str_eq(c.items[0].before, "0600");
	ck_assert_str_eq(c.items[0].after, "0660");
	ck_assert_str_eq(c.items[0].listener, "a");
	cfg_changes_fini(&c);
	config_unref(b);
	config_unref(a);
}
END_TEST

UNIT_TESTS("diff", the_same_text_is_no_change, a_changed_key_has_both_values_and_its_row,
	a_mode_is_told_in_octal)
