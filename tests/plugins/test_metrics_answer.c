/* plugins/metrics/answer.c: members and strings of JSON, whole, cut and broken. */
#include <string.h>

#include "../../plugins/metrics/answer.h"
#include "unit.h"

static struct span
span(const char *text)
{
	return (struct span){ text, strlen(text) };
}

static void
has_member(const char *object, const char *name, const char *value)
{
	struct span found = { NULL, 0 };

	ck_assert_msg(answer_member(span(object), name, &found) == (value != NULL), "%s of %s", name, object);
	if (value == NULL)
		return;
	ck_assert_uint_eq(found.size, strlen(value));
	ck_assert_mem_eq(found.at, value, found.size);
}

static void
decodes_to(const char *string, const char *text)
{
	char out[64];
	size_t size = 0;

	ck_assert_uint_lt(strlen(string), sizeof out);
	ck_assert_msg(answer_string(span(string), out, &size) == (text != NULL), "%s", string);
	if (text == NULL)
		return;
	ck_assert_uint_eq(size, strlen(text));
	ck_assert_mem_eq(out, text, size);
}

START_TEST(a_member_is_found_at_its_own_depth_only)
{
	const char *object = "{\"workers\":[{\"state\":\"draining\"}],\"n\": -1.5e3 ,\"s\":\"}\\\"{\", "
			     "\"state\":\"serving\"}";

	has_member(object, "state", "\"serving\"");
	has_member(object, "workers", "[{\"state\":\"draining\"}]");
	has_member(object, "n", "-1.5e3");
	has_member(object, "s", "\"}\\\"{\"");
	has_member(object, "stat", NULL);
	has_member(object, "states", NULL);
	has_member("{}", "state", NULL);
}
END_TEST

START_TEST(what_is_cut_at_any_place_has_no_member)
{
	const char *object = "{\"a\":{\"b\":[1,\"]\"]},\"state\":\"x\\\"y\"}";
	size_t whole = strlen(object) - 1; /* the last brace decides nothing any more */
	struct span found;

	ck_assert(answer_member((struct span){ object, whole }, "state", &found));
	for (size_t size = 0; size < whole; size++) {
		char *exact = malloc(size > 0 ? size : 1); /* so that a sanitizer sees who reads on */

		ck_assert_ptr_nonnull(exact);
		memcpy(exact, object, size);
		ck_assert_msg(!answer_member((struct span){ exact, size }, "state", &found), "%zu", size);
		free(exact);
	}
}
END_TEST

START_TEST(what_is_no_object_has_no_member)
{
	static const char *const texts[] = { "", "[]", "\"state\"", "{state:1}", "{\"a\" 1,\"state\":2}",
		"{\"a\":,\"state\":2}", "{\"a\":1 \"state\":2}", "{\"a\":1]", "}", "{,\"state\":2}" };

	for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++)
		has_member(texts[i], "state", NULL);
}
END_TEST

START_TEST(strings_are_decoded)
{
	decodes_to("\"\"", "");
	decodes_to("\"plain\"", "plain");
	decodes_to("\"a\\n\\t\\r\\b\\f\\\\\\/\\\"z\"", "a\n\t\r\b\f\\/\"z");
	decodes_to("\"\\u0041\\u00e9\\u20AC\\ud83d\\ude00\"", "A\xc3\xa9\xe2\x82\xac\xf0\x9f\x98\x80");
	decodes_to("\"\xc3\xa9\"", "\xc3\xa9");
}
END_TEST

START_TEST(what_is_no_string_is_refused)
{
	static const char *const texts[] = { "", "\"", "x", "\"a", "\"a\"b", "\"\\\"", "\"\\x41\"",
		"\"\\u12\"", "\"\\u12g4\"", "\"\\ud83d\"", "\"\\ud83dabcdef\"", "\"\\ude00\"",
		"\"\\ud83d\\u0041\"", "\"a\nb\"" };

	for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++)
		decodes_to(texts[i], NULL);
}
END_TEST

START_TEST(a_string_can_be_decoded_where_it_stands)
{
	char text[] = "{\"text\":\"one\\ntwo \\u00e9\"}";
	struct span found;
	size_t size;

	ck_assert(answer_member(span(text), "text", &found));
	ck_assert(answer_string(found, text, &size));

	ck_assert_uint_eq(size, strlen("one\ntwo \xc3\xa9"));
	ck_assert_mem_eq(text, "one\ntwo \xc3\xa9", size);
}
END_TEST

UNIT_TESTS("metrics_answer", a_member_is_found_at_its_own_depth_only, what_is_cut_at_any_place_has_no_member,
	what_is_no_object_has_no_member, strings_are_decoded, what_is_no_string_is_refused,
	a_string_can_be_decoded_where_it_stands)
