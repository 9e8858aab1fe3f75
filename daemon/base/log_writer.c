/* Three things can go wrong here, and none of them may reach a thread that logs. The target may be slow: what
 * it does not take stays in the sink, the rings fill up, and further records are dropped and counted. The
 * target may fail (disk full, reader gone): the same, and it is tried again after a growing pause, and said
 * when it works again. Memory may run out: that record is counted with the dropped ones.
 *
 * Waking a thread costs a system call, so a loop that logs for each connection must not pay it each time.
 * After a batch the thread naps for some milliseconds, in which nobody wakes it unless a ring gets half full;
 * only when a nap brought nothing does it fall asleep until it is woken. */
#include "base/log_writer.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <string.h>
#include <sys/eventfd.h>

#include "base/clock.h"
#include "base/fdutil.h"
#include "base/log_format.h"

enum {
	NAP_MS = 10,
	SETTLE_MS = 1000, /* how long a settling target may refuse */
	STALL_MS = 1000,  /* how long a reader may be slow before it counts as gone */
	DROP_REPORT_MS = 1000,
	BACKOFF_MIN_MS = 100,
	BACKOFF_MAX_MS = 2000,
};

static void
drop(struct log_writer *w, uint64_t count)
{
	w->dropped += count;
	atomic_fetch_add_explicit(&w->lost, count, memory_order_relaxed);
}

static void
add_view(struct log_writer *w, const struct log_view *v)
{
	log_format(&w->sink.out, v, w->sink.protocol, w->json);
	if (!log_sink_end_message(&w->sink))
		drop(w, 1);
}

/* A line of the logger's own. */
static void
add_own(struct log_writer *w, const char *event, const struct log_field *fields, size_t count)
{
	_Alignas(8) unsigned char record[LOG_RECORD_SIZE];
	struct log_measure m;
	struct log_view v;

	log_record_measure(&m, event, fields, count);
	log_record_pack(record, &m, clock_wall_ms() * 1000000, LOG_LEVEL_WARNING, event, fields);
	log_view_read(&v, record);
	add_view(w, &v);
}

/* With the rings' lock. */
static struct log_ring *
oldest(struct log_rings *rings, const void **ret_record)
{
	struct log_ring *best = NULL;
	int64_t best_ns = 0;

	for (struct log_ring *r = rings->first; r != NULL; r = r->next) {
		const void *record = log_ring_peek(r);

		if (record == NULL || (best != NULL && log_record_time_ns(record) >= best_ns))
			continue;
		best = r;
		best_ns = log_record_time_ns(record);
		*ret_record = record;
	}
	return best;
}

/* What is there now becomes what collect() takes. @return whether that is anything */
static bool
mark_rings(struct log_writer *w)
{
	bool any = false;

	pthread_mutex_lock(&w->rings->lock);
	for (struct log_ring *r = w->rings->first; r != NULL; r = r->next)
		any |= log_ring_mark(r);
	pthread_mutex_unlock(&w->rings->lock);
	return any;
}

/* Format marked records until the batch is full. @return false if there is none left */
static bool
collect(struct log_writer *w)
{
	const void *record = NULL;
	struct log_ring *r = NULL;
	struct log_view v;

	pthread_mutex_lock(&w->rings->lock);
	while (log_sink_has_room(&w->sink)) {
		r = oldest(w->rings, &record);
		if (r == NULL)
			break;
		log_view_read(&v, record);
		add_view(w, &v);
		log_ring_pop(r);
	}
	pthread_mutex_unlock(&w->rings->lock);
	return r != NULL;
}

static void
count_drops(struct log_writer *w)
{
	pthread_mutex_lock(&w->rings->lock);
	for (struct log_ring *r = w->rings->first; r != NULL; r = r->next) {
		uint64_t dropped = atomic_load_explicit(&r->dropped, memory_order_relaxed);

		drop(w, dropped - r->dropped_told);
		r->dropped_told = dropped;
	}
	drop(w, log_rings_sweep(w->rings) + w->sink.refused);
	w->sink.refused = 0;
	pthread_mutex_unlock(&w->rings->lock);
}

/* For whoever looks. A reader that is slow but reads is none that has gone. */
static void
note_health(struct log_writer *w, int r)
{
	size_t progress = w->sink.done + w->sink.sent;

	if (r < 0 && (atomic_load(&w->refusal) == 0 || (r == -EAGAIN && progress != w->progress)))
		atomic_store(&w->refused_ms, clock_now_ms());
	atomic_store(&w->refusal, -r);
	w->progress = progress;
}

static int
write_out(struct log_writer *w)
{
	int r = log_sink_write(&w->sink);

	note_health(w, r);
	if (r == 0)
		w->told = 0;
	if (r == 0 || r == -EAGAIN)
		return r;
	w->error = r;
	w->failures++;
	return r;
}

/* Write what waits, then everything that is marked, batch by batch. */
static int
write_marked(struct log_writer *w)
{
	int r = write_out(w);

	for (bool more = true; r == 0 && more;) {
		more = collect(w);
		r = write_out(w);
	}
	return r;
}

/* What the log has to say of itself, once it can be written. */
static int
write_reports(struct log_writer *w, bool now)
{
	int64_t now_ms = clock_now_ms();

	count_drops(w);
	if (w->failures > 0) {
		const struct log_field fields[] = { LOG_S("error", strerror(-w->error)),
			LOG_U("failures", w->failures), LOG_U("lost", w->dropped) };

		w->failures = 0;
		w->backoff_ms = 0;
		w->told = w->dropped;
		w->dropped = 0;
		add_own(w, "log_write_recovered", fields, array_len(fields));
	}
	if (w->dropped > 0 && (now || now_ms - w->dropped_at_ms >= DROP_REPORT_MS)) {
		const struct log_field fields[] = { LOG_U("count", w->dropped) };

		w->told = w->dropped;
		w->dropped = 0;
		w->dropped_at_ms = now_ms;
		add_own(w, "log_dropped", fields, array_len(fields));
	}
	return write_out(w);
}

static int
write_all(struct log_writer *w, bool reports_now)
{
	int r = write_marked(w);

	return r == 0 ? write_reports(w, reports_now) : r;
}

/* Write all that was committed before now. A target that would block gets a second, one that fails gets one
 * try. */
static void
settle(struct log_writer *w)
{
	int64_t end_ms = clock_now_ms() + SETTLE_MS;

	mark_rings(w);
	while (write_all(w, true) == -EAGAIN && clock_now_ms() < end_ms)
		log_sink_wait(&w->sink, (int)(end_ms - clock_now_ms()));
}

/* @return whether to go on */
static bool
obey(struct log_writer *w)
{
	uint64_t orders, answers;
	int fd;
	bool stop;

	pthread_mutex_lock(&w->lock);
	orders = w->orders;
	answers = w->answers;
	fd = w->replacement_fd;
	stop = w->stop;
	w->replacement_fd = -1;
	pthread_mutex_unlock(&w->lock);
	if (orders == answers)
		return true;
	settle(w);
	if (fd >= 0)
		log_sink_replace(&w->sink, fd);
	pthread_mutex_lock(&w->lock);
	w->answers = orders;
	pthread_cond_broadcast(&w->answered);
	pthread_mutex_unlock(&w->lock);
	return !stop;
}

/* @return whether descriptor @p extra_fd (or none: -1) became ready */
static bool
sleep_until_woken(struct log_writer *w, int extra_fd, int timeout_ms)
{
	struct pollfd p[] = { { .fd = w->wake_fd, .events = POLLIN }, { .fd = extra_fd, .events = POLLOUT } };
	eventfd_t ignored;

	poll(p, array_len(p), timeout_ms);
	atomic_store_explicit(&w->state, LOG_WRITER_AWAKE, memory_order_seq_cst);
	if (p[0].revents != 0)
		eventfd_read(w->wake_fd, &ignored);
	return p[1].revents != 0;
}

/* A descriptor that says it is ready and then takes nothing is not waited for by poll(), or this would spin.
 */
static void
wait_for_target(struct log_writer *w, int why)
{
	size_t before = w->sink.done + w->sink.sent;

	count_drops(w); /* for whoever looks */
	if (why == -EAGAIN && w->backoff_ms == 0) {
		if (sleep_until_woken(w, w->sink.fd, BACKOFF_MAX_MS) && log_sink_write(&w->sink) == -EAGAIN &&
			w->sink.done + w->sink.sent == before)
			w->backoff_ms = BACKOFF_MIN_MS;
		return;
	}
	w->backoff_ms = w->backoff_ms == 0 ? BACKOFF_MIN_MS : w->backoff_ms * 2;
	if (w->backoff_ms > BACKOFF_MAX_MS)
		w->backoff_ms = BACKOFF_MAX_MS;
	sleep_until_woken(w, -1, w->backoff_ms);
}

static void
wait_for_records(struct log_writer *w, bool nap)
{
	atomic_store_explicit(&w->state, nap ? LOG_WRITER_NAPPING : LOG_WRITER_ASLEEP, memory_order_seq_cst);
	if (!nap && mark_rings(w)) {
		atomic_store_explicit(&w->state, LOG_WRITER_AWAKE, memory_order_seq_cst);
		return;
	}
	sleep_until_woken(w, -1, nap ? NAP_MS : w->dropped > 0 ? DROP_REPORT_MS : -1);
}

static void *
writer_main(void *argument)
{
	struct log_writer *w = argument;

	while (obey(w)) {
		bool any = mark_rings(w);
		int r = write_all(w, false);

		if (r < 0) {
			wait_for_target(w, r);
		} else {
			w->backoff_ms = 0;
			wait_for_records(w, any);
		}
	}
	return NULL;
}

/* Signals belong to the threads that asked for them; this one gets none. */
static int
start_thread(struct log_writer *w)
{
	sigset_t all, before;
	int r;

	sigfillset(&all);
	pthread_sigmask(SIG_SETMASK, &all, &before);
	r = pthread_create(&w->thread, NULL, writer_main, w);
	pthread_sigmask(SIG_SETMASK, &before, NULL);
	if (r == 0)
		pthread_setname_np(w->thread, "sockd-log");
	return -r;
}

int
log_writer_start(
	struct log_writer *w, struct log_rings *rings, const struct log_options *options, struct err *e)
{
	auto_of(fd) int wake_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	int r;

	if (wake_fd < 0)
		return err_errno(e, "cannot start the log");
	*w = (struct log_writer){ .rings = rings,
		.json = options->json,
		.wake_fd = wake_fd,
		.replacement_fd = -1,
		.lock = PTHREAD_MUTEX_INITIALIZER,
		.answered = PTHREAD_COND_INITIALIZER };
	log_sink_init(&w->sink, options->fd, options->protocol);
	r = start_thread(w);
	if (r < 0)
		return err_set(e, r, "cannot start the log thread: %s", strerror(-r));
	fd_take(&wake_fd);
	return 0;
}

void
log_writer_wake(struct log_writer *w)
{
	eventfd_write(w->wake_fd, 1);
}

static void
order(struct log_writer *w, int fd, bool stop)
{
	uint64_t ticket;

	pthread_mutex_lock(&w->lock);
	while (fd >= 0 && w->replacement_fd >= 0)
		pthread_cond_wait(&w->answered, &w->lock);
	if (w->stop) {
		cleanup_fd(&fd);
		pthread_mutex_unlock(&w->lock);
		return;
	}
	if (fd >= 0)
		w->replacement_fd = fd;
	w->stop = stop;
	ticket = ++w->orders;
	log_writer_wake(w);
	while (w->answers < ticket)
		pthread_cond_wait(&w->answered, &w->lock);
	pthread_mutex_unlock(&w->lock);
}

void
log_writer_settle(struct log_writer *w, int fd)
{
	order(w, fd, false);
}

struct log_health
log_writer_look(struct log_writer *w)
{
	int error = atomic_load(&w->refusal);
	int64_t for_ms = clock_now_ms() - atomic_load(&w->refused_ms);
	struct log_health h = { .lost = atomic_load_explicit(&w->lost, memory_order_relaxed) };

	if (error != 0 && (error != EAGAIN || for_ms >= STALL_MS)) {
		h.error = error;
		h.for_ms = for_ms;
	}
	return h;
}

/* Records that the target had no time for must not turn up in a later log. */
static uint64_t
discard_records(struct log_writer *w)
{
	const void *record;
	uint64_t count = 0;

	mark_rings(w);
	pthread_mutex_lock(&w->rings->lock);
	for (struct log_ring *r = oldest(w->rings, &record); r != NULL; r = oldest(w->rings, &record)) {
		log_ring_pop(r);
		count++;
	}
	pthread_mutex_unlock(&w->rings->lock);
	return count;
}

uint64_t
log_writer_stop(struct log_writer *w)
{
	uint64_t lost;

	order(w, -1, true);
	pthread_join(w->thread, NULL);
	count_drops(w);
	lost = w->sink.count - w->sink.sent + w->dropped + discard_records(w);
	if (w->told > 0)
		lost += w->told - 1; /* a report that was not taken counts for what it tells */
	log_sink_fini(&w->sink);
	cleanup_fd(&w->wake_fd);
	return lost;
}
