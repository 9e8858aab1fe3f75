/* Packing is the hot half: it measures, then copies, and leaves every decision about looks to the reading
 * half. All text is copied, event words and keys too, since they may belong to a plugin that is gone by the
 * time of reading.
 *
 * One event is bounded, because a client chooses how long some values are. When the whole would not fit, the
 * longest values are cut to a common limit, so that one long value does not cost the short ones beside it. */
#include "base/log_record.h"

#include <stdio.h>
#include <string.h>

struct record {
	int64_t time_ns;
	uint16_t left_out;
	uint8_t level, fields, event_size;
	uint8_t reserved[3];
	unsigned char bytes[]; /* event, then for each field: struct field, key, value */
};

struct field {
	uint16_t size; /* of the value */
	uint8_t kind, key_size;
};

enum {
	MARK_SIZE = 32, /* the longest cut mark */
	VALUES_ROOM = LOG_RECORD_SIZE - (int)sizeof(struct record) - LOG_RECORD_EVENT -
		      LOG_RECORD_FIELDS * ((int)sizeof(struct field) + LOG_RECORD_KEY),
};

_Static_assert(
	VALUES_ROOM >= LOG_RECORD_FIELDS * MARK_SIZE, "even with every field in use there is room for marks");

static bool
is_left_out(const struct log_field *f)
{
	return f->key == NULL || (f->kind == LOG_TEXT && f->text == NULL);
}

static size_t
value_size(const struct log_field *f, size_t limit)
{
	if (f->kind != LOG_TEXT)
		return sizeof f->number;
	return f->size < limit ? f->size : limit;
}

/* The largest limit with which all values fit into @p room: raised from the even share while short values
 * leave some of theirs to the long ones. */
static size_t
limit_for(const struct log_field *fields, unsigned count, size_t room)
{
	size_t limit = room / count, last;

	do {
		size_t rest = room;
		unsigned longer = 0;

		last = limit;
		for (unsigned i = 0; i < count; i++) {
			if (is_left_out(&fields[i]))
				continue;
			if (fields[i].kind == LOG_TEXT && fields[i].size > limit)
				longer++;
			else
				rest -= value_size(&fields[i], limit);
		}
		if (longer > 0)
			limit = rest / longer;
	} while (limit > last);
	return limit;
}

void
log_record_measure(struct log_measure *m, const char *event, const struct log_field *fields, size_t count)
{
	size_t fixed, values = 0;
	unsigned n = count < LOG_RECORD_FIELDS ? (unsigned)count : LOG_RECORD_FIELDS;

	m->event_size = strnlen(event, LOG_RECORD_EVENT);
	m->value_limit = SIZE_MAX;
	m->fields = n;
	m->left_out = (unsigned)(count - n < UINT16_MAX ? count - n : UINT16_MAX);
	m->packed = 0;
	fixed = sizeof(struct record) + m->event_size;
	for (unsigned i = 0; i < n; i++) {
		if (is_left_out(&fields[i]))
			continue;
		m->packed++;
		m->key_size[i] = (uint8_t)strnlen(fields[i].key, LOG_RECORD_KEY);
		fixed += sizeof(struct field) + m->key_size[i];
		if (__builtin_add_overflow(values, value_size(&fields[i], SIZE_MAX), &values))
			values = SIZE_MAX;
	}
	if (unlikely(values > LOG_RECORD_SIZE - fixed)) {
		m->value_limit = limit_for(fields, n, LOG_RECORD_SIZE - fixed);
		values = LOG_RECORD_SIZE - fixed;
	}
	m->size = fixed + values;
}

/* The start of a long value and a mark that tells what is missing, @p limit bytes at most; not within a
 * character. */
static size_t
pack_cut(unsigned char *to, const struct log_field *f, size_t limit)
{
	size_t keep = limit - MARK_SIZE;
	char mark[MARK_SIZE];
	int mark_size;

	for (int back = 0; back < 3 && keep > 0 && ((unsigned char)f->text[keep] & 0xc0) == 0x80; back++)
		keep--;
	mark_size = snprintf(mark, sizeof mark, "...[%zu bytes cut]", f->size - keep);
	memcpy(to, f->text, keep);
	memcpy(to + keep, mark, (size_t)mark_size);
	return keep + (size_t)mark_size;
}

static size_t
pack_value(unsigned char *to, const struct log_field *f, size_t limit)
{
	if (f->kind != LOG_TEXT) {
		memcpy(to, &f->number, sizeof f->number);
		return sizeof f->number;
	}
	if (unlikely(f->size > limit))
		return pack_cut(to, f, limit);
	memcpy(to, f->text, f->size);
	return f->size;
}

void
log_record_pack(void *to, const struct log_measure *m, int64_t time_ns, int level, const char *event,
	const struct log_field *fields)
{
	struct record *r = to;
	unsigned char *p = r->bytes;

	r->time_ns = time_ns;
	r->left_out = (uint16_t)m->left_out;
	r->level = (uint8_t)level;
	r->fields = (uint8_t)m->packed;
	r->event_size = (uint8_t)m->event_size;
	memcpy(p, event, m->event_size);
	p += m->event_size;
	for (unsigned i = 0; i < m->fields; i++) {
		struct field head = { .kind = (uint8_t)fields[i].kind, .key_size = m->key_size[i] };
		unsigned char *start = p;

		if (is_left_out(&fields[i]))
			continue;
		p += sizeof head;
		memcpy(p, fields[i].key, head.key_size);
		p += head.key_size;
		head.size = (uint16_t)pack_value(p, &fields[i], m->value_limit);
		p += head.size;
		memcpy(start, &head, sizeof head);
	}
}

int64_t
log_record_time_ns(const void *record)
{
	return ((const struct record *)record)->time_ns;
}

/* The first letter tells most keys apart. */
static bool
is_same_key(const char *a, const char *b)
{
	return a[0] == b[0] && strcmp(a, b) == 0;
}

static bool
is_taken(const struct log_view *v, size_t before, const char *key)
{
	if (is_same_key(key, "time") || is_same_key(key, "level") || is_same_key(key, "event"))
		return true;
	for (size_t i = 0; i < before; i++)
		if (is_same_key(v->fields[i].key, key))
			return true;
	return false;
}

/* The alphabet is what all formats can carry; the journal throws away an entry with any other field name. */
static void
read_key(struct log_view *v, size_t index, const unsigned char *key, size_t size)
{
	char *to = v->fields[index].key;

	for (size_t i = 0; i < size; i++)
		to[i] = (char)((key[i] >= 'a' && key[i] <= 'z') || (key[i] >= '0' && key[i] <= '9') ? key[i]
			       : key[i] >= 'A' && key[i] <= 'Z' ? key[i] - 'A' + 'a'
								: '_');
	if (size == 0)
		to[size++] = '_';
	to[size] = '\0';
	for (int n = 2; is_taken(v, index, to); n++)
		snprintf(to + size, sizeof v->fields[index].key - size, "_%d", n);
}

void
log_view_read(struct log_view *v, const void *record)
{
	const struct record *r = record;
	const unsigned char *p = r->bytes + r->event_size;

	v->time_ns = r->time_ns;
	v->level = r->level;
	v->event = (const char *)r->bytes;
	v->event_size = r->event_size;
	v->count = r->fields;
	for (size_t i = 0; i < r->fields; i++) {
		struct log_view_field *f = &v->fields[i];
		struct field head;

		memcpy(&head, p, sizeof head);
		p += sizeof head;
		read_key(v, i, p, head.key_size);
		p += head.key_size;
		f->kind = head.kind;
		f->text = (const char *)p;
		f->size = head.size;
		if (f->kind != LOG_TEXT)
			memcpy(&f->number, p, sizeof f->number);
		p += head.size;
	}
	if (r->left_out > 0) {
		v->fields[v->count].kind = LOG_UNSIGNED;
		v->fields[v->count].number = r->left_out;
		read_key(v, v->count, (const unsigned char *)"left_out", strlen("left_out"));
		v->count++;
	}
}
