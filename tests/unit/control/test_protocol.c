/* control/protocol.c and protocol_version.c */
#include "control/protocol.h"

#include <errno.h>
#include <string.h>

#include "base/pack.h"
#include "unit.h"

START_TEST(two_releases_that_follow_each_other_understand_each_other)
{
	struct protocol_hello next = { .oldest = protocol_version, .newest = protocol_version + 1 };
	struct protocol_hello same = { .oldest = protocol_oldest, .newest = protocol_version };
	uint32_t version = 0;
	struct err e = { 0 };

	ck_assert_int_eq(protocol_choose(&next, &version, &e), 0);
	ck_assert_uint_eq(version, protocol_version);
	version = 0;
	ck_assert_int_eq(protocol_choose(&same, &version, &e), 0);
	ck_assert_uint_eq(version, protocol_version);
	ck_assert_uint_ge(protocol_oldest + 1, protocol_version);
}
END_TEST

START_TEST(a_stranger_is_refused_with_both_versions_named)
{
	struct protocol_hello far = { .oldest = protocol_version + 8, .newest = protocol_version + 9 };
	uint32_t version = 77;
	struct err e = { 0 };

	ck_assert_int_eq(protocol_choose(&far, &version, &e), -EPROTONOSUPPORT);
	ck_assert_uint_eq(version, 77);
	ck_assert_ptr_nonnull(strstr(e.text, "in the versions 9 to 10, this sockd in 1 to 1"));
}
END_TEST

START_TEST(a_hello_is_read_and_a_later_one_may_be_longer)
{
	struct strbuf s = { 0 };
	struct protocol_hello hello;

	protocol_hello_pack(&s);
	strbuf_add(&s, "what a later version adds");
	ck_assert_int_eq(protocol_hello_unpack(s.data, s.size, &hello), 0);
	ck_assert_uint_eq(hello.newest, protocol_version);
	ck_assert_uint_eq(hello.oldest, protocol_oldest);
	ck_assert_int_eq(protocol_hello_unpack(s.data, 7, &hello), -EBADMSG);
	ck_assert_int_eq(protocol_hello_unpack("\2\0\0\0\1\0\0\0", 8, &hello), -EBADMSG);
	strbuf_fini(&s);
}
END_TEST

START_TEST(a_start_comes_out_as_it_went_in)
{
	static const uint32_t groups[] = { 4, 20, 27 };
	const struct protocol_start in = { .version = 1,
		.generation = 9,
		.log_protocol = 1,
		.log_level = 7,
		.log_json = true,
		.drop = true,
		.uid = 1000,
		.gid = 1001,
		.groups = groups,
		.group_count = 3 };
	struct protocol_start out;
	struct strbuf s = { 0 };
	struct unpack u;

	protocol_start_pack(&s, &in);
	u = UNPACK(s.data, s.size);
	ck_assert_int_eq(protocol_start_unpack(&u, &out), 0);
	ck_assert(unpack_is_done(&u));
	ck_assert_uint_eq(out.generation, 9);
	ck_assert_uint_eq(out.log_level, 7);
	ck_assert(out.drop && out.log_json);
	ck_assert_uint_eq(out.uid, 1000);
	ck_assert_uint_eq(out.gid, 1001);
	ck_assert_mem_eq(out.groups, groups, sizeof groups);
	protocol_start_fini(&out);
	for (size_t cut = 0; cut < s.size; cut++) {
		u = UNPACK(s.data, cut);
		ck_assert_int_eq(protocol_start_unpack(&u, &out), -EBADMSG);
	}
	strbuf_fini(&s);
}
END_TEST

UNIT_TESTS("protocol", two_releases_that_follow_each_other_understand_each_other,
	a_stranger_is_refused_with_both_versions_named, a_hello_is_read_and_a_later_one_may_be_longer,
	a_start_comes_out_as_it_went_in)
