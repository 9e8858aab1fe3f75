/* Comparing walks the rows, so a new key is compared as soon as it has its row, and a new type of value does
 * not compile before it is told here how to compare it. */
#include "config/diff.h"

#include <stdlib.h>
#include <string.h>

#include "base/strbuf.h"
#include "config/quote.h"
#include "config/store.h"

static bool
text_is_same(const char *a, const char *b)
{
	return a == b || (a != NULL && b != NULL && strcmp(a, b) == 0);
}

static bool
node_is_same(const struct cfg_node *a, const struct cfg_node *b)
{
	if (a == NULL || b == NULL)
		return a == b;
	if (a->kind != b->kind || a->count != b->count)
		return false;
	if (a->kind == CFG_SCALAR)
		return text_is_same(a->text, b->text);
	for (size_t i = 0; i < a->count; i++) {
		const struct cfg_node *x = a->kind == CFG_MAP ? a->pairs[i].value : a->items[i];
		const struct cfg_node *y =
			a->kind == CFG_MAP ? cfg_node_get(b, a->pairs[i].key) : b->items[i];

		if (y == NULL || !node_is_same(x, y))
			return false;
	}
	return true;
}

/* A list and, right behind it, how many items it has. */
struct list {
	const void *items;
	size_t count;
};

static struct list
list_at(const void *field)
{
	struct list l;

	memcpy(&l.items, field, sizeof l.items);
	memcpy(&l.count, (const char *)field + sizeof l.items, sizeof l.count);
	return l;
}

static bool
paths_are_same(const void *a, const void *b)
{
	struct list x = list_at(a), y = list_at(b);
	const char *const *p = x.items, *const *q = y.items;
	bool same = x.count == y.count;

	for (size_t i = 0; same && i < x.count; i++)
		same = text_is_same(p[i], q[i]);
	return same;
}

/* By what they mean: a list file may have been written anew and hold the same. */
static bool
networks_are_same(const struct cfg_networks *a, const struct cfg_networks *b)
{
	bool same = a->count == b->count && a->unix_peers == b->unix_peers &&
		    (a->written == NULL) == (b->written == NULL);

	for (size_t i = 0; same && i < a->count; i++)
		same = network_equal(&a->at[i].net, &b->at[i].net);
	return same;
}

static bool
accounts_are_same(const struct cfg_accounts *a, const struct cfg_accounts *b)
{
	bool same = a->count == b->count && (a->written == NULL) == (b->written == NULL);

	for (size_t i = 0; same && i < a->count; i++)
		same = a->at[i].id == b->at[i].id;
	return same;
}

static bool
addresses_are_same(const void *a, const void *b)
{
	struct list x = list_at(a), y = list_at(b);
	const struct cfg_address *p = x.items, *q = y.items;
	bool same = x.count == y.count;

	for (size_t i = 0; same && i < x.count; i++)
		same = text_is_same(p[i].url, q[i].url);
	return same;
}

static bool
table_is_same(const struct key_table *table, const void *a, const void *b)
{
	for (size_t i = 0; i < table->count; i++)
		if (!cfg_value_is_same(&table->keys[i], a, b))
			return false;
	return true;
}

static bool
observers_are_same(const void *a, const void *b)
{
	struct list x = list_at(a), y = list_at(b);
	const struct cfg_observer *p = x.items, *q = y.items;
	bool same = x.count == y.count;

	for (size_t i = 0; same && i < x.count; i++)
		same = table_is_same(&key_table_observer, &p[i], &q[i]);
	return same;
}

static bool
certificates_are_same(const void *a, const void *b)
{
	struct list x = list_at(a), y = list_at(b);
	const struct cfg_certificate *p = x.items, *q = y.items;
	bool same = x.count == y.count;

	for (size_t i = 0; same && i < x.count; i++)
		same = table_is_same(&key_table_certificate, &p[i], &q[i]);
	return same;
}

bool
cfg_tls_is_same(const struct cfg_tls *a, const struct cfg_tls *b)
{
	return table_is_same(&key_table_tls, a, b);
}

/* The settings, however they are named; what the files hold is another question. */
static bool
tls_use_is_same(const struct cfg_tls_use *a, const struct cfg_tls_use *b)
{
	if (a->tls == NULL || b->tls == NULL)
		return a->tls == b->tls;
	return a->by_handler == b->by_handler && cfg_tls_is_same(a->tls, b->tls);
}

bool
cfg_value_is_same(const struct key *key, const void *a, const void *b)
{
	const void *x = (const char *)a + key->offset, *y = (const char *)b + key->offset;

	if (key->size == 0)
		return true; /* a map has no value of its own */
	switch (key->type) {
	case KEY_BOOL:
	case KEY_INTEGER:
	case KEY_SIZE:
	case KEY_DURATION:
	case KEY_MODE:
	case KEY_WORD:
	case KEY_RATE:
	case KEY_BANDWIDTH:
		return memcmp(x, y, key->size) == 0;
	case KEY_TEXT:
	case KEY_TARGET:
	case KEY_SOCKET:
	case KEY_PLUGIN:
	case KEY_PATH:
		return text_is_same(*(const char *const *)x, *(const char *const *)y);
	case KEY_TEXTS:
	case KEY_PATHS:
		return paths_are_same(x, y);
	case KEY_CERTIFICATES:
		return certificates_are_same(x, y);
	case KEY_TLS:
		return tls_use_is_same(x, y);
	case KEY_NETWORKS:
		return networks_are_same(x, y);
	case KEY_USERS:
	case KEY_GROUPS:
		return accounts_are_same(x, y);
	case KEY_ADDRESSES:
		return addresses_are_same(x, y);
	case KEY_SECRET:
	case KEY_SETTINGS:
		return node_is_same(*(const struct cfg_node *const *)x, *(const struct cfg_node *const *)y);
	case KEY_OBSERVERS:
		return observers_are_same(x, y);
	case KEY_MAP:
	case KEY_NAMED:
	case KEY_FILES:
	case KEY_VERSION:
	case KEY_TYPE_COUNT:
		break; /* read by the loader, and into no field */
	}
	return true;
}

bool
cfg_listener_is_same(const struct cfg_listener *a, const struct cfg_listener *b)
{
	return table_is_same(&key_table_listener, a, b);
}

/* ---- changes as text ---- */

static void
add_item(struct strbuf *out, size_t i, const char *text)
{
	strbuf_add(out, i > 0 ? ", " : "");
	strbuf_add(out, text);
}

static void
add_list(struct strbuf *out, const struct key *key, const void *field)
{
	struct list l = list_at(field);

	for (size_t i = 0; i < l.count; i++) {
		if (key->type == KEY_ADDRESSES)
			add_item(out, i, ((const struct cfg_address *)l.items)[i].url);
		else if (key->type == KEY_OBSERVERS)
			add_item(out, i, ((const struct cfg_observer *)l.items)[i].plugin);
		else
			add_item(out, i, ((const char *const *)l.items)[i]);
	}
}

static void
add_settings(struct strbuf *out, const struct cfg_node *settings, const char *plugin)
{
	if (settings != NULL)
		quote_settings(out, QUOTE_YAML, settings, plugin, NULL);
	else
		strbuf_add(out, "{}");
}

static bool
add_tls(struct strbuf *out, const struct cfg_tls_use *use)
{
	if (use->tls == NULL)
		return false;
	strbuf_add(out, use->tls->named ? use->tls->name : "settings of its own");
	strbuf_add(out, use->by_handler ? ", begun by the handler" : "");
	return true;
}

/* The value of a key on one line; NULL: it has none, or there was no memory, which is noted. */
static char *
value_text(const struct key *key, const void *target, const char *plugin, struct cfg_changes *io)
{
	const void *field = (const char *)target + key->offset;
	struct strbuf text = { 0 };
	bool there = true, bare;

	if (key->type == KEY_ADDRESSES || key->type == KEY_OBSERVERS || key->type == KEY_PATHS)
		add_list(&text, key, field);
	else if (key->type == KEY_TLS)
		there = add_tls(&text, field);
	else if (key->type == KEY_SETTINGS)
		add_settings(&text, *(const struct cfg_node *const *)field, plugin);
	else
		there = store_format(key, field, &text, &bare);
	if (text.failed)
		io->failed = true;
	if (!there || text.failed) {
		strbuf_fini(&text);
		return NULL;
	}
	strbuf_add(&text, ""); /* an empty value is a text too */
	return strbuf_take(&text);
}

static struct cfg_change *
next_change(struct cfg_changes *c)
{
	size_t capacity = c->capacity > 0 ? c->capacity * 2 : 16;
	struct cfg_change *items;

	if (c->count < c->capacity)
		return &c->items[c->count++];
	items = reallocarray(c->items, capacity, sizeof *items);
	if (items == NULL) {
		c->failed = true;
		return NULL;
	}
	c->items = items;
	c->capacity = capacity;
	return &c->items[c->count++];
}

/* @p listener NULL: the daemon's */
static void
diff_tables(const struct key_table *table, const void *before, const void *after, const char *listener,
	const char *plugin_before, const char *plugin_after, struct cfg_changes *io)
{
	for (size_t i = 0; i < table->count; i++) {
		const struct key *key = &table->keys[i];
		struct cfg_change *c;

		if (cfg_value_is_same(key, before, after))
			continue;
		c = next_change(io);
		if (c != NULL)
			*c = (struct cfg_change){ .listener = listener,
				.key = key,
				.before = value_text(key, before, plugin_before, io),
				.after = value_text(key, after, plugin_after, io) };
	}
}

void
cfg_diff_daemon(const struct cfg_daemon *before, const struct cfg_daemon *after, struct cfg_changes *io)
{
	diff_tables(&key_table_daemon, before, after, NULL, NULL, NULL, io);
}

void
cfg_diff_listener(const struct cfg_listener *before, const struct cfg_listener *after, struct cfg_changes *io)
{
	diff_tables(&key_table_listener, before, after, after->name, before->plugin, after->plugin, io);
}

static void
take_out(struct cfg_changes *c, struct cfg_change *change)
{
	free(change->before);
	free(change->after);
	memmove(change, change + 1, (size_t)(&c->items[c->count] - (change + 1)) * sizeof *change);
	c->count--;
}

static struct cfg_change *
find_change(struct cfg_changes *c, const char *listener, const struct key *key)
{
	for (size_t i = 0; i < c->count; i++)
		if (c->items[i].key == key && text_is_same(c->items[i].listener, listener))
			return &c->items[i];
	return NULL;
}

/* @p listener, @p target: of the later configuration */
static void
hold(struct cfg_changes *io, const char *listener, const char *plugin, const void *target,
	const struct key *key, const char *holds)
{
	struct cfg_change *change = find_change(io, listener, key);
	char *after = value_text(key, target, plugin, io), *before = holds != NULL ? strdup(holds) : NULL;

	io->failed |= holds != NULL && before == NULL;
	if (change != NULL)
		take_out(io, change);
	change = text_is_same(before, after) || io->failed ? NULL : next_change(io);
	if (change == NULL) {
		free(before);
		free(after);
		return;
	}
	*change = (struct cfg_change){ .listener = listener, .key = key, .before = before, .after = after };
}

void
cfg_changes_hold(struct cfg_changes *io, const struct config *after, const char *listener,
	const struct key *key, const char *holds)
{
	if (listener == NULL)
		hold(io, NULL, NULL, &after->daemon, key, holds);
	for (size_t i = 0; listener != NULL && i < after->listener_count; i++) {
		const struct cfg_listener *l = &after->listeners[i];

		if (strcmp(l->name, listener) == 0)
			hold(io, l->name, l->plugin, l, key, holds);
	}
}

void
cfg_changes_fini(struct cfg_changes *c)
{
	for (size_t i = 0; i < c->count; i++) {
		free(c->items[i].before);
		free(c->items[i].after);
	}
	free(c->items);
	*c = (struct cfg_changes){ 0 };
}
