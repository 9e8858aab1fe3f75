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
	nothing_and_an_empty_one_can_be_freed)
