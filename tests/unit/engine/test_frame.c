/* Frames found in, and made of, bytes. */
#include "engine/frame.h"

#include <errno.h>
#include <string.h>

#include "unit.h"

static struct sockd_framing
framing(uint32_t kind, uint8_t width, uint8_t little)
{
	return (struct sockd_framing){
		.size = sizeof(struct sockd_framing), .kind = kind, .width = width, .little_endian = little
	};
}

START_TEST(nonsense_is_refused)
{
	struct sockd_framing f = framing(SOCKD_FRAME_LENGTH, 3, 0);

	ck_assert_int_eq(frame_check(&f), -EINVAL);
	f.width = 4;
	ck_assert_int_eq(frame_check(&f), 0);
	f.size--;
	ck_assert_int_eq(frame_check(&f), -EINVAL);
	f = framing(9, 0, 0);
	ck_assert_int_eq(frame_check(&f), -EINVAL);
	ck_assert_int_eq(frame_check(NULL), -EINVAL);
}
END_TEST

/* A message of that size is found at every split, and only when all of it is there. */
static void
expect_found(const struct sockd_framing *f, const unsigned char *bytes, size_t before, size_t size)
{
	struct frame_span span;

	for (size_t have = 0; have < before + size; have++) {
		ck_assert_int_eq(frame_find(f, 100000, bytes, have, 0, &span), 0);
		ck_assert_uint_gt(span.need, have);
		ck_assert_uint_le(span.need, before + size);
	}
	ck_assert_int_eq(frame_find(f, 100000, bytes, before + size, 0, &span), 1);
	ck_assert_uint_eq(span.before, before);
	ck_assert_uint_eq(span.size, size);
	ck_assert_uint_eq(span.after, 0);
}

START_TEST(lengths_are_written_and_found)
{
	static const size_t sizes[] = { 0, 1, 127, 128, 200, 255, 256, 300, 16383, 16384, 65535, 70000 };
	static unsigned char bytes[FRAME_HEAD_MAX + 70000];
	const struct sockd_framing all[] = { framing(SOCKD_FRAME_LENGTH, 1, 0),
		framing(SOCKD_FRAME_LENGTH, 2, 0), framing(SOCKD_FRAME_LENGTH, 2, 1),
		framing(SOCKD_FRAME_LENGTH, 4, 1), framing(SOCKD_FRAME_LENGTH, 8, 0),
		framing(SOCKD_FRAME_VARINT, 0, 0) };

	for (size_t i = 0; i < sizeof all / sizeof *all; i++)
		for (size_t k = 0; k < sizeof sizes / sizeof *sizes; k++) {
			int before = frame_head(&all[i], sizes[k], bytes);

			if (all[i].width > 0 && all[i].width < 4 && sizes[k] >> (8 * all[i].width) != 0)
				ck_assert_int_eq(before, -EMSGSIZE);
			else
				expect_found(&all[i], bytes, (size_t)before, sizes[k]);
		}
}
END_TEST

START_TEST(bytes_stand_in_their_order)
{
	struct sockd_framing f = framing(SOCKD_FRAME_LENGTH, 2, 0);
	unsigned char head[FRAME_HEAD_MAX];

	ck_assert_int_eq(frame_head(&f, 0x0102, head), 2);
	ck_assert_mem_eq(head, "\1\2", 2);
	f.little_endian = 1;
	ck_assert_int_eq(frame_head(&f, 0x0102, head), 2);
	ck_assert_mem_eq(head, "\2\1", 2);
	f = framing(SOCKD_FRAME_VARINT, 0, 0);
	ck_assert_int_eq(frame_head(&f, 300, head), 2);
	ck_assert_mem_eq(head, "\xac\x02", 2);
}
END_TEST

START_TEST(a_length_above_the_limit_is_refused_before_its_bytes)
{
	struct sockd_framing f = framing(SOCKD_FRAME_LENGTH, 8, 0);
	struct frame_span span;

	ck_assert_int_eq(frame_find(&f, 10, "\0\0\0\0\0\0\0\x0b", 8, 0, &span), -EMSGSIZE);
	ck_assert_int_eq(frame_find(&f, 10, "\xff\xff\xff\xff\xff\xff\xff\xff", 8, 0, &span), -EMSGSIZE);
	f = framing(SOCKD_FRAME_VARINT, 0, 0);
	ck_assert_int_eq(
		frame_find(&f, 10, "\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01", 10, 0, &span), -EMSGSIZE);
	ck_assert_int_eq(
		frame_find(&f, SIZE_MAX, "\xff\xff\xff\xff\xff\xff\xff\xff\xff\x02", 10, 0, &span), -EBADMSG);
	ck_assert_int_eq(frame_find(&f, 10, "\x80\x80\x80", 3, 0, &span), 0);
	ck_assert_uint_eq(span.need, 4);
}
END_TEST

START_TEST(a_delimiter_is_kept_or_not)
{
	struct sockd_framing f = framing(SOCKD_FRAME_DELIMITER, 0, 0);
	struct frame_span span;

	f.delimiter = '\n';
	ck_assert_int_eq(frame_find(&f, 4, "ab\ncd", 5, 0, &span), 1);
	ck_assert_uint_eq(span.size, 2);
	ck_assert_uint_eq(span.after, 1);
	f.include_delimiter = 1;
	ck_assert_int_eq(frame_find(&f, 4, "ab\ncd", 5, 0, &span), 1);
	ck_assert_uint_eq(span.size, 3);
	ck_assert_uint_eq(span.after, 0);
	ck_assert_int_eq(frame_find(&f, 4, "abcd", 4, 0, &span), 0);
	ck_assert_int_eq(frame_find(&f, 4, "abcde", 5, 4, &span), -EMSGSIZE);
	ck_assert_int_eq(frame_find(&f, 4, NULL, 0, 0, &span), 0);
	ck_assert_uint_eq(span.need, 1);
}
END_TEST

START_TEST(a_delimiter_may_not_stand_within)
{
	struct sockd_framing f = framing(SOCKD_FRAME_DELIMITER, 0, 0);

	f.delimiter = '\n';
	f.limit = 5;
	ck_assert_int_eq(frame_check_message(&f, "ab", 2), 0);
	ck_assert_int_eq(frame_check_message(&f, NULL, 0), 0);
	ck_assert_int_eq(frame_check_message(&f, "a\n", 2), -EINVAL);
	ck_assert_int_eq(frame_check_message(&f, "abcdef", 6), -EMSGSIZE);
	f.include_delimiter = 1;
	ck_assert_int_eq(frame_check_message(&f, "a\n", 2), 0);
	ck_assert_int_eq(frame_check_message(&f, "ab", 2), -EINVAL);
	ck_assert_int_eq(frame_check_message(&f, "\n\n", 2), -EINVAL);
}
END_TEST

UNIT_TESTS("frame", nonsense_is_refused, lengths_are_written_and_found, bytes_stand_in_their_order,
	a_length_above_the_limit_is_refused_before_its_bytes, a_delimiter_is_kept_or_not,
	a_delimiter_may_not_stand_within)
