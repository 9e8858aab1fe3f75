/* Packing and reading one event: copies, bounds, keys. */
#include "base/log_record.h"

#include <stdio.h>

#include "unit.h"

static unsigned char memory[LOG_RECORD_SIZE + 64] __attribute__((aligned(8)));
static struct log_view view;
static size_t packed_size;

static const struct log_view *
round_trip(const char *event, const struct log_field *fields, size_t count)
{
	struct log_measure m;

	memset(memory, 0xee, sizeof memory);
	log_record_measure(&m, event, fields, count);
	ck_assert_uint_le(m.size, LOG_RECORD_SIZE);
	log_record_pack(memory, &m, 123456789, LOG_LEVEL_NOTICE, event, fields);
	for (size_t i = m.size; i < sizeof memory; i++)
		ck_assert_uint_eq(memory[i], 0xee); /* nothing is written beyond what was asked for */
	packed_size = m.size;
	log_view_read(&view, memory);
	return &view;
}

static const struct log_view_field *
field(const struct log_view *v, const char *key)
{
	for (size_t i = 0; i < v->count; i++)
		if (strcmp(v->fields[i].key, key) == 0)
			return &v->fields[i];
	ck_abort_msg("no field %s", key);
}

static void
check_text(const struct log_view_field *f, const char *text)
{
	ck_assert_int_eq(f->kind, LOG_TEXT);
	ck_assert_uint_eq(f->size, strlen(text));
	ck_assert_mem_eq(f->text, text, f->size);
}

START_TEST(everything_is_copied)
{
	char event[] = "conn_closed", key[] = "peer", value[] = "127.0.0.1:1";
	const struct log_field fields[] = { LOG_S(key, value), LOG_I("duration", -3),
		LOG_U("rx", UINT64_MAX) };
	const struct log_view *v = round_trip(event, fields, array_len(fields));

	memset(event, 'x', sizeof event);
	memset(key, 'x', sizeof key);
	memset(value, 'x', sizeof value);

	ck_assert_int_eq(v->time_ns, 123456789);
	ck_assert_int_eq(log_record_time_ns(memory), 123456789);
	ck_assert_int_eq(v->level, LOG_LEVEL_NOTICE);
	ck_assert_uint_eq(v->event_size, 11);
	ck_assert_mem_eq(v->event, "conn_closed", 11);
	ck_assert_uint_eq(v->count, 3);
	check_text(field(v, "peer"), "127.0.0.1:1");
	ck_assert_int_eq(field(v, "duration")->number, -3);
	ck_assert_int_eq(field(v, "rx")->kind, LOG_UNSIGNED);
	ck_assert_uint_eq((uint64_t)field(v, "rx")->number, UINT64_MAX);
}
END_TEST

START_TEST(a_text_that_is_null_is_left_out_and_an_empty_one_is_not)
{
	const struct log_field fields[] = { LOG_S("a", NULL), LOG_S("b", ""), LOG_BYTES("c", "x\0y", 3) };
	const struct log_view *v = round_trip("e", fields, array_len(fields));

	ck_assert_uint_eq(v->count, 2);
	check_text(field(v, "b"), "");
	ck_assert_uint_eq(field(v, "c")->size, 3);
	ck_assert_mem_eq(field(v, "c")->text, "x\0y", 3);
}
END_TEST

START_TEST(a_long_value_is_cut_and_says_how_much_is_missing)
{
	size_t size = 1000000, missing;
	char *text = malloc(size), tail[64] = { 0 };
	const struct log_view_field *f;
	const struct log_view *v;

	memset(text, 'a', size);
	v = round_trip(
		"e", (const struct log_field[]){ LOG_BYTES("big", text, size), LOG_S("small", "stays") }, 2);

	f = field(v, "big");
	check_text(field(v, "small"), "stays");
	ck_assert_uint_gt(f->size, 3000);
	ck_assert_uint_gt(packed_size, LOG_RECORD_SIZE - 64);
	memcpy(tail, f->text + f->size - 24, 24);
	ck_assert_int_eq(sscanf(strchr(tail, '.'), "...[%zu bytes cut]", &missing), 1);
	ck_assert_uint_eq(f->text[size - missing - 1], 'a');
	ck_assert_uint_eq(f->text[size - missing], '.');
	free(text);
}
END_TEST

START_TEST(the_longest_values_are_cut_to_a_common_length)
{
	char text[8000];
	const struct log_field fields[] = { LOG_BYTES("one", text, 8000), LOG_BYTES("two", text, 5000),
		LOG_BYTES("three", text, 900), LOG_S("four", "4"), LOG_U("five", 5) };
	const struct log_view *v;

	memset(text, 'b', sizeof text);
	v = round_trip("e", fields, array_len(fields));

	ck_assert_uint_eq(field(v, "three")->size, 900);
	check_text(field(v, "four"), "4");
	ck_assert_int_eq(field(v, "five")->number, 5);
	ck_assert_uint_gt(field(v, "one")->size, 1400);
	ck_assert_uint_gt(field(v, "two")->size, 1400);
}
END_TEST

START_TEST(a_value_is_not_cut_within_a_character)
{
	enum { SIZE = 3 * 3000 };
	char text[SIZE];
	const char *dots;

	for (size_t i = 0; i < SIZE; i += 3)
		memcpy(text + i, "\xe2\x82\xac", 3);
	for (size_t shift = 0; shift < 3; shift++) {
		char key[8] = "kkk";
		const struct log_view *v;

		key[shift] = '\0';
		v = round_trip("e", (const struct log_field[]){ LOG_BYTES(key, text, SIZE) }, 1);
		dots = memmem(v->fields[0].text, v->fields[0].size, "...[", 4);
		ck_assert_ptr_nonnull(dots);
		ck_assert_int_eq((dots - v->fields[0].text) % 3, 0);
	}
}
END_TEST

START_TEST(the_largest_event_still_fits)
{
	static const char long_word[] =
		"a_word_that_is_much_longer_than_any_word_that_anybody_would_ever_use_for_a_key_or"
		"_for_an_event";
	char text[4000];
	struct log_field fields[LOG_RECORD_FIELDS + 5];
	const struct log_view *v;

	memset(text, 'c', sizeof text);
	for (size_t i = 0; i < array_len(fields); i++)
		fields[i] = LOG_BYTES(long_word, text, sizeof text);
	v = round_trip(long_word, fields, array_len(fields));

	ck_assert_uint_eq(v->event_size, LOG_RECORD_EVENT);
	ck_assert_uint_eq(v->count, LOG_RECORD_FIELDS + 1);
	ck_assert_int_eq(field(v, "left_out")->number, 5);
	for (size_t i = 0; i < v->count; i++)
		for (size_t j = 0; j < i; j++)
			ck_assert_str_ne(v->fields[i].key, v->fields[j].key);
}
END_TEST

START_TEST(keys_that_come_twice_or_are_ours_get_a_number)
{
	const struct log_field fields[] = { LOG_I("a", 1), LOG_I("a", 2), LOG_I("a_2", 3), LOG_I("a", 4),
		LOG_I("time", 5), LOG_I("level", 6), LOG_I("event", 7) };
	const struct log_view *v = round_trip("e", fields, array_len(fields));
	static const char *const expected[] = { "a", "a_2", "a_2_2", "a_3", "time_2", "level_2", "event_2" };

	ck_assert_uint_eq(v->count, array_len(expected));
	for (size_t i = 0; i < v->count; i++) {
		ck_assert_str_eq(v->fields[i].key, expected[i]);
		ck_assert_int_eq(v->fields[i].number, (int64_t)i + 1);
	}
}
END_TEST

START_TEST(keys_have_one_alphabet)
{
	const struct log_field fields[] = { LOG_I("Peer-Name", 1), LOG_I("", 2), LOG_I("a=b\n\"", 3),
		LOG_I(NULL, 4) };
	const struct log_view *v = round_trip("e", fields, array_len(fields));

	ck_assert_uint_eq(v->count, 3);
	ck_assert_str_eq(v->fields[0].key, "peer_name");
	ck_assert_str_eq(v->fields[1].key, "_");
	ck_assert_str_eq(v->fields[2].key, "a_b__");
}
END_TEST

UNIT_TESTS("log_record", everything_is_copied, a_text_that_is_null_is_left_out_and_an_empty_one_is_not,
	a_long_value_is_cut_and_says_how_much_is_missing, the_longest_values_are_cut_to_a_common_length,
	a_value_is_not_cut_within_a_character, the_largest_event_still_fits,
	keys_that_come_twice_or_are_ours_get_a_number, keys_have_one_alphabet)
