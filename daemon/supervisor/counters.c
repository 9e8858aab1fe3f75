/* The memory of a generation has room for many more rows than there are listeners; what nobody counts in is
 * never touched and costs nothing. A row of a listener that is long gone is given away when there is no
 * other: its sums then begin at zero again, by starting from minus what stands in the memory of living
 * workers. */
#include "supervisor/counters.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "base/fdutil.h"
#include "control/snapshot.h"
#include "supervisor/state.h"

struct row {
	char *name;                   /* owned */
	bool wanted;                  /* by the snapshot that is being looked at */
	uint64_t ended[METRIC_COUNT]; /* by generations that are gone; modulo 2^64 */
	uint64_t told[METRIC_COUNT];  /* the largest that was ever told */
};

struct counters {
	struct row *rows; /* owned */
	size_t count, capacity;
	struct counters_block *blocks; /* owned, with the list */
};

struct counters *
counters_new(void)
{
	struct counters *c = mem_new(*c);

	return c;
}

/* ---- the memory of generations ---- */

static void
block_free(struct counters_block *b)
{
	munmap(b->cells.cells, metric_block_size(b->cells.loops, b->cells.listeners));
	close(b->fd);
	free(b);
}

void
counters_free(struct counters *c)
{
	if (c == NULL)
		return;
	while (c->blocks != NULL) {
		struct counters_block *b = c->blocks;

		c->blocks = b->next;
		block_free(b);
	}
	for (size_t i = 0; i < c->count; i++)
		free(c->rows[i].name);
	free(c->rows);
	free(c);
}

/* @param fd  moves, on failure too */
static int
block_add(struct counters *c, int fd, unsigned loops, struct counters_block **ret, struct err *e)
{
	struct counters_block *b = mem_new(*b);
	void *memory = b != NULL ? fd_map_shared(fd, metric_block_size(loops, COUNTERS_ROWS), true) : NULL;

	if (memory == NULL) {
		close(fd);
		free(b);
		return err_set(e, -EBADMSG, "the memory of a generation's counters cannot be mapped");
	}
	b->fd = fd;
	metric_block_init(&b->cells, memory, loops, COUNTERS_ROWS);
	b->next = c->blocks;
	c->blocks = b;
	*ret = b;
	return 0;
}

int
counters_block_new(struct counters *c, unsigned loops, struct counters_block **ret, struct err *e)
{
	int fd, code = fd_shared_memory("sockd-counters", metric_block_size(loops, COUNTERS_ROWS), &fd);

	if (code < 0)
		return err_set(e, code, "cannot make memory for counters: %s", strerror(-code));
	return block_add(c, fd, loops, ret, e);
}

int
counters_block_adopt(struct counters *c, int fd, unsigned loops, struct counters_block **ret, struct err *e)
{
	return block_add(c, fd, loops, ret, e);
}

static bool
is_gauge(int id)
{
	return metric_info((enum metric_id)id)->kind == METRIC_GAUGE;
}

void
counters_fold(struct counters *c, struct counters_block *block)
{
	struct counters_block **link = &c->blocks;

	for (size_t i = 0; i < c->count; i++)
		for (int id = 0; id < METRIC_COUNT; id++)
			if (!is_gauge(id))
				c->rows[i].ended[id] += metric_sum(&block->cells, (int)i, (enum metric_id)id);
	while (*link != block)
		link = &(*link)->next;
	*link = block->next;
	block_free(block);
}

unsigned
counters_rows(const struct counters *c)
{
	return (unsigned)c->count;
}

/* ---- sums ---- */

static uint64_t
living(const struct counters *c, size_t row, enum metric_id id)
{
	uint64_t sum = 0;

	for (const struct counters_block *b = c->blocks; b != NULL; b = b->next)
		sum += metric_sum(&b->cells, (int)row, id);
	return sum;
}

uint64_t
counters_sum(struct counters *c, unsigned row, enum metric_id id)
{
	struct row *r = &c->rows[row];
	uint64_t sum = r->ended[id] + living(c, row, id);

	if (is_gauge((int)id))
		return sum;
	if (sum > r->told[id])
		r->told[id] = sum;
	return r->told[id];
}

uint64_t
counters_block_sum(const struct counters *c, const struct counters_block *block, enum metric_id id)
{
	uint64_t sum = 0;

	for (size_t i = 0; i < c->count; i++)
		sum += metric_sum(&block->cells, (int)i, id);
	return sum;
}

/* ---- rows ---- */

static int
row_of(const struct counters *c, const char *name)
{
	for (size_t i = 0; i < c->count; i++)
		if (strcmp(c->rows[i].name, name) == 0)
			return (int)i;
	return -1;
}

/* A row that nobody has or, when there is none, one whose listener is gone with all its connections. */
static struct row *
free_row(struct counters *c)
{
	if (c->count < COUNTERS_ROWS) {
		if (c->count == c->capacity) {
			size_t capacity = c->capacity != 0 ? 2 * c->capacity : 16;
			struct row *grown = reallocarray(c->rows, capacity, sizeof *grown);

			if (grown == NULL)
				return NULL;
			c->rows = grown;
			c->capacity = capacity;
		}
		c->rows[c->count] = (struct row){ 0 };
		return &c->rows[c->count++];
	}
	for (size_t i = 0; i < c->count; i++)
		if (!c->rows[i].wanted && living(c, i, METRIC_CONNECTIONS_OPEN) == 0)
			return &c->rows[i];
	return NULL;
}

static int
add_row(struct counters *c, const char *name, struct err *e)
{
	char *copy = strdup(name);
	struct row *r = copy != NULL ? free_row(c) : NULL;

	if (r == NULL) {
		free(copy);
		if (c->count < COUNTERS_ROWS)
			return err_set(e, -ENOMEM, "out of memory");
		return err_set(
			e, -ENOSPC, "more than %d listeners, with those that still drain", COUNTERS_ROWS);
	}
	free(r->name);
	*r = (struct row){ .name = copy };
	for (int id = 0; id < METRIC_COUNT; id++)
		if (!is_gauge(id))
			r->ended[id] = 0 - living(c, (size_t)(r - c->rows), (enum metric_id)id);
	return (int)(r - c->rows);
}

int
counters_assign(struct counters *c, struct snapshot *s, struct err *e)
{
	const struct config *config = s->config;
	unsigned *rows = calloc(config->listener_count + 1, sizeof *rows);

	if (rows == NULL)
		return err_set(e, -ENOMEM, "out of memory");
	for (size_t i = 0; i < c->count; i++)
		c->rows[i].wanted = false;
	for (size_t i = 0; i < config->listener_count; i++) {
		int row = row_of(c, config->listeners[i].name);

		if (row >= 0)
			c->rows[row].wanted = true;
	}
	for (size_t i = 0; i < config->listener_count; i++) {
		int row = row_of(c, config->listeners[i].name);

		if (row < 0)
			row = add_row(c, config->listeners[i].name, e);
		if (row < 0) {
			free(rows);
			return row;
		}
		c->rows[row].wanted = true;
		rows[i] = (unsigned)row;
	}
	free(s->metric_rows);
	s->metric_rows = rows;
	s->metric_row_count = COUNTERS_ROWS;
	return 0;
}

void
counters_expose(struct counters *c, const struct snapshot *s, struct strbuf *out)
{
	size_t count = s->config->listener_count;
	struct metric_block *sums = metric_block_new(1, (unsigned)count);
	const char **names = calloc(count + 1, sizeof(*names));

	for (size_t i = 0; sums != NULL && names != NULL && i < count; i++) {
		struct metric_cells *cells = metric_cells(sums, 0, (unsigned)i);

		names[i] = s->config->listeners[i].name;
		for (int id = 0; id < METRIC_COUNT; id++)
			metric_set(cells, (enum metric_id)id,
				counters_sum(c, s->metric_rows[i], (enum metric_id)id));
	}
	if (sums != NULL && names != NULL)
		metric_expose(out, sums, names);
	else
		out->failed = true;
	metric_block_free(sums);
	free(names);
}

/* ---- from one supervisor to the next ---- */

void
counters_pack(struct state_writer *w, const struct counters *c)
{
	pack_u32(&w->body, (uint32_t)c->count);
	pack_u32(&w->body, METRIC_COUNT);
	for (size_t i = 0; i < c->count; i++) {
		pack_text(&w->body, c->rows[i].name);
		for (int id = 0; id < METRIC_COUNT; id++) {
			pack_u64(&w->body, c->rows[i].ended[id]);
			pack_u64(&w->body, c->rows[i].told[id]);
		}
	}
}

static int
unpack_row(struct state_reader *r, struct counters *c, uint32_t metrics)
{
	const char *name = unpack_word(&r->u);
	struct row *row = r->u.failed || c->count >= COUNTERS_ROWS ? NULL : free_row(c);

	if (row == NULL)
		return -EBADMSG;
	row->name = strdup(name);
	if (row->name == NULL) {
		c->count--;
		return -ENOMEM;
	}
	for (uint32_t id = 0; id < metrics; id++) {
		uint64_t ended = unpack_u64(&r->u), told = unpack_u64(&r->u);

		if (id >= METRIC_COUNT)
			continue; /* a later version counts more than we know of */
		row->ended[id] = ended;
		row->told[id] = told;
	}
	return r->u.failed ? -EBADMSG : 0;
}

int
counters_unpack(struct state_reader *r, struct counters *c)
{
	uint32_t count = unpack_u32(&r->u), metrics = unpack_u32(&r->u);
	int code = r->u.failed || metrics > METRIC_CAPACITY || c->count > 0 ? -EBADMSG : 0;

	for (uint32_t i = 0; i < count && code == 0; i++)
		code = unpack_row(r, c, metrics);
	return code;
}
