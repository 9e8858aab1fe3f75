/* The table of metrics as data, sums over the cells, and the Prometheus text format. Who counts and who
 * serves the text is decided elsewhere. */
#include "metric/metric.h"

#include <inttypes.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#define METRIC_INFO_(id, kind_, family_, label_, unit_, help_)                                           \
	[METRIC_##id] = {                                                                                \
		.family = family_, .label = label_, .unit = unit_, .help = help_, .kind = METRIC_##kind_ \
	},
static const struct metric_info metric_table[METRIC_COUNT] = { METRIC_ROWS(METRIC_INFO_) };
#undef METRIC_INFO_

_Static_assert(
	METRIC_CLOSED_TLS_TRUNCATED - METRIC_CLOSED_EOF == 15, "one row for each of the 16 close reasons");
_Static_assert(
	ATOMIC_LLONG_LOCK_FREE == 2, "cells are shared between processes, where a hidden lock cannot work");
_Static_assert((int)METRIC_COUNT <= (int)METRIC_CAPACITY, "the cells have room for every metric");
_Static_assert(sizeof(struct metric_cells) % 64 == 0, "rows are whole cache lines");

size_t
metric_block_size(unsigned loops, unsigned listeners)
{
	size_t rows, size;

	if (__builtin_mul_overflow((size_t)loops, (size_t)listeners, &rows) ||
		__builtin_mul_overflow(rows, sizeof(struct metric_cells), &size))
		return 0;
	return size;
}

void
metric_block_init(struct metric_block *b, void *memory, unsigned loops, unsigned listeners)
{
	*b = (struct metric_block){ .cells = memory, .loops = loops, .listeners = listeners };
}

struct metric_block *
metric_block_new(unsigned loops, unsigned listeners)
{
	size_t size = metric_block_size(loops, listeners);
	struct metric_block *b = mem_new(*b);
	void *memory = NULL;

	if (b == NULL || (size == 0 && loops != 0 && listeners != 0))
		goto fail;
	/* No rows is fine (a file without listeners): one row is made and never reached. */
	memory = aligned_alloc(_Alignof(struct metric_cells), size != 0 ? size : sizeof(struct metric_cells));
	if (memory == NULL)
		goto fail;
	memset(memory, 0, size != 0 ? size : sizeof(struct metric_cells));
	metric_block_init(b, memory, loops, listeners);
	return b;
fail:
	free(b);
	return NULL;
}

void
metric_block_free(struct metric_block *b)
{
	if (b == NULL)
		return;
	free(b->cells);
	free(b);
}

uint64_t
metric_sum(const struct metric_block *b, int listener, enum metric_id id)
{
	unsigned first = listener == METRIC_ALL ? 0 : (unsigned)listener;
	unsigned end = listener == METRIC_ALL ? b->listeners : (unsigned)listener + 1;
	uint64_t sum = 0;

	for (unsigned loop = 0; loop < b->loops; loop++)
		for (unsigned i = first; i < end; i++)
			sum += metric_get(metric_cells(b, loop, i), id);
	if (metric_table[id].kind == METRIC_GAUGE && (int64_t)sum < 0)
		return 0;
	return sum;
}

const struct metric_info *
metric_info(enum metric_id id)
{
	return &metric_table[id];
}

/* The format knows three escapes in a label value; everything else stands as it is, and has to be UTF-8. */
void
metric_label_value(struct strbuf *s, const char *value)
{
	const unsigned char *b = (const unsigned char *)value;
	size_t size = strlen(value);

	for (size_t i = 0; i < size;) {
		size_t n = utf8_sequence(b + i, size - i);

		if (n == 0) {
			strbuf_add(s, "\xef\xbf\xbd"); /* U+FFFD */
			n = 1;
		} else if (b[i] == '"' || b[i] == '\\') {
			strbuf_add_char(s, '\\');
			strbuf_add_char(s, (char)b[i]);
		} else if (b[i] == '\n') {
			strbuf_add(s, "\\n");
		} else {
			strbuf_add_bytes(s, b + i, n);
		}
		i += n;
	}
}

static const char *
suffix(const struct metric_info *info)
{
	return info->kind == METRIC_COUNTER ? "_total" : "";
}

static void
add_head(struct strbuf *s, const struct metric_info *info)
{
	strbuf_printf(s, "# HELP sockd_%s%s %s.\n", info->family, suffix(info), info->help);
	strbuf_printf(s, "# TYPE sockd_%s%s %s\n", info->family, suffix(info),
		info->kind == METRIC_COUNTER ? "counter" : "gauge");
}

void
metric_expose(struct strbuf *s, const struct metric_block *b, const char *const *names)
{
	for (int id = 0; id < METRIC_COUNT; id++) {
		const struct metric_info *info = &metric_table[id];

		if (id == 0 || strcmp(info->family, metric_table[id - 1].family) != 0)
			add_head(s, info);
		for (unsigned i = 0; i < b->listeners; i++) {
			if (names[i] == NULL)
				continue;
			strbuf_printf(s, "sockd_%s%s{listener=\"", info->family, suffix(info));
			metric_label_value(s, names[i]);
			strbuf_printf(s, "\"%s%s} %" PRIu64 "\n", info->label != NULL ? "," : "",
				info->label != NULL ? info->label : "",
				metric_sum(b, (int)i, (enum metric_id)id));
		}
	}
}
