/* A snapshot is made in steps that may fail, so freeing takes it in any state. */
#include "control/snapshot.h"

#include <errno.h>
#include <fcntl.h>
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

const struct cfg_source *
snapshot_source(const struct snapshot *s)
{
	return s->record != NULL ? cfg_record_source(s->record) : &cfg_source_disk;
}

/* ---- copying ---- */

static int
copy_rows(const struct snapshot *from, struct snapshot *to)
{
	size_t count = from->config->listener_count;

	to->metric_rows = calloc(count + 1, sizeof *to->metric_rows);
	if (to->metric_rows == NULL)
		return -ENOMEM;
	if (from->metric_rows != NULL)
		memcpy(to->metric_rows, from->metric_rows, count * sizeof *to->metric_rows);
	to->metric_row_count = from->metric_row_count;
	return 0;
}

static int
copy_orders(const struct snapshot *from, struct snapshot *to)
{
	size_t count = from->config->listener_count;

	if (from->bans != NULL) {
		to->bans = strdup(from->bans);
		if (to->bans == NULL)
			return -ENOMEM;
	}
	if (from->holds == NULL)
		return 0;
	to->holds = malloc(count + 1);
	if (to->holds == NULL)
		return -ENOMEM;
	memcpy(to->holds, from->holds, count);
	return 0;
}

static int
copy_fd(int from, int *ret)
{
	*ret = from >= 0 ? fcntl(from, F_DUPFD_CLOEXEC, 0) : -1;
	return from >= 0 && *ret < 0 ? -errno : 0;
}

static int
copy_plugins(const struct snapshot *from, struct snapshot *to)
{
	to->plugins = calloc(from->plugin_count + 1, sizeof *to->plugins);
	if (to->plugins == NULL)
		return -ENOMEM;
	for (size_t i = 0; i < from->plugin_count; i++) {
		struct snapshot_plugin *p = &to->plugins[i];
		int code;

		p->fd = -1;
		to->plugin_count = i + 1;
		p->name = strdup(from->plugins[i].name);
		p->path = strdup(from->plugins[i].path);
		if (p->name == NULL || p->path == NULL)
			return -ENOMEM;
		code = copy_fd(from->plugins[i].fd, &p->fd);
		if (code < 0)
			return code;
	}
	return 0;
}

static int
copy_sockets(const struct snapshot *from, struct snapshot *to)
{
	to->sockets = calloc(from->socket_count + 1, sizeof *to->sockets);
	if (to->sockets == NULL)
		return -ENOMEM;
	for (size_t i = 0; i < from->socket_count; i++) {
		int code;

		to->sockets[i] = from->sockets[i];
		code = copy_fd(from->sockets[i].fd, &to->sockets[i].fd);
		if (code < 0)
			return code;
		to->socket_count = i + 1;
	}
	return 0;
}

int
snapshot_copy(const struct snapshot *s, struct snapshot **ret)
{
	struct snapshot *to = mem_new(*to);
	int code;

	if (to == NULL)
		return -ENOMEM;
	to->config = config_ref(s->config);
	to->record = s->record != NULL ? cfg_record_ref(s->record) : NULL;
	to->loops = s->loops;
	to->config_path = s->config_path != NULL ? strdup(s->config_path) : NULL;
	code = s->config_path != NULL && to->config_path == NULL ? -ENOMEM : copy_rows(s, to);
	if (code == 0)
		code = copy_orders(s, to);
	if (code == 0)
		code = copy_plugins(s, to);
	if (code == 0)
		code = copy_sockets(s, to);
	if (code < 0) {
		snapshot_free(to);
		return code;
	}
	*ret = to;
	return 0;
}

/* ---- the end ---- */

static void
close_open(int fd)
{
	if (fd >= 0)
		close(fd);
}

void
snapshot_close_sockets(struct snapshot *s)
{
	for (size_t i = 0; i < s->socket_count; i++)
		close_open(s->sockets[i].fd);
	free(s->sockets);
	s->sockets = NULL;
	s->socket_count = 0;
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
	free(s->plugins);
	snapshot_close_sockets(s);
	free(s->metric_rows);
	free(s->holds);
	free(s->bans);
	free(s->config_path);
	cfg_record_unref(s->record);
	config_unref(s->config);
	free(s);
}
