/* Indices into the configuration are checked against the configuration that was loaded, never against what
 * the sender says of it. */
#include "control/snapshot_pack.h"

#include <errno.h>
#include <string.h>

#include "config/load.h"

enum { LOOPS_MAX = 1024, ROWS_MAX = 1 << 20 };

/* ---- there ---- */

void
snapshot_pack(struct strbuf *s, const struct snapshot *snapshot)
{
	struct strbuf record = { 0 };

	cfg_record_pack(snapshot->record, &record);
	pack_bytes(s, record.data, record.size);
	s->failed |= record.failed;
	if (record.data != NULL)
		explicit_bzero(record.data, record.size);
	strbuf_fini(&record);
	pack_text(s, snapshot->config_path);
	pack_u32(s, snapshot->loops);
	pack_u32(s, snapshot->metric_row_count);
	pack_u32(s, (uint32_t)snapshot->config->listener_count);
	for (size_t i = 0; i < snapshot->config->listener_count; i++) {
		pack_u32(s, snapshot->metric_rows[i]);
		pack_u32(s, snapshot->holds != NULL ? snapshot->holds[i] : SNAPSHOT_SERVES);
	}
	pack_text(s, snapshot->bans);
	pack_u32(s, 0); /* a list that version 1 of the protocol has here, and that nobody ever filled */
	pack_u32(s, (uint32_t)snapshot->plugin_count);
	for (size_t i = 0; i < snapshot->plugin_count; i++) {
		pack_text(s, snapshot->plugins[i].name);
		pack_text(s, snapshot->plugins[i].path);
	}
	pack_u32(s, (uint32_t)snapshot->socket_count);
	for (size_t i = 0; i < snapshot->socket_count; i++) {
		const struct snapshot_socket *k = &snapshot->sockets[i];

		pack_u32(s, k->listener);
		pack_u32(s, k->address);
		pack_u32(s, k->member);
		pack_u32(s, (uint32_t)k->transport);
		pack_bytes(s, &k->local, k->local_size);
	}
}

size_t
snapshot_fd_count(const struct snapshot *snapshot)
{
	return snapshot->plugin_count + snapshot->socket_count;
}

void
snapshot_fds(const struct snapshot *snapshot, int *fds)
{
	for (size_t i = 0; i < snapshot->plugin_count; i++)
		*fds++ = snapshot->plugins[i].fd;
	for (size_t i = 0; i < snapshot->socket_count; i++)
		*fds++ = snapshot->sockets[i].fd;
}

/* ---- and back ---- */

static int
unpack_config(struct unpack *u, struct cfg_report *report, struct snapshot *s)
{
	size_t size;
	const void *record = unpack_bytes(u, &size);
	const char *path = unpack_word(u);
	int code = u->failed ? -EBADMSG : cfg_record_unpack(record, size, &s->record);

	if (code < 0)
		return code;
	s->config_path = strdup(path);
	if (s->config_path == NULL)
		return -ENOMEM;
	return config_load(path, cfg_record_source(s->record), &s->config, report);
}

static int
unpack_rows(struct unpack *u, struct snapshot *s)
{
	const char *bans;
	uint32_t count;

	s->loops = unpack_u32(u);
	s->metric_row_count = unpack_u32(u);
	count = unpack_count(u, 8);
	if (u->failed || s->loops < 1 || s->loops > LOOPS_MAX || s->metric_row_count > ROWS_MAX ||
		count != s->config->listener_count)
		return -EBADMSG;
	s->metric_rows = calloc(count + 1, sizeof *s->metric_rows);
	s->holds = calloc(count + 1, sizeof *s->holds);
	if (s->metric_rows == NULL || s->holds == NULL)
		return -ENOMEM;
	for (uint32_t i = 0; i < count; i++) {
		uint32_t hold;

		s->metric_rows[i] = unpack_u32(u);
		hold = unpack_u32(u);
		if (u->failed || s->metric_rows[i] >= s->metric_row_count || hold >= SNAPSHOT_HOLD_COUNT)
			return -EBADMSG;
		s->holds[i] = (unsigned char)hold;
	}
	bans = unpack_text(u);
	if (bans == NULL)
		return u->failed ? -EBADMSG : 0;
	s->bans = strdup(bans);
	return s->bans != NULL ? 0 : -ENOMEM;
}

/* The next descriptor, which moves; -1: there is none. */
static int
next_fd(int **io_fds, size_t *io_count)
{
	int fd;

	if (*io_count == 0)
		return -1;
	fd = **io_fds;
	**io_fds = -1;
	(*io_fds)++;
	(*io_count)--;
	return fd;
}

static int
unpack_plugins(struct unpack *u, int **io_fds, size_t *io_count, struct snapshot *s)
{
	uint32_t count = unpack_count(u, 8);

	s->plugins = calloc((size_t)count + 1, sizeof *s->plugins);
	if (s->plugins == NULL)
		return -ENOMEM;
	for (uint32_t i = 0; i < count; i++) {
		struct snapshot_plugin *p = &s->plugins[i];
		const char *name = unpack_word(u), *path = unpack_word(u);

		s->plugin_count = i + 1;
		p->fd = next_fd(io_fds, io_count);
		if (u->failed || p->fd < 0)
			return -EBADMSG;
		p->name = strdup(name);
		p->path = strdup(path);
		if (p->name == NULL || p->path == NULL)
			return -ENOMEM;
	}
	return u->failed ? -EBADMSG : 0;
}

static bool
fits(const struct snapshot_socket *k, const struct config *c)
{
	return k->listener < c->listener_count && k->address < c->listeners[k->listener].address_count &&
	       k->transport > CFG_PASSED && k->transport < CFG_TRANSPORT_COUNT;
}

static int
unpack_sockets(struct unpack *u, int **io_fds, size_t *io_count, struct snapshot *s)
{
	uint32_t count = unpack_count(u, 20);

	s->sockets = calloc((size_t)count + 1, sizeof *s->sockets);
	if (s->sockets == NULL)
		return -ENOMEM;
	for (uint32_t i = 0; i < count; i++) {
		struct snapshot_socket *k = &s->sockets[i];
		const void *local;
		size_t size;

		k->listener = unpack_u32(u);
		k->address = unpack_u32(u);
		k->member = unpack_u32(u);
		k->transport = (enum cfg_transport)unpack_u32(u);
		local = unpack_bytes(u, &size);
		k->fd = next_fd(io_fds, io_count);
		s->socket_count = i + 1;
		if (u->failed || k->fd < 0 || size > sizeof k->local || !fits(k, s->config))
			return -EBADMSG;
		if (size > 0)
			memcpy(&k->local, local, size);
		k->local_size = (socklen_t)size;
	}
	return u->failed ? -EBADMSG : 0;
}

int
snapshot_unpack(struct unpack *u, int *fds, size_t fd_count, struct cfg_report *report, struct snapshot **ret)
{
	struct snapshot *s = mem_new(*s);
	int code;

	if (s == NULL)
		return -ENOMEM;
	code = unpack_config(u, report, s);
	if (code == 0)
		code = unpack_rows(u, s);
	if (code == 0 && unpack_u32(u) != 0)
		code = -EBADMSG;
	if (code == 0)
		code = unpack_plugins(u, &fds, &fd_count, s);
	if (code == 0)
		code = unpack_sockets(u, &fds, &fd_count, s);
	if (code == 0 && fd_count > 0)
		code = -EBADMSG; /* descriptors of which it knows nothing */
	if (code < 0) {
		snapshot_free(s);
		return code;
	}
	*ret = s;
	return 0;
}

/* ---- reports ---- */

void
report_pack(struct strbuf *s, const struct cfg_report *report)
{
	pack_u32(s, (uint32_t)report->count);
	for (size_t i = 0; i < report->count; i++) {
		const struct cfg_finding *f = &report->findings[i];

		pack_u32(s, (uint32_t)f->severity);
		pack_text(s, f->file);
		pack_u32(s, (uint32_t)f->line);
		pack_u32(s, (uint32_t)f->column);
		pack_u32(s, (uint32_t)f->width);
		pack_text(s, f->line_text);
		pack_text(s, f->text);
	}
}

/* A number for people; what is no place in a file is none. */
static int
small(uint32_t n)
{
	return n <= 1 << 24 ? (int)n : 0;
}

int
report_unpack(struct unpack *u, struct cfg_report *report)
{
	uint32_t count = unpack_count(u, 28);

	for (uint32_t i = 0; i < count && i < 2 * CFG_REPORT_MAX; i++) {
		uint32_t severity = unpack_u32(u);
		struct cfg_place place = { .file = unpack_text(u) };
		const char *text;

		place.line = small(unpack_u32(u));
		place.column = small(unpack_u32(u));
		place.width = small(unpack_u32(u));
		place.line_text = unpack_text(u);
		text = unpack_word(u);
		if (u->failed)
			return -EBADMSG;
		if (severity == CFG_ERROR)
			cfg_report_error(report, &place, "%s", text);
		else
			cfg_report_warning(report, &place, "%s", text);
	}
	return u->failed ? -EBADMSG : 0;
}
