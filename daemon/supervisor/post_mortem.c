/* Every text is cut at its size before it is looked at, and the log escapes it: a worker that was taken over
 * may have written anything. */
#include "supervisor/post_mortem.h"

#include <errno.h>
#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "base/fdutil.h"
#include "base/log.h"
#include "control/watch.h"

/* What was last seen of a loop, or of a thread of the pool. */
struct seen {
	uint64_t turns;
	int64_t since_ms;
	struct excuse excuse;
	bool told;
};

struct post_mortem {
	struct watch_memory *memory; /* owned: mapped */
	int fd;                      /* owned */
	unsigned loops;
	bool told;
	struct seen seen[];
};

static int
map(int fd, unsigned loops, struct post_mortem **ret, struct err *e)
{
	struct post_mortem *p = calloc(1, sizeof *p + watch_cells(loops) * sizeof p->seen[0]);
	void *memory = p != NULL ? fd_map_shared(fd, watch_size(loops), false) : NULL;

	if (memory == NULL) {
		close(fd);
		free(p);
		return err_set(e, -EBADMSG, "the memory of a watchdog cannot be mapped");
	}
	p->memory = memory;
	p->fd = fd;
	p->loops = loops;
	*ret = p;
	return 0;
}

int
post_mortem_new(unsigned loops, struct post_mortem **ret, struct err *e)
{
	int fd, code = fd_shared_memory("sockd-watch", watch_size(loops), &fd);

	if (code < 0)
		return err_set(e, code, "cannot make memory for the watchdog: %s", strerror(-code));
	return map(fd, loops, ret, e);
}

int
post_mortem_adopt(int fd, unsigned loops, struct post_mortem **ret, struct err *e)
{
	return map(fd, loops, ret, e);
}

void
post_mortem_free(struct post_mortem *p)
{
	if (p == NULL)
		return;
	munmap(p->memory, watch_size(p->loops));
	close(p->fd);
	free(p);
}

int
post_mortem_fd(const struct post_mortem *p)
{
	return p->fd;
}

/* Copies, so that what is checked is what is used. */
static struct watch_name
name_at(const struct post_mortem *p, uint32_t i)
{
	struct watch_name n = { .listener = "?", .plugin = "?" };

	if (i < WATCH_NAMES) {
		memcpy(&n, &p->memory->names[i], sizeof n);
		n.listener[sizeof n.listener - 1] = '\0';
		n.plugin[sizeof n.plugin - 1] = '\0';
	}
	return n;
}

/* What a person would look for first; NULL: the frames say all there is. */
static const char *
crash_hint(const struct watch_crash *c)
{
	uint32_t signal = atomic_load(&c->signal);

	if ((signal & WATCH_STACK_OVERFLOW) != 0)
		return "its stack overflowed: a recursion without end, or large buffers that belong on the "
		       "heap; "
		       "stack_size in the plugin's description and daemon.fiber_stack say how large it is";
	if ((signal & WATCH_SIGNAL_MASK) == SIGABRT &&
		(strstr(c->backtrace, "pthread_mutex_lock") != NULL ||
			strstr(c->backtrace, "pthread_rwlock_") != NULL))
		return "it waits for a lock: does a fiber keep a mutex while it waits in a sockd_ call?";
	return NULL;
}

static void
log_crash(const struct post_mortem *p, unsigned generation)
{
	static struct watch_crash c; /* 8 KiB; one at a time */
	char address[2 + 16 + 1];
	struct watch_name n;

	memcpy(&c, &p->memory->crash, sizeof c);
	c.backtrace[sizeof c.backtrace - 1] = '\0';
	n = name_at(p, c.name - 1);
	snprintf(address, sizeof address, "0x%" PRIx64, c.address);
	log_error("worker_crashed", LOG_U("generation", generation),
		LOG_S("signal", strsignal((int)(atomic_load(&c.signal) & WATCH_SIGNAL_MASK))),
		LOG_S("plugin", c.name != 0 ? n.plugin : NULL),
		LOG_S("listener", c.name != 0 ? n.listener : NULL),
		LOG_S("entry", c.name != 0 ? watch_entry_name(c.entry) : NULL), LOG_U("conn", c.conn),
		LOG_S("fault_address",
			(atomic_load(&c.signal) & WATCH_SIGNAL_MASK) != SIGABRT ? address : NULL),
		LOG_S("msg", crash_hint(&c)));
	for (char *line = c.backtrace, *next; *line != '\0' && line - c.backtrace < WATCH_TEXT_SIZE;
		line = next) {
		size_t size = strcspn(line, "\n");

		next = line + size + (line[size] == '\n');
		log_error(
			"worker_backtrace", LOG_U("generation", generation), LOG_BYTES("frame", line, size));
	}
}

void
post_mortem_log(const struct post_mortem *p, unsigned generation)
{
	if (atomic_load(&p->memory->crash.signal) != 0) {
		log_crash(p, generation);
		return;
	}
	for (unsigned i = 0; i < watch_cells(p->loops); i++) {
		const struct watch_cell *cell = &p->memory->cells[i];
		struct watch_name n = name_at(p, atomic_load(&cell->name));

		if ((atomic_load(&cell->turns) & 1) != 0)
			log_error("worker_was_in", LOG_U("generation", generation), LOG_S("plugin", n.plugin),
				LOG_S("listener", n.listener),
				LOG_S("entry", watch_entry_name(atomic_load(&cell->entry))),
				LOG_U("conn", atomic_load(&cell->conn)));
	}
}

/* For how long the plugin's code that runs there does not come back; 0: there is none. */
static int64_t
look_at(struct post_mortem *p, unsigned i, const struct post_mortem_watch *w)
{
	const struct watch_cell *cell = &p->memory->cells[i];
	uint64_t turns = atomic_load(&cell->turns);
	struct seen *seen = &p->seen[i];
	struct thread_look look;
	bool known;

	if ((turns & 1) == 0 || turns != seen->turns)
		*seen = (struct seen){ .turns = turns, .since_ms = w->now_ms };
	if ((turns & 1) == 0)
		return 0;
	known = w->look != NULL && w->look(w->worker, atomic_load(&cell->tid), &look) == 0;
	excuse_look(&seen->excuse, known ? &look : NULL, w->now_ms);
	return w->now_ms - seen->since_ms;
}

/* What blocks is what the pool is for: nobody is ended for it, but whoever looks for the reason why the
 * others wait finds it here. */
static void
tell_of_pool(struct post_mortem *p, const struct post_mortem_watch *w)
{
	for (unsigned i = p->loops + 1; i < watch_cells(p->loops); i++) {
		const struct watch_cell *cell = &p->memory->cells[i];
		struct watch_name n;

		if (look_at(p, i, w) - p->seen[i].excuse.ms < w->limit_ms || p->seen[i].told)
			continue;
		p->seen[i].told = true;
		n = name_at(p, atomic_load(&cell->name));
		log_warning("offload_stuck", LOG_U("generation", w->generation), LOG_S("plugin", n.plugin),
			LOG_S("listener", n.listener), LOG_U("conn", atomic_load(&cell->conn)),
			LOG_I("ms", w->now_ms - p->seen[i].since_ms),
			LOG_S("msg",
				"a function that this plugin gave to the pool does not come back: it keeps "
				"a thread from others, and a drain waits for it"));
	}
}

/* Nobody is ended for it yet, and those who wait would like to know why. */
static void
tell_of_disk(struct post_mortem *p, unsigned i, const struct post_mortem_watch *w, int64_t ms)
{
	const struct watch_cell *cell = &p->memory->cells[i];
	struct watch_name n;

	if (p->seen[i].told || p->seen[i].excuse.kept_ms < w->limit_ms)
		return;
	p->seen[i].told = true;
	n = name_at(p, atomic_load(&cell->name));
	log_warning("loop_waits", LOG_U("generation", w->generation), LOG_U("loop", i),
		LOG_S("plugin", n.plugin), LOG_S("listener", n.listener),
		LOG_S("entry", watch_entry_name(atomic_load(&cell->entry))),
		LOG_U("conn", atomic_load(&cell->conn)), LOG_I("ms", ms),
		LOG_S("msg",
			"the kernel does not come back from a call of this plugin, as when a disk does not "
			"answer; its event loop stands still, and after two minutes its worker is ended"));
}

bool
post_mortem_is_stuck(struct post_mortem *p, const struct post_mortem_watch *w, pid_t *ret_tid)
{
	tell_of_pool(p, w);
	for (unsigned i = 0; i < p->loops && !p->told; i++) {
		const struct watch_cell *cell = &p->memory->cells[i];
		int64_t ms = look_at(p, i, w);
		struct watch_name n;

		if (ms - excuse_ms(&p->seen[i].excuse) < w->limit_ms) {
			tell_of_disk(p, i, w, ms);
			continue;
		}
		p->told = true;
		n = name_at(p, atomic_load(&cell->name));
		log_error("loop_stuck", LOG_U("generation", w->generation), LOG_U("loop", i),
			LOG_S("plugin", n.plugin), LOG_S("listener", n.listener),
			LOG_S("entry", watch_entry_name(atomic_load(&cell->entry))),
			LOG_U("conn", atomic_load(&cell->conn)), LOG_I("ms", ms),
			LOG_S("msg", "this plugin keeps an event loop from turning; its worker is ended"));
		*ret_tid = atomic_load(&cell->tid);
		return true;
	}
	return false;
}

bool
post_mortem_main_runs(const struct post_mortem *p, struct watch_name *ret_name, uint32_t *ret_entry)
{
	const struct watch_cell *cell = &p->memory->cells[p->loops];

	if ((atomic_load(&cell->turns) & 1) == 0)
		return false;
	*ret_name = name_at(p, atomic_load(&cell->name));
	*ret_entry = atomic_load(&cell->entry);
	return true;
}
