/* What was counted, over all generations. A worker counts into memory that it shares with the supervisor, a
 * row for each listener; when it has ended, its numbers are added to what earlier ones left, so that a sum
 * never falls. A listener has its row by its name, whatever place it has in the file.
 *
 * A worker may write anything into its memory. Numbers are all that is ever read from it, and each counter is
 * told as the largest value that it was told as before, at least. */
#ifndef SUPERVISOR_COUNTERS_H
#define SUPERVISOR_COUNTERS_H

#include "base/cleanup.h"
#include "base/err.h"
#include "base/strbuf.h"
#include "metric/metric.h"

struct snapshot;
struct counters;

/** The memory of a generation has room for so many listeners. */
enum { COUNTERS_ROWS = 8192 };

/** The memory of one generation. */
struct counters_block {
	int fd;                    /* owned: a memfd of fixed size */
	struct metric_block cells; /* owned: mapped */
	struct counters_block *next;
};

/** NULL: no memory. */
struct counters *counters_new(void);
void counters_free(struct counters *c); /* NULL is fine */

/** Give each listener of @p snapshot its row: the one that its name had, or a new one. @return 0; -ENOSPC
 * with text when there are too many listeners; -ENOMEM */
must_check int counters_assign(struct counters *c, struct snapshot *snapshot, struct err *e);

/** Memory for a generation with so many loops. It counts from now on in every sum. */
must_check int counters_block_new(
	struct counters *c, unsigned loops, struct counters_block **ret, struct err *e);

/** Its generation has ended: keep what it counted, free it. Nobody is open in it any more. */
void counters_fold(struct counters *c, struct counters_block *block);

/** Rows that anybody has, or had. */
unsigned counters_rows(const struct counters *c);

/** Of a row that a snapshot has, over all generations. */
uint64_t counters_sum(struct counters *c, unsigned row, enum metric_id id);

/** In one generation only, over all rows. */
uint64_t counters_block_sum(const struct counters *c, const struct counters_block *block, enum metric_id id);

struct state_reader;
struct state_writer;

/** Leave to another supervisor what was counted by generations that are gone, and take it over. @return 0;
 * -EBADMSG, -ENOMEM */
void counters_pack(struct state_writer *w, const struct counters *c);
must_check int counters_unpack(struct state_reader *r, struct counters *c);

/** Go on with the memory of a generation that another supervisor started. @param fd  moves, on failure too
 * @return 0, or a negative errno with text */
must_check int counters_block_adopt(
	struct counters *c, int fd, unsigned loops, struct counters_block **ret, struct err *e);

/** Append all counters of the snapshot's listeners in the Prometheus text format. */
void counters_expose(struct counters *c, const struct snapshot *snapshot, struct strbuf *out);

#endif
