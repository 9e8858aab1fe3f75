/* The front of the log: levels, who writes into which ring, and start and end of the log thread. The state
 * below is the process's one logger; any thread of any plugin may log, so there is nothing else for it to
 * hang from.
 *
 * Before log_start() and after log_stop() events go to standard error at once: that is when the command line
 * and the configuration are read, in one thread, with a person watching. */
#include "base/log.h"

#include <errno.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <time.h>

#include "base/fdutil.h"
#include "base/log_format.h"
#include "base/log_writer.h"

static struct {
	_Atomic int level;
	_Atomic bool running;
	struct log_rings rings;
	pthread_mutex_t shared_lock; /* for those who write to the shared ring */
	struct log_ring *shared;     /* made at the first start, and kept */
	struct log_writer writer;
} logger = {
	.level = LOG_LEVEL_INFO,
	.rings = { .lock = PTHREAD_MUTEX_INITIALIZER },
	.shared_lock = PTHREAD_MUTEX_INITIALIZER,
};

static _Thread_local struct log_ring *own_ring;

static const char *const level_names[] = {
	[LOG_LEVEL_ERROR] = "error",
	[LOG_LEVEL_WARNING] = "warning",
	[LOG_LEVEL_NOTICE] = "notice",
	[LOG_LEVEL_INFO] = "info",
	[LOG_LEVEL_DEBUG] = "debug",
};

const char *
log_level_name(int level)
{
	return level >= LOG_LEVEL_ERROR && level <= LOG_LEVEL_DEBUG ? level_names[level] : NULL;
}

int
log_level_parse(const char *word)
{
	for (int level = LOG_LEVEL_ERROR; level <= LOG_LEVEL_DEBUG; level++)
		if (strcmp(word, level_names[level]) == 0)
			return level;
	return -1;
}

bool
log_is_on(int level)
{
	return level <= atomic_load_explicit(&logger.level, memory_order_relaxed);
}

void
log_set_level(int level)
{
	atomic_store_explicit(&logger.level, level, memory_order_relaxed);
}

int
log_get_level(void)
{
	return atomic_load_explicit(&logger.level, memory_order_relaxed);
}

static int64_t
now_ns(void)
{
	struct timespec t;

	clock_gettime(CLOCK_REALTIME, &t);
	return (int64_t)t.tv_sec * 1000000000 + t.tv_nsec;
}

static void
log_direct(const struct log_measure *m, int level, const char *event, const struct log_field *fields)
{
	_Alignas(8) unsigned char record[LOG_RECORD_SIZE];
	auto_of(strbuf) struct strbuf line = { 0 };
	struct log_view v;

	log_record_pack(record, m, now_ns(), level, event, fields);
	log_view_read(&v, record);
	log_format_text(&line, &v);
	/* There is no other place to tell that standard error does not work. */
	if (!line.failed && fd_write_all(STDERR_FILENO, line.data, line.size) < 0)
		return;
}

/* Into a ring of the caller's, or one that it holds the lock of. @return whether the log thread has to be
 * woken */
static bool
log_pack(struct log_ring *r, const struct log_measure *m, int level, const char *event,
	const struct log_field *fields)
{
	void *to = log_ring_reserve(r, m->size);

	if (to == NULL)
		return false;
	log_record_pack(to, m, now_ns(), level, event, fields);
	log_ring_commit(r, m->size);
	return log_writer_wants_wake(&logger.writer, r);
}

void
log_event(int level, const char *event, const struct log_field *fields, size_t count)
{
	struct log_measure m;
	bool wake;

	if (!log_is_on(level))
		return;
	if (level < LOG_LEVEL_ERROR)
		level = LOG_LEVEL_ERROR;
	else if (level > LOG_LEVEL_DEBUG)
		level = LOG_LEVEL_DEBUG;
	log_record_measure(&m, event, fields, count);
	if (!atomic_load_explicit(&logger.running, memory_order_acquire)) {
		log_direct(&m, level, event, fields);
		return;
	}
	if (own_ring != NULL) {
		wake = log_pack(own_ring, &m, level, event, fields);
	} else {
		pthread_mutex_lock(&logger.shared_lock);
		wake = log_pack(logger.shared, &m, level, event, fields);
		pthread_mutex_unlock(&logger.shared_lock);
	}
	if (wake)
		log_writer_wake(&logger.writer);
}

int
log_start(const struct log_options *options, struct err *e)
{
	int r;

	if (atomic_load(&logger.running))
		return err_set(e, -EALREADY, "the log runs already");
	if (logger.shared == NULL)
		logger.shared = log_rings_add(&logger.rings);
	if (logger.shared == NULL)
		return err_set(e, -ENOMEM, "out of memory for the log");
	r = log_writer_start(&logger.writer, &logger.rings, options, e);
	if (r < 0)
		return r;
	log_set_level(options->level);
	atomic_store_explicit(&logger.running, true, memory_order_release);
	return 0;
}

void
log_replace_fd(int fd)
{
	if (atomic_load(&logger.running))
		log_writer_settle(&logger.writer, fd);
	else
		cleanup_fd(&fd);
}

void
log_thread_attach(void)
{
	if (own_ring == NULL)
		own_ring = log_rings_add(&logger.rings);
}

void
log_thread_detach(void)
{
	if (own_ring == NULL)
		return;
	atomic_store_explicit(&own_ring->closed, true, memory_order_release);
	own_ring = NULL;
	if (atomic_load(&logger.running))
		return;
	pthread_mutex_lock(&logger.rings.lock);
	log_rings_sweep(&logger.rings);
	pthread_mutex_unlock(&logger.rings.lock);
}

void
log_flush(void)
{
	if (atomic_load(&logger.running))
		log_writer_settle(&logger.writer, -1);
}

void
log_stop(void)
{
	uint64_t lost;

	if (!atomic_exchange(&logger.running, false))
		return;
	lost = log_writer_stop(&logger.writer);
	if (lost > 0)
		log_warning("log_lost", LOG_U("count", lost));
}

struct log_health
log_look(void)
{
	return atomic_load(&logger.running) ? log_writer_look(&logger.writer) : (struct log_health){ 0 };
}

const char *
log_health_text(int error)
{
	return error == EAGAIN ? "it is not read" : strerror(error);
}

bool
log_repeat_allows(struct log_repeat *r, int64_t now_ms, int64_t every_ms, uint64_t *ret_missed)
{
	if (r->last_ms != 0 && now_ms - r->last_ms < every_ms) {
		r->missed++;
		return false;
	}
	*ret_missed = r->missed;
	r->last_ms = now_ms;
	r->missed = 0;
	return true;
}
