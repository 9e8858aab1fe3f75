/* A hash table keeps the order in which things were added, so it is the list as well. */
#include "names.h"

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define HASH_NONFATAL_OOM          1
#define uthash_nonfatal_oom(entry) ((entry)->unlinked = true)
#include <uthash.h>

struct entry {
	UT_hash_handle hh;
	bool unlinked; /* the table had no memory for it */
	char name[NAME_MAX_SIZE + 1];
};

struct names {
	pthread_mutex_t lock;
	struct entry *table;
};

struct names *
names_new(void)
{
	struct names *n = calloc(1, sizeof *n);

	if (n != NULL)
		pthread_mutex_init(&n->lock, NULL);
	return n;
}

static void
remove_entry(struct names *n, struct entry *e)
{
	HASH_DELETE(hh, n->table, e);
	free(e);
}

void
names_free(struct names *n)
{
	if (n == NULL)
		return;
	while (n->table != NULL)
		remove_entry(n, n->table);
	pthread_mutex_destroy(&n->lock);
	free(n);
}

static bool
take_locked(struct names *n, const char *name)
{
	struct entry *e;

	HASH_FIND_STR(n->table, name, e);
	if (e != NULL)
		return false;
	e = calloc(1, sizeof *e);
	if (e == NULL)
		return false;
	snprintf(e->name, sizeof e->name, "%s", name);
	HASH_ADD_STR(n->table, name, e);
	if (!e->unlinked)
		return true;
	free(e);
	return false;
}

bool
names_take(struct names *n, const char *name)
{
	bool taken;

	pthread_mutex_lock(&n->lock);
	taken = take_locked(n, name);
	pthread_mutex_unlock(&n->lock);
	return taken;
}

void
names_give_back(struct names *n, const char *name)
{
	struct entry *e;

	pthread_mutex_lock(&n->lock);
	HASH_FIND_STR(n->table, name, e);
	if (e != NULL)
		remove_entry(n, e);
	pthread_mutex_unlock(&n->lock);
}

char *
names_list(struct names *n)
{
	char *list, *at;

	pthread_mutex_lock(&n->lock);
	at = list = malloc(HASH_COUNT(n->table) * (NAME_MAX_SIZE + 1) + 1);
	for (const struct entry *e = n->table; list != NULL && e != NULL; e = e->hh.next)
		at += sprintf(at, "%s%s", e == n->table ? "" : " ", e->name);
	pthread_mutex_unlock(&n->lock);
	if (list != NULL)
		*at = '\0';
	return list;
}

size_t
names_count(struct names *n)
{
	size_t count;

	pthread_mutex_lock(&n->lock);
	count = HASH_COUNT(n->table);
	pthread_mutex_unlock(&n->lock);
	return count;
}
