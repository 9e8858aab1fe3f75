/* plugin/instance.c */
#include <errno.h>

#include "base/fdutil.h"
#include "plugin/instance.h"

#include "made.h"
#include "settings_case.h"

/* A plugin that writes down which stages it was taken through, in the text that its environment names. */
#define STAGES                                                                                              \
	"#include <stdlib.h>\n#include <string.h>\n" MADE_ENTRY                                             \
	"static char *trace(void) { char *t; t = (char *)strtoul(getenv(\"TRACE\"), NULL, 16); return t; "  \
	"}\n"                                                                                               \
	"static void add(const char *w) { strcat(trace(), w); }\n"                                          \
	"static int fails(struct sockd_settings const *s, const char *w)\n"                                 \
	"{ const char *f = sockd_setting_string(s, \"fail\"); return f != NULL && strcmp(f, w) == 0; }\n"   \
	"static const struct sockd_option o[] = { { .name = \"fail\", .type = SOCKD_T_STRING }, { 0 } };\n" \
	"static const struct sockd_settings *kept;\n"                                                       \
	"static int check(const struct sockd_settings *s, struct sockd_error *e)\n"                         \
	"{ add(\"check \"); return fails(s, \"check\") ? sockd_error_set(e, \"fail\", \"as asked\") : 0; "  \
	"}\n"                                                                                               \
	"static int start(struct sockd_host h, const struct sockd_settings *s, void **i, struct "           \
	"sockd_error *e)\n"                                                                                 \
	"{ add(\"start \"); kept = s; *i = &kept; return fails(s, \"start\") ? sockd_error_set(e, "         \
	"\"fail\", \"as asked\") : 0; }\n"                                                                  \
	"static void stop(void *i) { add(i == &kept ? \"stop \" : \"wrong \"); }\n"                         \
	"static int thread_start(struct sockd_host h, void *i, void **t, struct sockd_error *e)\n"          \
	"{ add(\"thread \"); *t = i; return fails(kept, \"thread\") ? -1 : 0; }\n"                          \
	"static void thread_stop(void *i, void *t) { add(i == t ? \"unthread \" : \"wrong \"); "            \
	"}\n" MADE_DESCRIPTION(".options = o, .check = check, .start = start, .stop = stop,"                \
			       " .thread_start = thread_start, .thread_stop = thread_stop, .data = nothing")

static char *dir;
static char trace[256];
static struct plugin *plugin;
static struct instance *instance;
static const struct sockd_host no_host;

static void
begin(const char *code, const char *config)
{
	const struct cfg_listener *l = case_load(config);
	char address[32];
	struct err e = { 0 };
	int fd;

	dir = unit_tempdir();
	fd = made_plugin_fd(dir, "made", "", code);
	snprintf(address, sizeof address, "%lx", (unsigned long)trace);
	setenv("TRACE", address, 1);
	ck_assert_msg(plugin_open(fd, "made.so", &plugin, &e) == 0, "%s", e.text);
	close(fd);
	ck_assert_int_eq(instance_new(&(struct instance_options){ .plugin = plugin,
					      .owner = l->name,
					      .place = &l->plugin_place,
					      .settings = l->settings,
					      .source = &cfg_source_disk,
					      .loops = 2 },
				 &case_report, &instance),
		0);
}

static void
end(void)
{
	instance_free(instance);
	plugin_close(plugin);
	unit_tempdir_remove(dir);
	case_end();
}

START_TEST(stages_are_entered_and_left_in_reverse)
{
	struct err e = { 0 };

	begin(STAGES, "");
	ck_assert_int_eq(instance_check(instance, &case_report), 0);
	ck_assert_int_eq(instance_start(instance, no_host, &e), 0);
	ck_assert_int_eq(instance_thread_start(instance, 0, no_host, &e), 0);
	ck_assert_int_eq(instance_thread_start(instance, 1, no_host, &e), 0);
	ck_assert_ptr_nonnull(instance_data(instance));
	ck_assert_ptr_eq(instance_thread_state(instance, 1), instance_data(instance));
	instance_thread_stop(instance, 1);
	instance_thread_stop(instance, 0);
	instance_stop(instance);

	ck_assert_str_eq(trace, "check start thread thread unthread unthread stop ");
	end();
}
END_TEST

START_TEST(a_refused_check_is_told_at_the_place_of_its_option)
{
	begin(STAGES, "        fail: check\n");
	ck_assert_int_eq(instance_check(instance, &case_report), -EINVAL);
	ck_complained("/etc/case.yaml:7:15: error: made: as asked");
	ck_assert_str_eq(trace, "check ");
	end();
}
END_TEST

START_TEST(a_failed_start_is_not_stopped)
{
	struct err e = { 0 };

	begin(STAGES, "        fail: start\n");
	ck_assert_int_eq(instance_start(instance, no_host, &e), -EINVAL);
	ck_assert_str_eq(e.text, "/etc/case.yaml:7:15: the plugin 'made' of 'one' failed to start: as asked");
	ck_assert_ptr_null(instance_data(instance));
	instance_stop(instance);

	ck_assert_str_eq(trace, "start ");
	end();
}
END_TEST

START_TEST(after_a_failed_thread_only_what_began_is_ended)
{
	struct err e = { 0 };

	begin(STAGES, "        fail: thread\n");
	ck_assert_int_eq(instance_start(instance, no_host, &e), 0);
	ck_assert_int_eq(instance_thread_start(instance, 0, no_host, &e), -EINVAL);
	ck_assert_ptr_nonnull(strstr(e.text, "it did not say why"));
	ck_assert_ptr_null(instance_thread_state(instance, 0));
	instance_thread_stop(instance, 0);
	instance_thread_stop(instance, 1);
	instance_stop(instance);
	instance_stop(instance);

	ck_assert_str_eq(trace, "start thread stop ");
	end();
}
END_TEST

START_TEST(a_plugin_without_stages_needs_none)
{
	struct err e = { 0 };

	begin(MADE_ENTRY MADE_DESCRIPTION(".data = nothing"), "");
	ck_assert_int_eq(instance_check(instance, &case_report), 0);
	ck_assert_int_eq(instance_start(instance, no_host, &e), 0);
	ck_assert_int_eq(instance_thread_start(instance, 0, no_host, &e), 0);
	instance_thread_stop(instance, 0);
	instance_stop(instance);
	ck_assert_ptr_null(instance_data(instance));
	ck_assert_str_eq(instance_plugin(instance)->name, "made");
	ck_assert_ptr_nonnull(instance_settings(instance));
	end();
}
END_TEST

UNIT_TESTS("instance", stages_are_entered_and_left_in_reverse,
	a_refused_check_is_told_at_the_place_of_its_option, a_failed_start_is_not_stopped,
	after_a_failed_thread_only_what_began_is_ended, a_plugin_without_stages_needs_none)
