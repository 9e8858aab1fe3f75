/* A listener that was resumed stays in the list, so that a worker that was started before is told. */
#include "supervisor/holds.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/log.h"

struct held_listener {
	char *name; /* owned */
	enum snapshot_hold hold;
};

static struct held_listener *
find(const struct holds *h, const char *name)
{
	for (size_t i = 0; i < h->count; i++)
		if (strcmp(h->items[i].name, name) == 0)
			return &h->items[i];
	return NULL;
}

int
holds_set(struct holds *h, const char *listener, enum snapshot_hold hold)
{
	struct held_listener *l = find(h, listener);
	char *name;

	if (l != NULL) {
		l->hold = hold;
		return 0;
	}
	if (h->count == h->capacity) {
		size_t capacity = h->capacity != 0 ? 2 * h->capacity : 8;
		struct held_listener *grown = reallocarray(h->items, capacity, sizeof *grown);

		if (grown == NULL)
			return -ENOMEM;
		h->items = grown;
		h->capacity = capacity;
	}
	name = strdup(listener);
	if (name == NULL)
		return -ENOMEM;
	h->items[h->count++] = (struct held_listener){ .name = name, .hold = hold };
	return 0;
}

static bool
has_listener(const struct config *config, const char *name)
{
	for (size_t i = 0; i < config->listener_count; i++)
		if (strcmp(config->listeners[i].name, name) == 0)
			return true;
	return false;
}

void
holds_prune(struct holds *h, const struct config *config)
{
	size_t kept = 0;

	for (size_t i = 0; i < h->count; i++) {
		if (has_listener(config, h->items[i].name))
			h->items[kept++] = h->items[i];
		else
			free(h->items[i].name);
	}
	h->count = kept;
}

void
holds_fini(struct holds *h)
{
	for (size_t i = 0; i < h->count; i++)
		free(h->items[i].name);
	free(h->items);
	*h = (struct holds){ 0 };
}

int
holds_write(const struct holds *h, struct snapshot *s)
{
	size_t count = s->config->listener_count;
	unsigned char *holds = calloc(count + 1, sizeof *holds);

	if (holds == NULL)
		return -ENOMEM;
	for (size_t i = 0; i < count; i++) {
		const struct held_listener *l = find(h, s->config->listeners[i].name);

		holds[i] = l != NULL ? (unsigned char)l->hold : SNAPSHOT_SERVES;
	}
	free(s->holds);
	s->holds = holds;
	return 0;
}

void
holds_print(const struct holds *h, struct strbuf *out)
{
	for (size_t i = 0; i < h->count; i++)
		strbuf_printf(out, "%s %d\n", h->items[i].name, (int)h->items[i].hold);
}

static void
on_given(void *arg, int code, const char *text)
{
	(void)arg;
	if (code < 0)
		log_error("order_failed", LOG_S("msg", text));
}

void
holds_give(const struct holds *h, const struct supervisor_worker_ops *ops, void *worker)
{
	static const char *const orders[SNAPSHOT_HOLD_COUNT] = { "resume", "pause", "drain" };

	for (size_t i = 0; i < h->count; i++) {
		auto_of(strbuf) struct strbuf request = { 0 };

		strbuf_printf(&request, "{\"ask\":\"%s\",\"argument\":\"", orders[h->items[i].hold]);
		strbuf_add_json(&request, h->items[i].name, strlen(h->items[i].name));
		strbuf_add(&request, "\"}");
		if (request.failed)
			on_given(NULL, -ENOMEM, "out of memory");
		else
			ops->ask(worker, request.data, on_given, NULL);
	}
}

void
holds_pack(struct state_writer *w, const struct holds *h)
{
	pack_u32(&w->body, (uint32_t)h->count);
	for (size_t i = 0; i < h->count; i++) {
		pack_text(&w->body, h->items[i].name);
		pack_u32(&w->body, (uint32_t)h->items[i].hold);
	}
}

int
holds_unpack(struct state_reader *r, struct holds *ret)
{
	uint32_t count = unpack_count(&r->u, 8);
	int code = 0;

	for (uint32_t i = 0; i < count && code == 0; i++) {
		const char *name = unpack_word(&r->u);
		uint32_t hold = unpack_u32(&r->u);

		code = r->u.failed || hold >= SNAPSHOT_HOLD_COUNT
			       ? -EBADMSG
			       : holds_set(ret, name, (enum snapshot_hold)hold);
	}
	return r->u.failed ? -EBADMSG : code;
}
