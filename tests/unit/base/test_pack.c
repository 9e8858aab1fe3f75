/* base/pack.c: what is packed comes out again; what is cut, or lies, is refused. */
#include "base/pack.h"

#include <string.h>

#include "unit.h"

START_TEST(what_is_packed_comes_out_again)
{
	struct strbuf s = { 0 };
	struct unpack u;
	size_t size;

	pack_u32(&s, 0xfedcba98U);
	pack_u64(&s, 0x0123456789abcdefU);
	pack_i64(&s, -7);
	pack_bytes(&s, "a\0b", 3);
	pack_text(&s, "text");
	pack_text(&s, "");
	pack_text(&s, NULL);

	u = UNPACK(s.data, s.size);
	ck_assert_uint_eq(unpack_u32(&u), 0xfedcba98U);
	ck_assert_uint_eq(unpack_u64(&u), 0x0123456789abcdefU);
	ck_assert_int_eq(unpack_i64(&u), -7);
	ck_assert_mem_eq(unpack_bytes(&u, &size), "a\0b", 3);
	ck_assert_uint_eq(size, 3);
	ck_assert_str_eq(unpack_text(&u), "text");
	ck_assert_str_eq(unpack_word(&u), "");
	ck_assert_ptr_null(unpack_text(&u));
	ck_assert(unpack_is_done(&u));
	strbuf_fini(&s);
}
END_TEST

START_TEST(numbers_are_little_endian_whatever_the_machine)
{
	struct strbuf s = { 0 };

	pack_u32(&s, 0x04030201U);

	ck_assert_mem_eq(s.data, "\x01\x02\x03\x04", 4);
	strbuf_fini(&s);
}
END_TEST

START_TEST(every_cut_of_a_message_is_noticed)
{
	struct strbuf s = { 0 };

	pack_u64(&s, 5);
	pack_text(&s, "word");
	for (size_t cut = 0; cut < s.size; cut++) {
		struct unpack u = UNPACK(s.data, cut);

		unpack_u64(&u);
		ck_assert_str_eq(unpack_word(&u), "");
		ck_assert(u.failed);
		ck_assert_uint_eq(unpack_u32(&u), 0);
	}
	strbuf_fini(&s);
}
END_TEST

START_TEST(a_text_that_holds_a_nul_or_ends_without_one_is_refused)
{
	static const char inner[] = "\x03\0\0\0a\0", open[] = "\x02\0\0\0ab";
	struct unpack u = UNPACK(inner, sizeof inner);

	ck_assert_ptr_null(unpack_text(&u));
	ck_assert(u.failed);
	u = UNPACK(open, sizeof open);
	ck_assert_ptr_null(unpack_text(&u));
	ck_assert(u.failed);
}
END_TEST

START_TEST(a_count_that_cannot_follow_is_refused)
{
	static const char bytes[] = "\x02\0\0\0abcdefg";
	struct unpack u = UNPACK(bytes, sizeof bytes);

	ck_assert_uint_eq(unpack_count(&u, 4), 2);
	u = UNPACK(bytes, sizeof bytes);
	ck_assert_uint_eq(unpack_count(&u, 5), 0);
	ck_assert(u.failed);
}
END_TEST

UNIT_TESTS("pack", what_is_packed_comes_out_again, numbers_are_little_endian_whatever_the_machine,
	every_cut_of_a_message_is_noticed, a_text_that_holds_a_nul_or_ends_without_one_is_refused,
	a_count_that_cannot_follow_is_refused)
