/* The manager is never asked what it keeps: the names follow from the sockets, so what it has to be told is
 * the difference between two sorted lists. After an upgrade the new program knows of none and tells all of
 * them again, which changes nothing for a manager that compares descriptors, and lets one that began with an
 * older sockd keep them from then on.
 *
 * A manager that keeps a socket keeps its address taken and its queue open. At an orderly end that is wanted
 * of tcp, udp and abstract sockets when sockd is restarted, and no manager says whether it stops us for good:
 * clients wait for the end of the drain, and are served by the next sockd or cut off with the unit. The file
 * of a unix socket is removed at the end, and with it every way to the socket. */
#include "supervisor/fd_store.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "control/snapshot.h"
#include "net/stored.h"
#include "supervisor/notify.h"

struct entry {
	char name[NET_STORED_NAME_SIZE];
	int fd; /* borrowed; -1: it is only known by name */
};

struct fd_store {
	struct entry *entries; /* owned; sorted by name */
	size_t count;
	bool ended;
};

struct fd_store *
fd_store_new(void)
{
	struct fd_store *f = mem_new(*f);

	return f;
}

static int
compare(const void *a, const void *b)
{
	return strcmp(((const struct entry *)a)->name, ((const struct entry *)b)->name);
}

int
fd_store_assume(struct fd_store *f, const struct net_stored *stored)
{
	const char *name;
	size_t count = 0;

	while (net_stored_get(stored, count) != NULL)
		count++;
	f->entries = calloc(count + 1, sizeof *f->entries);
	if (f->entries == NULL)
		return -ENOMEM;
	while ((name = net_stored_get(stored, f->count)) != NULL) {
		struct entry *e = &f->entries[f->count++];

		strncpy(e->name, name, sizeof e->name - 1);
		e->fd = -1;
	}
	qsort(f->entries, f->count, sizeof *f->entries, compare);
	return 0;
}

/* @return sorted, owned; NULL without memory */
static struct entry *
wanted(const struct snapshot *s, const struct net_files *files, size_t *ret_count)
{
	struct entry *entries = calloc(s->socket_count + 1, sizeof *entries);
	size_t count = 0;

	for (size_t i = 0; entries != NULL && i < s->socket_count; i++) {
		const struct snapshot_socket *socket = &s->sockets[i];
		const struct cfg_listener *l = &s->config->listeners[socket->listener];
		struct entry *e = &entries[count];

		e->fd = socket->fd;
		if (l->addresses[socket->address].transport != CFG_PASSED &&
			net_stored_name(socket, l->name, files, e->name) == 0)
			count++;
	}
	if (entries != NULL)
		qsort(entries, count, sizeof *entries, compare);
	*ret_count = count;
	return entries;
}

/* What only the second list has. */
static void
each_new(const struct entry *old, size_t old_count, const struct entry *new, size_t new_count,
	void (*tell)(const struct entry *e))
{
	for (size_t i = 0, k = 0; i < new_count; i++) {
		while (k < old_count && compare(&old[k], &new[i]) < 0)
			k++;
		if (k == old_count || compare(&old[k], &new[i]) != 0)
			tell(&new[i]);
	}
}

static void
tell_store(const struct entry *e)
{
	notify_store(e->fd, e->name);
}

static void
tell_remove(const struct entry *e)
{
	notify_store_remove(e->name);
}

void
fd_store_update(struct fd_store *f, const struct snapshot *s, const struct net_files *files)
{
	size_t count;
	struct entry *entries;

	if (f->ended)
		return;
	entries = wanted(s, files, &count);
	if (entries == NULL)
		return;
	/* In this order: a socket whose listener has another name now is kept under another one, once. */
	each_new(entries, count, f->entries, f->count, tell_remove);
	each_new(f->entries, f->count, entries, count, tell_store);
	free(f->entries);
	f->entries = entries;
	f->count = count;
}

void
fd_store_end(struct fd_store *f, bool may_return)
{
	size_t left = 0;

	f->ended = true;
	for (size_t i = 0; i < f->count; i++) {
		if (may_return && !net_stored_has_file(f->entries[i].name))
			f->entries[left++] = f->entries[i];
		else
			tell_remove(&f->entries[i]);
	}
	f->count = left;
}

void
fd_store_free(struct fd_store *f)
{
	if (f == NULL)
		return;
	free(f->entries);
	free(f);
}
