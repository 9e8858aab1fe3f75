/* control/json_text.c */
#include "control/json_text.h"
#include "unit.h"

START_TEST(any_text_becomes_a_string)
{
	static const char *const rows[][2] = {
		{ "", "" },
		{ "plain \"text\"", "plain \"text\"" },
		{ "l\xc3\xa4nger", "l\xc3\xa4nger" },
		{ "/tmp/\xff", "\"/tmp/\\xff\"" },
	};

	for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
		json_t *text = json_text(rows[i][0]);

		ck_assert_str_eq(json_string_value(text), rows[i][1]);
		json_decref(text);
	}
	ck_assert(json_is_null(json_text(NULL)));
}
END_TEST

UNIT_TESTS("json_text", any_text_becomes_a_string)
