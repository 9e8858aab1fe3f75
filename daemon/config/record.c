/* One list of questions, each with its kind, its words and its answer, searched from the front: a
 * configuration asks some hundred times at most. */
#include "config/record.h"

#include <errno.h>
#include <inttypes.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>

#include "base/pack.h"
#include "base/parse.h"
#include "config/load_tls.h"
#include "config/value.h"

enum question {
	QUESTION_READ = 1,
	QUESTION_EXPAND,
	QUESTION_IDENTIFY,
	QUESTION_LOOKUP,
	QUESTION_USER,
	QUESTION_GROUP,
	QUESTION_COUNT
};

enum { ENTRIES_MAX = 100000 };

/* The answer is a run of bytes: a file, a name or a value with a NUL after it, or paths with a NUL after
 * each. */
struct entry {
	enum question question;
	char *words; /* owned */
	int code;    /* 0, or a negative errno: then there is no answer */
	char *bytes; /* owned; from malloc() */
	size_t size, count;
};

struct cfg_record {
	atomic_uint references;
	const struct cfg_source *from; /* borrowed; NULL: closed */
	struct cfg_source source;
	struct entry *entries; /* owned */
	size_t count, capacity;
};

static const struct entry *
find(const struct cfg_record *r, enum question question, const char *words)
{
	for (size_t i = 0; i < r->count; i++)
		if (r->entries[i].question == question && strcmp(r->entries[i].words, words) == 0)
			return &r->entries[i];
	return NULL;
}

/* @p bytes moves, on failure too. */
static int
add(struct cfg_record *r, struct entry e, const char *words)
{
	e.words = strdup(words);
	if (e.words != NULL && r->count == r->capacity) {
		size_t capacity = r->capacity != 0 ? 2 * r->capacity : 16;
		struct entry *grown = reallocarray(r->entries, capacity, sizeof *grown);

		if (grown != NULL) {
			r->entries = grown;
			r->capacity = capacity;
		}
	}
	if (e.words == NULL || r->count == r->capacity) {
		free(e.words);
		free(e.bytes);
		return -ENOMEM;
	}
	r->entries[r->count++] = e;
	return 0;
}

/* A copy with a NUL after it. */
static char *
copy(const char *bytes, size_t size)
{
	char *c = malloc(size + 1);

	if (c == NULL)
		return NULL;
	if (size > 0)
		memcpy(c, bytes, size);
	c[size] = '\0';
	return c;
}

static int
record_read(void *arg, const char *path, size_t limit, char **ret_bytes, size_t *ret_size)
{
	struct cfg_record *r = arg;
	const struct entry *known = find(r, QUESTION_READ, path);
	char *bytes;

	if (known == NULL && r->from != NULL) {
		struct entry e = { .question = QUESTION_READ };

		e.code = r->from->read(r->from->arg, path, limit, &e.bytes, &e.size);
		if (e.code == -ENOMEM || add(r, e, path) < 0)
			return -ENOMEM;
		known = &r->entries[r->count - 1];
	}
	if (known == NULL || known->code < 0)
		return known != NULL ? known->code : -ENOENT;
	if (known->size > limit)
		return -EFBIG;
	bytes = copy(known->bytes, known->size);
	if (bytes == NULL)
		return -ENOMEM;
	*ret_bytes = bytes;
	*ret_size = known->size;
	return 0;
}

/* The paths of an answer, one by one. */
static int
split(const struct entry *e, char ***ret_paths)
{
	char **paths = calloc(e->count + 1, sizeof *paths);
	const char *at = e->bytes;

	if (paths == NULL)
		return -ENOMEM;
	for (size_t i = 0; i < e->count; i++, at += strlen(at) + 1) {
		paths[i] = strdup(at);
		if (paths[i] == NULL) {
			cfg_source_free_paths(paths, i);
			return -ENOMEM;
		}
	}
	*ret_paths = paths;
	return 0;
}

/* Ask, and join the paths. */
static int
ask_expand(struct cfg_record *r, const char *pattern)
{
	struct entry e = { .question = QUESTION_EXPAND };
	auto_of(strbuf) struct strbuf joined = { 0 };
	char **paths = NULL;

	e.code = r->from->expand(r->from->arg, pattern, &paths, &e.count);
	if (e.code == -ENOMEM)
		return -ENOMEM;
	for (size_t i = 0; e.code == 0 && i < e.count; i++)
		strbuf_add_bytes(&joined, paths[i], strlen(paths[i]) + 1);
	if (e.code == 0)
		cfg_source_free_paths(paths, e.count);
	e.size = joined.size;
	e.bytes = strbuf_take(&joined);
	return e.bytes != NULL ? add(r, e, pattern) : -ENOMEM;
}

static const struct entry nothing = { .question = QUESTION_EXPAND };

static int
record_expand(void *arg, const char *pattern, char ***ret_paths, size_t *ret_count)
{
	struct cfg_record *r = arg;
	const struct entry *known = find(r, QUESTION_EXPAND, pattern);
	int code;

	if (known == NULL && r->from != NULL) {
		if (ask_expand(r, pattern) < 0)
			return -ENOMEM;
		known = &r->entries[r->count - 1];
	}
	if (known == NULL)
		known = &nothing;
	if (known->code < 0)
		return known->code;
	code = split(known, ret_paths);
	if (code == 0)
		*ret_count = known->count;
	return code;
}

static int
record_identify(void *arg, const char *path, char **ret_name)
{
	struct cfg_record *r = arg;
	const struct entry *known = find(r, QUESTION_IDENTIFY, path);
	char *name;

	if (known == NULL && r->from != NULL) {
		struct entry e = { .question = QUESTION_IDENTIFY };

		e.code = r->from->identify(r->from->arg, path, &e.bytes);
		e.size = e.code == 0 ? strlen(e.bytes) : 0;
		if (e.code == -ENOMEM || add(r, e, path) < 0)
			return -ENOMEM;
		known = &r->entries[r->count - 1];
	}
	if (known == NULL || known->code < 0)
		return known != NULL ? known->code : -ENOENT;
	name = copy(known->bytes, known->size);
	if (name == NULL)
		return -ENOMEM;
	*ret_name = name;
	return 0;
}

static const char *
record_lookup(void *arg, const char *name)
{
	struct cfg_record *r = arg;
	const struct entry *known = find(r, QUESTION_LOOKUP, name);

	if (known == NULL && r->from != NULL) {
		const char *value = r->from->lookup(r->from->arg, name);
		struct entry e = { .question = QUESTION_LOOKUP, .code = value != NULL ? 0 : -ENOENT };

		if (value != NULL) {
			e.size = strlen(value);
			e.bytes = copy(value, e.size);
		}
		/* A value that cannot be remembered would be another one at the next load: none at all is
		 * told. */
		if ((value != NULL && e.bytes == NULL) || add(r, e, name) < 0)
			return NULL;
		known = &r->entries[r->count - 1];
	}
	return known != NULL && known->code == 0 ? known->bytes : NULL;
}

/* The answer is the number in decimal. */
static int
record_account(void *arg, const char *name, bool is_group, uint32_t *ret_id)
{
	struct cfg_record *r = arg;
	enum question question = is_group ? QUESTION_GROUP : QUESTION_USER;
	const struct entry *known = find(r, question, name);
	int64_t id;

	if (known == NULL && r->from != NULL) {
		struct entry e = { .question = question };
		char text[16];
		uint32_t number = 0;

		e.code = r->from->account(r->from->arg, name, is_group, &number);
		if (e.code == -ENOMEM)
			return -ENOMEM;
		e.size = e.code == 0 ? (size_t)snprintf(text, sizeof text, "%" PRIu32, number) : 0;
		e.bytes = copy(text, e.size);
		if (e.bytes == NULL || add(r, e, name) < 0)
			return -ENOMEM;
		known = &r->entries[r->count - 1];
	}
	if (known == NULL || known->code < 0)
		return known != NULL ? known->code : -ENOENT;
	if (parse_integer(known->bytes, &id, NULL) < 0 || id < 0 || id > UINT32_MAX)
		return -EBADMSG;
	*ret_id = (uint32_t)id;
	return 0;
}

struct cfg_record *
cfg_record_new(const struct cfg_source *from)
{
	struct cfg_record *r = mem_new(*r);

	if (r == NULL)
		return NULL;
	atomic_init(&r->references, 1);
	r->from = from != NULL ? from : &cfg_source_disk;
	r->source = (struct cfg_source){ r, record_read, record_expand, record_identify, record_lookup,
		record_account };
	return r;
}

struct cfg_record *
cfg_record_ref(struct cfg_record *r)
{
	atomic_fetch_add_explicit(&r->references, 1, memory_order_relaxed);
	return r;
}

void
cfg_record_unref(struct cfg_record *r)
{
	if (r == NULL || atomic_fetch_sub_explicit(&r->references, 1, memory_order_acq_rel) != 1)
		return;
	for (size_t i = 0; i < r->count; i++) {
		struct entry *e = &r->entries[i];

		if (e->bytes != NULL)
			explicit_bzero(e->bytes, e->size);
		free(e->bytes);
		free(e->words);
	}
	free(r->entries);
	free(r);
}

const struct cfg_source *
cfg_record_source(struct cfg_record *r)
{
	return &r->source;
}

void
cfg_record_close(struct cfg_record *r)
{
	r->from = NULL;
}

int
cfg_record_secrets(struct cfg_record *r, const struct config *c)
{
	int code = 0;

	for (size_t i = 0; i < c->listener_count && code == 0; i++)
		code = cfg_node_read_secrets(c->listeners[i].settings, &r->source);
	for (size_t i = 0; i < c->daemon.observer_count && code == 0; i++)
		code = cfg_node_read_secrets(c->daemon.observers[i].settings, &r->source);
	return code == 0 ? tls_ask_files(c, &r->source) : code;
}

void
cfg_record_pack(const struct cfg_record *r, struct strbuf *out)
{
	pack_u32(out, (uint32_t)r->count);
	for (size_t i = 0; i < r->count; i++) {
		const struct entry *e = &r->entries[i];

		pack_u32(out, (uint32_t)e->question);
		pack_text(out, e->words);
		pack_u32(out, (uint32_t)-e->code);
		pack_u32(out, (uint32_t)e->count);
		pack_bytes(out, e->bytes, e->size);
	}
}

/* An answer of several paths ends with a NUL and has as many as it says. */
static bool
is_whole(const struct entry *e)
{
	size_t ends = 0;

	if (e->question != QUESTION_EXPAND)
		return e->count == 0;
	for (size_t i = 0; i < e->size; i++)
		ends += e->bytes[i] == '\0';
	return ends == e->count && (e->size == 0 || e->bytes[e->size - 1] == '\0');
}

static int
unpack_entry(struct cfg_record *r, struct unpack *u)
{
	struct entry e = { .question = (enum question)unpack_u32(u) };
	const char *words = unpack_word(u), *bytes;
	uint32_t code = unpack_u32(u);

	e.count = unpack_u32(u);
	bytes = unpack_bytes(u, &e.size);
	if (u->failed || e.question < QUESTION_READ || e.question >= QUESTION_COUNT || code > 4095)
		return -EBADMSG;
	e.code = -(int)code;
	e.bytes = copy(bytes, e.size);
	if (e.bytes == NULL)
		return -ENOMEM;
	if (!is_whole(&e)) {
		free(e.bytes);
		return -EBADMSG;
	}
	return add(r, e, words);
}

int
cfg_record_unpack(const void *bytes, size_t size, struct cfg_record **ret)
{
	struct unpack u = UNPACK(bytes, size);
	struct cfg_record *r = cfg_record_new(NULL);
	uint32_t count;
	int code = 0;

	if (r == NULL)
		return -ENOMEM;
	cfg_record_close(r);
	count = unpack_count(&u, 16);
	if (count > ENTRIES_MAX)
		code = -EBADMSG;
	for (uint32_t i = 0; i < count && code == 0; i++)
		code = unpack_entry(r, &u);
	if (code == 0 && !unpack_is_done(&u))
		code = -EBADMSG;
	if (code < 0) {
		cfg_record_unref(r);
		return code;
	}
	*ret = r;
	return 0;
}
