/* Two forms: a list that one thread changes, and a table made of it that loops read. A ban may end while a
 * table still has it, and beneath it a wider one may go on: so what the table finds is looked at again by its
 * time, and then all others, which is rare and short. */
#include "guard/bans.h"

#include <errno.h>
#include <inttypes.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

#include "base/parse.h"
#include "guard/prefix_table.h"

struct bans {
	atomic_uint references;
	struct prefix_table *table; /* owned */
	size_t count;
	struct ban bans[];
};

/* ---- the list ---- */

static struct ban *
find(const struct ban_list *l, const struct network *net)
{
	for (size_t i = 0; i < l->count; i++)
		if (network_equal(&l->bans[i].net, net))
			return &l->bans[i];
	return NULL;
}

/* Add without looking for an older one. */
static int
append(struct ban_list *l, const struct network *net, int64_t until_ms)
{
	if (l->count == BANS_MAX)
		return -ENOSPC;
	if (l->count == l->capacity) {
		size_t capacity = l->capacity != 0 ? l->capacity * 2 : 16;
		struct ban *grown = reallocarray(l->bans, capacity, sizeof *grown);

		if (grown == NULL)
			return -ENOMEM;
		l->bans = grown;
		l->capacity = capacity;
	}
	l->bans[l->count++] = (struct ban){ .net = *net, .until_ms = until_ms };
	return 0;
}

int
ban_list_add(struct ban_list *l, const struct network *net, int64_t until_ms)
{
	struct ban *known = find(l, net);

	if (known == NULL)
		return append(l, net, until_ms);
	known->until_ms = until_ms;
	return 0;
}

bool
ban_list_remove(struct ban_list *l, const struct network *net)
{
	struct ban *known = find(l, net);

	if (known == NULL)
		return false;
	memmove(known, known + 1, (size_t)(l->bans + l->count - (known + 1)) * sizeof *known);
	l->count--;
	return true;
}

bool
ban_list_expire(struct ban_list *l, int64_t now_ms)
{
	size_t kept = 0, before = l->count;

	for (size_t i = 0; i < l->count; i++)
		if (l->bans[i].until_ms > now_ms)
			l->bans[kept++] = l->bans[i];
	l->count = kept;
	return kept < before;
}

void
ban_list_fini(struct ban_list *l)
{
	free(l->bans);
	*l = (struct ban_list){ 0 };
}

/* ---- as text ---- */

void
ban_list_write(const struct ban_list *l, struct strbuf *out)
{
	char text[NETWORK_TEXT_SIZE];

	for (size_t i = 0; i < l->count; i++)
		strbuf_printf(
			out, "%s %" PRId64 "\n", network_format(&l->bans[i].net, text), l->bans[i].until_ms);
}

static int
read_line(struct ban_list *l, const char *line, size_t size)
{
	const char *blank = memchr(line, ' ', size);
	struct network net;
	char number[24];
	size_t digits;
	int64_t until_ms;

	if (blank == NULL || network_parse(line, (size_t)(blank - line), &net, NULL) < 0)
		return -EBADMSG;
	digits = size - (size_t)(blank + 1 - line);
	if (digits >= sizeof number)
		return -EBADMSG;
	memcpy(number, blank + 1, digits);
	number[digits] = '\0';
	if (strlen(number) != digits || parse_integer(number, &until_ms, NULL) < 0)
		return -EBADMSG;
	return append(l, &net, until_ms);
}

int
ban_list_read(struct ban_list *l, const char *text, size_t size)
{
	struct ban_list read = { 0 };
	int code = 0;

	while (size > 0 && code == 0) {
		const char *end = memchr(text, '\n', size);

		if (end == NULL)
			code = -EBADMSG;
		else {
			code = read_line(&read, text, (size_t)(end - text));
			size -= (size_t)(end + 1 - text);
			text = end + 1;
		}
	}
	if (code < 0) {
		ban_list_fini(&read);
		return code == -ENOMEM ? code : -EBADMSG;
	}
	ban_list_fini(l);
	*l = read;
	return 0;
}

/* ---- the table ---- */

int
bans_new(const struct ban_list *l, struct bans **ret)
{
	struct bans *b = calloc(1, sizeof *b + l->count * sizeof b->bans[0]);
	auto_of(mem) struct network *networks = reallocarray(NULL, l->count + 1, sizeof *networks);

	if (b == NULL || networks == NULL) {
		free(b);
		return -ENOMEM;
	}
	atomic_init(&b->references, 1);
	b->count = l->count;
	for (size_t i = 0; i < l->count; i++) {
		b->bans[i] = l->bans[i];
		networks[i] = l->bans[i].net;
	}
	if (prefix_table_new(networks, l->count, &b->table) < 0) {
		free(b);
		return -ENOMEM;
	}
	*ret = b;
	return 0;
}

struct bans *
bans_ref(struct bans *b)
{
	atomic_fetch_add_explicit(&b->references, 1, memory_order_relaxed);
	return b;
}

void
bans_unref(struct bans *b)
{
	if (b == NULL || atomic_fetch_sub_explicit(&b->references, 1, memory_order_acq_rel) != 1)
		return;
	prefix_table_free(b->table);
	free(b);
}

const struct ban *
bans_find(const struct bans *b, const struct network *address, int64_t now_ms)
{
	int32_t found = b != NULL ? prefix_table_find(b->table, address) : PREFIX_NONE;

	if (found == PREFIX_NONE || b->bans[found].until_ms > now_ms)
		return found == PREFIX_NONE ? NULL : &b->bans[found];
	for (size_t i = 0; i < b->count; i++)
		if (b->bans[i].until_ms > now_ms && network_contains(&b->bans[i].net, address))
			return &b->bans[i];
	return NULL;
}
