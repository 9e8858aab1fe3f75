/* plugin/plugin_load.c */
#include <errno.h>

#include "base/fdutil.h"
#include "plugin/plugin_load.h"

#include "made.h"

/* Build @p code, try to load it, and return the refusal; NULL if it was taken. */
static const char *
refusal(const char *flags, const char *code)
{
	static struct err e;
	char *dir = unit_tempdir();
	int fd = made_plugin_fd(dir, "made", flags, code);
	struct plugin *p = NULL;
	int r;

	e = (struct err){ 0 };
	r = plugin_open(fd, "/lib/made.so", &p, &e);
	if (r == 0)
		plugin_close(p);
	else
		ck_assert_ptr_null(p);
	close(fd);
	unit_tempdir_remove(dir);
	return r == 0 ? NULL : e.text;
}

#define ck_refused(flags, code, words) ck_assert_ptr_nonnull(strstr(refusal(flags, code), words))

static struct plugin *
loaded(const char *dir, const char *name, const char *flags, const char *code)
{
	struct plugin *p = NULL;
	struct err e = { 0 };
	int fd = made_plugin_fd(dir, name, flags, code);

	ck_assert_msg(plugin_open(fd, name, &p, &e) == 0, "%s", e.text);
	close(fd);
	return p;
}

START_TEST(a_sound_plugin_is_loaded)
{
	char *dir = unit_tempdir();
	struct plugin *p =
		loaded(dir, "sound", "-Wl,-z,defs", MADE_ENTRY MADE_DESCRIPTION(".data = nothing"));

	ck_assert_str_eq(plugin_description(p)->name, "made");
	ck_assert_ptr_nonnull(plugin_description(p)->data);
	ck_assert_ptr_null(plugin_description(p)->serve);
	plugin_close(p);
	unit_tempdir_remove(dir);
}
END_TEST

START_TEST(the_style_follows_from_entries_and_mask)
{
	char *dir = unit_tempdir();
	struct plugin *both =
		loaded(dir, "both", "", MADE_ENTRY MADE_DESCRIPTION(".serve = nothing, .data = nothing"));
	struct plugin *some = loaded(dir, "some", "",
		MADE_ENTRY MADE_DESCRIPTION(".transports = 1u << SOCKD_UDP, .serve = nothing"));
	struct plugin *grams = loaded(dir, "grams", "", MADE_ENTRY MADE_DESCRIPTION(".datagram = nothing"));

	ck_assert_int_eq(plugin_style(both, CFG_TCP), PLUGIN_EVENTS);
	ck_assert_int_eq(plugin_style(both, CFG_UNIXGRAM), PLUGIN_SERVES);
	ck_assert_int_eq(plugin_style(some, CFG_UDP), PLUGIN_SERVES);
	ck_assert_int_eq(plugin_style(some, CFG_UNIXGRAM), PLUGIN_CANNOT);
	ck_assert_int_eq(plugin_style(grams, CFG_UDP), PLUGIN_EVENTS);
	ck_assert_int_eq(plugin_style(grams, CFG_UNIX), PLUGIN_CANNOT);
	plugin_close(both);
	plugin_close(some);
	plugin_close(grams);
	unit_tempdir_remove(dir);
}
END_TEST

START_TEST(another_major_is_refused)
{
	ck_refused("", MADE_ENTRY MADE_DESCRIPTION(".abi_major = 2, .data = nothing"),
		"needs ABI 2.1, this sockd has 1.1");
}
END_TEST

START_TEST(a_newer_minor_is_refused)
{
	ck_refused("", MADE_ENTRY MADE_DESCRIPTION(".abi_minor = 3, .data = nothing"),
		"needs ABI 1.3, this sockd has 1.1");
}
END_TEST

START_TEST(unknown_wants_are_refused)
{
	ck_refused("", MADE_ENTRY MADE_DESCRIPTION(".wants = 2, .data = nothing"), "(mask 0x2)");
}
END_TEST

/* A description of a later header: more entries behind ours. */
#define LONGER(tail)                                                                            \
	MADE_ENTRY "struct longer { struct sockd_plugin p; void *tail; };\n"                    \
		   "const struct longer big __asm__(\"sockd_plugin\") = { { SOCKD_PLUGIN_INIT," \
		   " .size = sizeof(struct longer), .name = \"long\", .version = \"1\","        \
		   " .data = nothing }, " tail " };\n"

START_TEST(a_longer_description_is_taken_if_its_tail_is_zero)
{
	ck_assert_ptr_null(refusal("", LONGER("0")));
}
END_TEST

START_TEST(a_longer_description_that_uses_its_tail_is_refused)
{
	ck_refused("", LONGER("nothing"), "uses entries that this sockd does not know");
}
END_TEST

START_TEST(what_a_shorter_description_lacks_is_zero)
{
	char *dir = unit_tempdir();
	struct plugin *p = loaded(dir, "short", "",
		MADE_ENTRY MADE_DESCRIPTION(".size = offsetof(struct sockd_plugin, open), .serve = nothing,"
					    " .data = nothing, .close = (void *)1"));

	ck_assert_ptr_nonnull(plugin_description(p)->serve);
	ck_assert_ptr_null(plugin_description(p)->data);
	ck_assert_ptr_null(plugin_description(p)->close);
	plugin_close(p);
	unit_tempdir_remove(dir);
}
END_TEST

START_TEST(a_size_that_leads_beyond_the_symbol_is_refused)
{
	ck_refused(
		"", MADE_ENTRY MADE_DESCRIPTION(".size = 4096, .data = nothing"), "4096 bytes, but it has");
	ck_refused("", MADE_ENTRY MADE_DESCRIPTION(".size = 4, .data = nothing"), "SOCKD_PLUGIN_INIT");
}
END_TEST

START_TEST(a_missing_symbol_is_explained)
{
	ck_refused("", "int unrelated = 1;\n", "exports no sockd_plugin");
	ck_refused("-fvisibility=hidden", "const int sockd_other = 1;\n", "exports no sockd_plugin");
}
END_TEST

START_TEST(a_symbol_of_another_kind_is_refused)
{
	ck_refused("", "void f(void) __asm__(\"sockd_plugin\");\nvoid f(void) {}\n", "is no description");
	ck_refused("", "char c __asm__(\"sockd_plugin\") = 1;\n", "is no description");
}
END_TEST

START_TEST(an_undefined_symbol_is_named)
{
	const char *code = "void not_there_at_all(void);\n" MADE_ENTRY
			   "static void calls(struct sockd_conn c, int reason) { not_there_at_all(); "
			   "}\n" MADE_DESCRIPTION(".data = nothing, .close = calls");

	ck_refused("", code, "/lib/made.so': undefined symbol: not_there_at_all");
}
END_TEST

START_TEST(a_file_that_is_no_library_is_refused)
{
	char *dir = unit_tempdir();
	char path[256];
	struct plugin *p = NULL;
	struct err e = { 0 };
	int fd;

	snprintf(path, sizeof path, "%s/text.so", dir);
	made_write(path, "this is not ELF", 0644);
	fd = open(path, O_RDONLY | O_CLOEXEC);

	ck_assert_int_eq(plugin_open(fd, path, &p, &e), -EINVAL);
	ck_assert_ptr_nonnull(strstr(e.text, path));
	close(fd);
	unit_tempdir_remove(dir);
}
END_TEST

START_TEST(a_plugin_that_handles_nothing_is_refused)
{
	ck_refused("", MADE_DESCRIPTION(".summary = \"\""), "handles nothing");
}
END_TEST

START_TEST(odd_values_in_a_description_are_refused)
{
	ck_refused("", MADE_ENTRY MADE_DESCRIPTION(".name = \"\", .data = nothing"), "no usable name");
	ck_refused("", MADE_ENTRY MADE_DESCRIPTION(".name = \"a\\nb\", .data = nothing"), "no usable name");
	ck_refused("", MADE_ENTRY MADE_DESCRIPTION(".version = 0, .data = nothing"),
		"no usable name or version");
	ck_refused(
		"", MADE_ENTRY MADE_DESCRIPTION(".transports = 64, .data = nothing"), "unknown transports");
	ck_refused(
		"", MADE_ENTRY MADE_DESCRIPTION(".stack_size = 100, .data = nothing"), "stack of 100 bytes");
}
END_TEST

#define OPTION(row)  "static const struct sockd_option o[] = { " row ", { 0 } };\n" MADE_ENTRY
#define WITH_OPTIONS MADE_DESCRIPTION(".options = o, .data = nothing")

START_TEST(a_faulty_table_of_options_is_refused)
{
	ck_refused("", OPTION("{ .name = \"a\", .type = 99 }") WITH_OPTIONS, "no known type (99)");
	ck_refused("", OPTION("{ .name = \"a\" }") WITH_OPTIONS, "no known type (0)");
	ck_refused("", OPTION("{ .name = \"A b\", .type = SOCKD_T_INT }") WITH_OPTIONS, "lower-case letters");
	ck_refused("", OPTION("{ .name = \"a\", .type = SOCKD_T_WORD }") WITH_OPTIONS, "lists no words");
	ck_refused("", OPTION("{ .name = \"a\", .type = SOCKD_T_INT, .min = 2, .max = 1 }") WITH_OPTIONS,
		"min above");
	ck_refused("",
		OPTION("{ .name = \"a\", .type = SOCKD_T_INT }, { .name = \"a\", .type = SOCKD_T_BOOL }")
			WITH_OPTIONS,
		"declares the option 'a' twice");
	ck_refused("",
		OPTION("{ .name = \"a\", .type = SOCKD_T_INT }")
			MADE_DESCRIPTION(".option_size = 8, .options = o, .data = nothing"),
		"rows of 8 bytes");
}
END_TEST

START_TEST(a_number_that_comes_back_gives_the_new_library)
{
	char *dir = unit_tempdir();
	struct plugin *first =
		loaded(dir, "first", "", MADE_ENTRY MADE_DESCRIPTION(".data = nothing, .name = \"first\""));
	struct plugin *second;

	plugin_close(first);
	second =
		loaded(dir, "second", "", MADE_ENTRY MADE_DESCRIPTION(".data = nothing, .name = \"second\""));

	ck_assert_str_eq(plugin_description(second)->name, "second");
	plugin_close(second);
	unit_tempdir_remove(dir);
}
END_TEST

START_TEST(a_library_that_stays_keeps_its_descriptor)
{
	char *dir = unit_tempdir();
	int before;
	struct plugin *first, *second;

	before = fd_count_open();
	first = loaded(dir, "first", "-Wl,-z,nodelete",
		MADE_ENTRY MADE_DESCRIPTION(".data = nothing, .name = \"first\""));
	plugin_close(first);
	ck_assert_int_eq(fd_count_open(), before + 1);
	second =
		loaded(dir, "second", "", MADE_ENTRY MADE_DESCRIPTION(".data = nothing, .name = \"second\""));

	ck_assert_str_eq(plugin_description(second)->name, "second");
	plugin_close(second);
	ck_assert_int_eq(fd_count_open(), before + 1);
	unit_tempdir_remove(dir);
}
END_TEST

START_TEST(a_refused_plugin_leaves_no_descriptor)
{
	int before = fd_count_open();

	ck_refused("", MADE_DESCRIPTION(".summary = \"\""), "handles nothing");

	ck_assert_int_eq(fd_count_open(), before);
}
END_TEST

START_TEST(closing_no_plugin_is_fine)
{
	int before = fd_count_open();

	plugin_close(NULL);

	ck_assert_int_eq(fd_count_open(), before);
}
END_TEST

UNIT_TESTS("plugin_load", a_sound_plugin_is_loaded, the_style_follows_from_entries_and_mask,
	another_major_is_refused, a_newer_minor_is_refused, unknown_wants_are_refused,
	a_longer_description_is_taken_if_its_tail_is_zero, a_longer_description_that_uses_its_tail_is_refused,
	what_a_shorter_description_lacks_is_zero, a_size_that_leads_beyond_the_symbol_is_refused,
	a_missing_symbol_is_explained, a_symbol_of_another_kind_is_refused, an_undefined_symbol_is_named,
	a_file_that_is_no_library_is_refused, a_plugin_that_handles_nothing_is_refused,
	odd_values_in_a_description_are_refused, a_faulty_table_of_options_is_refused,
	a_number_that_comes_back_gives_the_new_library, a_library_that_stays_keeps_its_descriptor,
	a_refused_plugin_leaves_no_descriptor, closing_no_plugin_is_fine)
