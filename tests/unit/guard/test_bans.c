#include "guard/bans.h"

#include <errno.h>
#include <string.h>

#include "unit.h"

static struct network
net(const char *text)
{
	struct network n;

	ck_assert_int_eq(network_parse(text, strlen(text), &n, NULL), 0);
	return n;
}

static void
add(struct ban_list *l, const char *text, int64_t until_ms)
{
	struct network n = net(text);

	ck_assert_int_eq(ban_list_add(l, &n, until_ms), 0);
}

static const struct ban *
find(const struct ban_list *l, const char *text, int64_t now_ms)
{
	struct network n = net(text);
	static struct ban found;
	const struct ban *ban;
	struct bans *b;

	ck_assert_int_eq(bans_new(l, &b), 0);
	ban = bans_find(b, &n, now_ms);
	if (ban != NULL)
		found = *ban;
	bans_unref(b);
	return ban != NULL ? &found : NULL;
}

START_TEST(a_ban_holds_until_its_end)
{
	struct ban_list l = { 0 };

	add(&l, "192.0.2.1", 1000);
	add(&l, "2001:db8::/32", BAN_FOR_GOOD);

	ck_assert_ptr_nonnull(find(&l, "192.0.2.1", 999));
	ck_assert_ptr_null(find(&l, "192.0.2.1", 1000));
	ck_assert_ptr_null(find(&l, "192.0.2.2", 0));
	ck_assert_ptr_nonnull(find(&l, "2001:db8::5", 1 << 30));
	ck_assert(!ban_list_expire(&l, 999));
	ck_assert(ban_list_expire(&l, 1000));
	ck_assert_uint_eq(l.count, 1);
	ban_list_fini(&l);
}
END_TEST

START_TEST(a_wider_ban_goes_on_beneath_one_that_is_over)
{
	struct ban_list l = { 0 };

	add(&l, "192.0.2.1", 1000);
	add(&l, "192.0.2.0/24", 2000);

	ck_assert_int_eq(find(&l, "192.0.2.1", 500)->until_ms, 1000);
	ck_assert_int_eq(find(&l, "192.0.2.1", 1500)->until_ms, 2000);
	ck_assert_ptr_null(find(&l, "192.0.2.1", 2500));
	ban_list_fini(&l);
}
END_TEST

START_TEST(a_second_ban_gives_the_first_another_end)
{
	struct ban_list l = { 0 };
	struct network n = net("192.0.2.1");

	add(&l, "192.0.2.1", 1000);
	add(&l, "192.0.2.1", 5000);

	ck_assert_uint_eq(l.count, 1);
	ck_assert_int_eq(l.bans[0].until_ms, 5000);
	ck_assert(ban_list_remove(&l, &n));
	ck_assert(!ban_list_remove(&l, &n));
	ck_assert_ptr_null(find(&l, "192.0.2.1", 0));
	ban_list_fini(&l);
}
END_TEST

START_TEST(a_list_reads_back_as_it_was_written)
{
	struct ban_list l = { 0 }, back = { 0 };
	struct strbuf text = { 0 };

	add(&l, "192.0.2.0/24", 123456789);
	add(&l, "2001:db8::1", BAN_FOR_GOOD);
	add(&back, "203.0.113.1", 1);
	ban_list_write(&l, &text);

	ck_assert_int_eq(ban_list_read(&back, text.data, text.size), 0);

	ck_assert_uint_eq(back.count, 2);
	for (size_t i = 0; i < 2; i++) {
		ck_assert(network_equal(&l.bans[i].net, &back.bans[i].net));
		ck_assert_int_eq(l.bans[i].until_ms, back.bans[i].until_ms);
	}
	strbuf_fini(&text);
	ban_list_fini(&l);
	ban_list_fini(&back);
}
END_TEST

START_TEST(what_is_no_list_changes_nothing)
{
	static const char *const texts[] = { "192.0.2.1 5", "192.0.2.1\n", "192.0.2.1 x\n", "x 5\n",
		"192.0.2.1 5\nrest", "192.0.2.1 99999999999999999999999999\n" };
	struct ban_list l = { 0 };

	add(&l, "203.0.113.1", 7);
	for (size_t i = 0; i < array_len(texts); i++)
		ck_assert_msg(ban_list_read(&l, texts[i], strlen(texts[i])) == -EBADMSG, "%s", texts[i]);
	ck_assert_uint_eq(l.count, 1);
	ck_assert_int_eq(ban_list_read(&l, "", 0), 0);
	ck_assert_uint_eq(l.count, 0);
	ban_list_fini(&l);
}
END_TEST

START_TEST(no_bans_are_fine)
{
	struct network n = net("192.0.2.1");
	struct ban_list l = { 0 };

	ck_assert_ptr_null(bans_find(NULL, &n, 0));
	ck_assert_ptr_null(find(&l, "192.0.2.1", 0));
	bans_unref(NULL);
}
END_TEST

UNIT_TESTS("bans", a_ban_holds_until_its_end, a_wider_ban_goes_on_beneath_one_that_is_over,
	a_second_ban_gives_the_first_another_end, a_list_reads_back_as_it_was_written,
	what_is_no_list_changes_nothing, no_bans_are_fine)
