/* Values travel as text, since they are there to be read by people, and the next supervisor may have other
 * tables: a key that it does not know waits for nothing. */
#include "supervisor/held_keys.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

void
held_keys_pack(struct strbuf *out, const struct cfg_changes *waiting)
{
	pack_u32(out, (uint32_t)waiting->count);
	for (size_t i = 0; i < waiting->count; i++) {
		pack_text(out, waiting->items[i].listener);
		pack_text(out, waiting->items[i].key->name);
		pack_text(out, waiting->items[i].before);
	}
}

static bool
copy_text(const char *text, char **ret)
{
	*ret = text != NULL ? strdup(text) : NULL;
	return *ret != NULL || text == NULL;
}

int
held_keys_unpack(struct unpack *u, struct held_keys *ret)
{
	uint32_t count = unpack_count(u, 12);
	struct held_keys h = { .items = calloc((size_t)count + 1, sizeof *h.items) };
	bool copied = h.items != NULL;

	while (copied && h.count < count) {
		struct held_key *k = &h.items[h.count++];

		copied = copy_text(unpack_text(u), &k->listener);
		copied = copy_text(unpack_word(u), &k->key) && copied;
		copied = copy_text(unpack_text(u), &k->holds) && copied;
	}
	if (!copied || u->failed) {
		held_keys_fini(&h);
		return copied ? -EBADMSG : -ENOMEM;
	}
	*ret = h;
	return 0;
}

static const struct key_table *
table_of(const struct held_key *k)
{
	return k->listener != NULL ? &key_table_listener : &key_table_daemon;
}

static const struct key *
row_of(const struct held_key *k)
{
	const struct key_table *table = table_of(k);

	for (size_t i = 0; i < table->count; i++)
		if (strcmp(table->keys[i].name, k->key) == 0)
			return &table->keys[i];
	return NULL;
}

static void
free_key(struct held_key *k)
{
	free(k->listener);
	free(k->key);
	free(k->holds);
}

void
held_keys_drop_taken(struct held_keys *h)
{
	size_t left = 0;

	for (size_t i = 0; i < h->count; i++) {
		const struct key *row = row_of(&h->items[i]);

		if (row != NULL && row->reload == KEY_RESTART)
			h->items[left++] = h->items[i];
		else
			free_key(&h->items[i]);
	}
	h->count = left;
}

void
held_keys_apply(const struct held_keys *h, const struct config *after, struct cfg_changes *io)
{
	for (size_t i = 0; i < h->count; i++) {
		const struct held_key *k = &h->items[i];
		const struct key *row = row_of(k);

		if (row != NULL)
			cfg_changes_hold(io, after, k->listener, row, k->holds);
	}
}

void
held_keys_fini(struct held_keys *h)
{
	for (size_t i = 0; i < h->count; i++)
		free_key(&h->items[i]);
	free(h->items);
	*h = (struct held_keys){ 0 };
}
