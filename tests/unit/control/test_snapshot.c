/* A snapshot in any state can be searched and freed. */
#include "control/snapshot.h"

#include <fcntl.h>
#include <string.h>

#include "base/fdutil.h"
#include "config/load.h"

#include "unit.h"

static struct snapshot *
snapshot_of(size_t plugins, size_t sockets)
{
	struct snapshot *s = calloc(1, sizeof *s);

	s->plugins = calloc(plugins, sizeof *s->plugins);
	s->sockets = calloc(sockets, sizeof *s->sockets);
	s->plugin_count = plugins;
	s->socket_count = sockets;
	for (size_t i = 0; i < plugins; i++)
		s->plugins[i].fd = -1;
	for (size_t i = 0; i < sockets; i++)
		s->sockets[i].fd = -1;
	return s;
}

START_TEST(a_plugin_is_found_by_the_name_in_the_file)
{
	struct snapshot *s = snapshot_of(2, 0);

	s->plugins[0].name = strdup("echo");
	s->plugins[1].name = strdup("./echo.so");

	ck_assert_ptr_eq(snapshot_plugin_find(s, "echo"), &s->plugins[0]);
	ck_assert_ptr_eq(snapshot_plugin_find(s, "./echo.so"), &s->plugins[1]);
	ck_assert_ptr_null(snapshot_plugin_find(s, "discard"));
	snapshot_free(s);
}
END_TEST

START_TEST(freeing_closes_every_descriptor_that_is_still_there)
{
	int before = fd_count_open();
	struct snapshot *s = snapshot_of(2, 3);

	s->plugins[1].fd = open("/dev/null", O_RDONLY | O_CLOEXEC);
	s->plugins[1].path = strdup("/dev/null");
	s->sockets[0].fd = open("/dev/null", O_RDONLY | O_CLOEXEC);
	s->sockets[2].fd = open("/dev/null", O_RDONLY | O_CLOEXEC);
	ck_assert_int_eq(fd_count_open(), before + 3);

	snapshot_free(s);

	ck_assert_int_eq(fd_count_open(), before);
}
END_TEST

START_TEST(freeing_gives_the_configuration_back)
{
	const char *text = "version: 1\n";
	struct cfg_report report = { 0 };
	struct snapshot *s = snapshot_of(0, 0);
	struct config *config;

	ck_assert_int_eq(config_parse_text("test.yaml", text, strlen(text), NULL, &config, &report), 0);
	s->config = config_ref(config);

	snapshot_free(s);

	ck_assert_uint_eq(config->listener_count, 0); /* our own reference still holds */
	config_unref(config);
	cfg_report_fini(&report);
}
END_TEST

START_TEST(a_copy_has_everything_and_outlives_the_first)
{
	struct snapshot *s = snapshot_of(1, 1), *copy;
	const char *text = "version: 1\nlisteners: {a: {listen: 'unix:@a', handler: echo}}\n";
	struct cfg_report report = { 0 };
	int before = fd_count_open();

	ck_assert_int_eq(config_parse_text("t.yaml", text, strlen(text), NULL, &s->config, &report), 0);
	s->record = cfg_record_new(NULL);
	s->config_path = strdup("/etc/t.yaml");
	s->plugins[0].name = strdup("echo");
	s->plugins[0].path = strdup("/lib/echo.so");
	s->plugins[0].fd = open("/dev/null", O_RDONLY | O_CLOEXEC);
	s->sockets[0].fd = open("/dev/null", O_RDONLY | O_CLOEXEC);
	s->metric_rows = calloc(1, sizeof *s->metric_rows);
	s->metric_rows[0] = 7;
	s->metric_row_count = 8;

	ck_assert_int_eq(snapshot_copy(s, &copy), 0);
	snapshot_free(s);

	ck_assert_int_eq(fd_count_open(), before + 2);
	ck_assert_str_eq(copy->config->listeners[0].name, "a");
	ck_assert_str_eq(copy->config_path, "/etc/t.yaml");
	ck_assert_str_eq(copy->plugins[0].path, "/lib/echo.so");
	ck_assert_uint_eq(copy->metric_rows[0], 7);
	ck_assert_ptr_ne(snapshot_source(copy), &cfg_source_disk);
	snapshot_close_sockets(copy);
	ck_assert_int_eq(fd_count_open(), before + 1);
	snapshot_free(copy);
	ck_assert_int_eq(fd_count_open(), before);
}
END_TEST

START_TEST(nothing_and_an_empty_one_can_be_freed)
{
	int before = fd_count_open();

	snapshot_free(NULL);
	snapshot_free(calloc(1, sizeof(struct snapshot)));

	ck_assert_int_eq(fd_count_open(), before);
}
END_TEST

UNIT_TESTS("snapshot", a_plugin_is_found_by_the_name_in_the_file,
	freeing_closes_every_descriptor_that_is_still_there, freeing_gives_the_configuration_back,
	a_copy_has_everything_and_outlives_the_first, nothing_and_an_empty_one_can_be_freed)
