/* ctl/command.c: from the line to the request. */
#include <errno.h>
#include <string.h>

#include "ctl/command.h"
#include "unit.h"

static struct command command;
static struct err error;

static int
parse(const char *line)
{
	static char copy[512];
	static char *argv[32];
	int argc = 0;

	snprintf(copy, sizeof copy, "sockctl %s", line);
	for (char *word = strtok(copy, " "); word != NULL; word = strtok(NULL, " "))
		argv[argc++] = word;
	error = (struct err){ 0 };
	return command_parse(argc, argv, &command, &error);
}

START_TEST(options_stand_anywhere)
{
	static const char *const lines[] = { "--json connections --listener echo --older-than 1m",
		"connections --json --older-than=1m --listener=echo",
		"--older-than 1m --listener echo connections --json",
		"--listener echo --json -- connections --older-than" };

	for (size_t i = 0; i < 3; i++) {
		ck_assert_msg(parse(lines[i]) == 0, "%s: %s", lines[i], error.text);
		ck_assert(command.json);
		ck_assert_str_eq(json_string_value(json_object_get(command.request, "verb")), "connections");
		ck_assert_str_eq(json_string_value(json_object_get(command.request, "listener")), "echo");
		ck_assert_int_eq(
			json_integer_value(json_object_get(command.request, "older_than_ms")), 60000);
		ck_assert_uint_eq(json_object_size(command.request), 3);
		command_fini(&command);
	}
	ck_assert_int_eq(parse(lines[3]), -EINVAL); /* behind -- everything is a word */
	command_fini(&command);
}
END_TEST

START_TEST(arguments_have_types)
{
	ck_assert_int_eq(parse("kill 281474976710657 --generation 3"), 0);
	ck_assert_int_eq(json_integer_value(json_object_get(command.request, "id")), 281474976710657LL);
	ck_assert_int_eq(json_integer_value(json_object_get(command.request, "generation")), 3);
	command_fini(&command);
	ck_assert_int_eq(parse("drain --wait"), 0);
	ck_assert(json_is_true(json_object_get(command.request, "wait")));
	command_fini(&command);
	ck_assert_int_eq(parse("kill x"), -EINVAL);
	ck_assert_int_eq(strncmp(error.text, "ID", 2), 0);
	command_fini(&command);
	ck_assert_int_eq(parse("kill -5"), -EINVAL);
	command_fini(&command);
	ck_assert_int_eq(parse("connections --listener \xff"), -EINVAL);
	ck_assert_ptr_nonnull(strstr(error.text, "UTF-8"));
	command_fini(&command);
}
END_TEST

START_TEST(every_row_of_the_table_is_whole)
{
	for (size_t i = 0; i < ctl_verb_count; i++) {
		const struct ctl_verb *v = &ctl_verbs[i];
		char line[64];

		ck_assert_ptr_nonnull(v->help);
		ck_assert_int_ne(v->help[strlen(v->help) - 1], '.');
		snprintf(line, sizeof line, "%s --help", v->name);
		ck_assert_msg(parse(line) == 0, "%s: %s", line, error.text);
		ck_assert_ptr_eq(command.verb, v);
		command_fini(&command);
		for (const struct ctl_option *o = v->options; o != NULL && o->name != NULL; o++)
			ck_assert_msg((o->argument == NULL) == (o->kind == CTL_SWITCH), "%s --%s", v->name,
				o->name);
	}
}
END_TEST

START_TEST(lines_beyond_reason_are_refused)
{
	char line[512] = "connections";

	for (int i = 0; i < 30; i++)
		strcat(line, " --listener=a");
	ck_assert_int_eq(parse(line), 0); /* the last one holds */
	command_fini(&command);
	ck_assert_int_eq(parse("a b c d e f g h i"), -EINVAL);
	ck_assert_ptr_nonnull(strstr(error.text, "too many words"));
	command_fini(&command);
}
END_TEST

UNIT_TESTS("command", options_stand_anywhere, arguments_have_types, every_row_of_the_table_is_whole,
	lines_beyond_reason_are_refused)
