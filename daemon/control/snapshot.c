/* A snapshot is made in steps that may fail, so freeing takes it in any state. */
#include "control/snapshot.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

const struct snapshot_plugin *
snapshot_plugin_find(const struct snapshot *s, const char *name)
{
	for (size_t i = 0; i < s->plugin_count; i++)
		if (strcmp(s->plugins[i].name, name) == 0)
			return &s->plugins[i];
	return NULL;
}

static void
close_open(int fd)
{
	if (fd >= 0)
		close(fd);
}

void
snapshot_free(struct snapshot *s)
{
	if (s == NULL)
		return;
	for (size_t i = 0; i < s->plugin_count; i++) {
		close_open(s->plugins[i].fd);
		free(s->plugins[i].name);
		free(s->plugins[i].path);
	}
	for (size_t i = 0; i < s->socket_count; i++)
		close_open(s->sockets[i].fd);
	free(s->plugins);
	free(s->sockets);
	config_unref(s->config);
	free(s);
}
