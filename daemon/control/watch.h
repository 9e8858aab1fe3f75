/* What each loop and each thread of the pool of a worker is running at this moment, and what it died of, in
 * memory that the supervisor can read when the worker has nothing to say any more. A cell is odd while a
 * plugin's code runs; the supervisor takes nothing in it for more than a number or a text of bounded length.
 */
#ifndef CONTROL_WATCH_H
#define CONTROL_WATCH_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "base/cleanup.h"
#include "base/err.h"

/** The entries of a plugin that are told apart. New ones come last: two versions may share the memory. */
enum watch_entry {
	WATCH_NONE,
	WATCH_OPEN,
	WATCH_DATA,
	WATCH_EOF,
	WATCH_WRITABLE,
	WATCH_DRAINING,
	WATCH_TIMEOUT,
	WATCH_CLOSE,
	WATCH_SERVE,
	WATCH_DATAGRAM,
	WATCH_START,
	WATCH_STOP,
	WATCH_THREAD_START,
	WATCH_THREAD_STOP,
	WATCH_CHECK,
	WATCH_TIMER,
	WATCH_POST,
	WATCH_OFFLOAD_DONE,
	WATCH_FIBER,
	WATCH_ON_CONNECTION,
	WATCH_ON_ERROR,
	WATCH_ON_SERVER,
	WATCH_REOPEN,
	WATCH_TUNE,
	WATCH_OFFLOAD,
	WATCH_ENTRY_COUNT
};
const char *watch_entry_name(uint32_t entry); /* "?" for what is none */

enum { WATCH_SIGNAL_MASK = 0x7f, WATCH_STACK_OVERFLOW = 0x100 };
enum { WATCH_POOL_THREADS = 8 };
enum { WATCH_NAMES = 1024, WATCH_NAME_SIZE = 68, WATCH_TEXT_SIZE = 8192 };

struct watch_cell {
	_Alignas(64) _Atomic uint64_t turns; /* odd: a plugin runs */
	_Atomic uint64_t conn;
	_Atomic uint32_t name, entry;
	_Atomic int32_t tid;
};

struct watch_name {
	char listener[WATCH_NAME_SIZE], plugin[WATCH_NAME_SIZE];
};

/** The last of a worker. */
struct watch_crash {
	_Atomic uint32_t signal; /* 0: it has left nothing; with WATCH_STACK_OVERFLOW */
	uint32_t name, entry;
	uint64_t conn, address;
	char backtrace[WATCH_TEXT_SIZE]; /* lines */
};

struct watch_memory {
	struct watch_crash crash;
	_Atomic uint32_t name_count;
	struct watch_name names[WATCH_NAMES];
	struct watch_cell cells[]; /* one for each loop, one for the main thread, and the pool's */
};

/** How many cells there are, with so many loops. */
static inline unsigned
watch_cells(unsigned loops)
{
	return loops + 1 + WATCH_POOL_THREADS;
}

static inline size_t
watch_size(unsigned loops)
{
	return sizeof(struct watch_memory) + (size_t)watch_cells(loops) * sizeof(struct watch_cell);
}

/* ---- the worker's side ---- */

extern _Thread_local struct watch_cell *watch_here;

/** Map @p fd, which moves, and catch what kills: from here on a crash leaves its record. Main thread, once.
 */
must_check int watch_begin(int fd, unsigned loops, struct err *e);

/** The same in a process that has no supervisor to read the record: a crash tells itself on standard error.
 * Signals that somebody else catches already, as sanitizers do, are left to them. */
must_check int watch_begin_alone(unsigned loops, struct err *e);

/** What tells that a stack overflowed, beside what is known of threads: an access to a guard, or that the
 * fiber that runs (NULL: none) has left its stack by the lower end. Both are asked in a signal handler, on
 * the thread that crashed. */
void watch_set_stacks(bool (*is_guard)(const void *address), const char *(*fiber_low)(void));

/** This thread is loop number @p loop, or thread number @p index of the pool, and gets a stack for signals;
 * and it is so no longer. */
void watch_thread_begin(unsigned loop);
void watch_pool_thread_begin(unsigned index);
void watch_thread_end(void);

/** A number for this pair, which stays. Thread: main. */
uint32_t watch_name(const char *listener, const char *plugin);

/** Which plugin's code this thread runs. @return NULL: none, or one that has no name; it lives as long as the
 * process */
const struct watch_name *watch_running(uint32_t *ret_entry, uint64_t *ret_conn);

struct watch_mark {
	uint64_t conn;
	uint32_t name, entry;
	bool inside;
};

static inline void
watch_set(struct watch_cell *cell, uint32_t name, uint32_t entry, uint64_t conn)
{
	atomic_store_explicit(&cell->name, name, memory_order_relaxed);
	atomic_store_explicit(&cell->entry, entry, memory_order_relaxed);
	atomic_store_explicit(&cell->conn, conn, memory_order_relaxed);
}

static inline void
watch_step(struct watch_cell *cell, uint64_t n)
{
	uint64_t turns = atomic_load_explicit(&cell->turns, memory_order_relaxed);

	atomic_store_explicit(&cell->turns, turns + n, memory_order_relaxed);
}

/** Before and after a plugin's code runs on this thread; they nest. */
static inline struct watch_mark
watch_enter(uint32_t name, enum watch_entry entry, uint64_t conn)
{
	struct watch_cell *cell = watch_here;
	struct watch_mark before = { .inside = false };

	if (cell == NULL)
		return before;
	before.inside = (atomic_load_explicit(&cell->turns, memory_order_relaxed) & 1) != 0;
	before.name = atomic_load_explicit(&cell->name, memory_order_relaxed);
	before.entry = atomic_load_explicit(&cell->entry, memory_order_relaxed);
	before.conn = atomic_load_explicit(&cell->conn, memory_order_relaxed);
	watch_set(cell, name, entry, conn);
	watch_step(cell, before.inside ? 2 : 1);
	return before;
}

static inline void
watch_leave(struct watch_mark before)
{
	struct watch_cell *cell = watch_here;

	if (cell == NULL)
		return;
	watch_set(cell, before.name, before.entry, before.conn);
	watch_step(cell, before.inside ? 2 : 1);
}

/** Around a wait of a fiber: others run meanwhile. */
static inline struct watch_mark
watch_pause(void)
{
	struct watch_cell *cell = watch_here;
	struct watch_mark now = { .inside = false };

	if (cell == NULL || (atomic_load_explicit(&cell->turns, memory_order_relaxed) & 1) == 0)
		return now;
	now.inside = true;
	now.name = atomic_load_explicit(&cell->name, memory_order_relaxed);
	now.entry = atomic_load_explicit(&cell->entry, memory_order_relaxed);
	now.conn = atomic_load_explicit(&cell->conn, memory_order_relaxed);
	watch_step(cell, 1);
	return now;
}

static inline void
watch_resume(struct watch_mark then)
{
	struct watch_cell *cell = watch_here;

	if (cell == NULL || !then.inside)
		return;
	watch_set(cell, then.name, then.entry, then.conn);
	watch_step(cell, 1);
}

/** The same for a call that gives an int. */
#define WATCHED_RESULT(name, entry, conn, call)                                 \
	({                                                                      \
		struct watch_mark watch_mark_ = watch_enter(name, entry, conn); \
		int watch_result_ = call;                                       \
		watch_leave(watch_mark_);                                       \
		watch_result_;                                                  \
	})

#define WATCHED(name, entry, conn, call)                                        \
	do {                                                                    \
		struct watch_mark watch_mark_ = watch_enter(name, entry, conn); \
		call;                                                           \
		watch_leave(watch_mark_);                                       \
	} while (0)

#endif
