/* A small machine of states, moved by orders, by what workers tell, and by one timer. systemd learns of each
 * step by sd_notify, a person at a terminal by one line.
 *
 * The deadline of a drain is the engine's to keep. Here it is only watched: when a plugin keeps a loop from
 * turning, the engine can't cut anything either, and a second Ctrl-C has to work all the same. */
#include "supervisor/service.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/log.h"
#include "control/snapshot.h"
#include "supervisor/notify.h"
#include "supervisor/post_mortem.h"
#include "supervisor/reload.h"
#include "supervisor/reopen.h"
#include "supervisor/service_private.h"
#include "supervisor/status.h"
#include "supervisor/upgrade.h"

static const int64_t PATIENT_MS = INT64_MAX / 2;

enum {
	TICK_MS = 1000,
	EXTEND_MS = 10000, /* systemd waits so long for our next word */
};

static const struct cfg_daemon *
settings_of(const struct service *s)
{
	return &s->snapshot->config->daemon;
}

static int64_t
open_now(const struct service *s)
{
	return generations_counts(s->generations).open;
}

void
service_tell_status(struct service *s, bool at_once)
{
	char text[STATUS_SIZE];

	if (s->phase <= SERVICE_SERVING) {
		status_serving_text(text, s->snapshot->config->listener_count, open_now(s));
		status_add_note(text, s->note);
	} else {
		status_draining_text(text, open_now(s), s->open_at_drain, service_left_ms(s));
	}
	if (s->log_watch.error != 0) {
		char note[STATUS_SIZE];

		snprintf(
			note, sizeof note, "the log is not written: %s", log_health_text(s->log_watch.error));
		status_add_note(text, note);
	}
	if (status_is_news(&s->status, text, clock_now_ms(), at_once))
		notify_status("%s", text);
}

static void
leave(struct service *s, enum phase phase)
{
	s->phase = phase;
	event_base_loopbreak(s->options.base);
}

/* Between the death of a worker and the start of the next there is nobody to wait for. */
static void
leave_if_alone(struct service *s)
{
	if (generations_first(s->generations) == NULL)
		leave(s, SERVICE_OVER);
}

/* Or the kernel would go on queueing clients for nobody. */
static void
close_sockets(struct service *s)
{
	/* First: its worker is to drain like the others, and not to be killed as one that failed. */
	upgrade_abandon(s->upgrade, "it is ending");
	snapshot_close_sockets(s->snapshot);
	s->options.ending(s->options.arg, !s->for_good);
}

static void
order_stop(struct service *s, const char *name)
{
	if (s->phase >= SERVICE_STOPPING)
		return;
	log_notice("stopping", LOG_S("signal", name), LOG_I("connections", open_now(s)));
	if (s->phase <= SERVICE_SERVING) {
		s->open_at_drain = open_now(s);
		notify_stopping();
	}
	s->phase = SERVICE_STOPPING;
	s->deadline_ms = clock_now_ms();
	close_sockets(s);
	generations_tell(s->generations, "stopping", name);
	generations_shutdown(s->generations);
	notify_extend(EXTEND_MS);
	service_tell_status(s, true);
	leave_if_alone(s);
}

static void
order_drain(struct service *s, const char *name)
{
	const struct cfg_daemon *d = settings_of(s);
	char text[STATUS_SIZE];

	if (s->phase > SERVICE_SERVING) {
		order_stop(s, name);
		return;
	}
	s->phase = SERVICE_DRAINING;
	s->open_at_drain = open_now(s);
	s->deadline_ms = d->shutdown_timeout_ms < 0 ? CLOCK_NEVER : clock_now_ms() + d->shutdown_timeout_ms;
	notify_stopping();
	notify_extend(EXTEND_MS);
	service_tell_status(s, true);
	log_notice("draining", LOG_S("signal", name), LOG_I("connections", s->open_at_drain),
		LOG_I("timeout_ms", d->shutdown_timeout_ms), LOG_I("spread_ms", d->shutdown_spread_ms));
	status_terminal_text(text, s->open_at_drain, service_left_ms(s));
	if (isatty(STDERR_FILENO))
		fprintf(stderr, "%s\n", text);
	close_sockets(s);
	generations_tell(s->generations, "draining", text);
	generations_drain(s->generations, d->shutdown_timeout_ms, d->shutdown_spread_ms);
	leave_if_alone(s);
}

void
service_order(struct service *s, enum signal_order order, const char *name)
{
	switch (order) {
	case SIGNAL_DRAIN:
		order_drain(s, name);
		break;
	case SIGNAL_STOP:
		order_stop(s, name);
		break;
	case SIGNAL_REOPEN:
		reopen_log(s->options.surroundings, s->generations, settings_of(s)->log_target);
		break;
	case SIGNAL_RELOAD:
		if (s->reload == NULL || reload_request(s->reload, RELOAD_APPLY, name, NULL, NULL) < 0)
			log_error("reload_refused", LOG_S("reason", name), LOG_S("msg", "out of memory"));
		break;
	case SIGNAL_UPGRADE:
		if (s->upgrade != NULL)
			upgrade_request(s->upgrade, name, NULL, NULL);
		break;
	case SIGNAL_ORDER_COUNT:
		break;
	}
}

void
service_end_for_good(struct service *s)
{
	s->for_good = true;
}

/* ---- what workers tell ---- */

static int
start_worker(struct service *s, struct cfg_report *report, struct err *e)
{
	int code = service_prepare(s, s->snapshot, e);

	return code == 0 ? generations_start(s->generations, s->snapshot, -1, report, e) : code;
}

static void
on_ready(void *arg, struct generation *g, const bool *serves)
{
	struct service *s = arg;
	char text[STATUS_SIZE];

	service_give_orders(s, g->worker);
	if (s->phase == SERVICE_SERVING)
		log_notice("worker_ready", LOG_U("generation", g->number));
	if (upgrade_on_ready(s->upgrade, g))
		return;
	if (s->phase != SERVICE_STARTING)
		return;
	s->phase = SERVICE_SERVING;
	s->options.ready(s->options.arg, serves);
	notify_ready();
	service_tell_status(s, true);
	log_notice("ready", LOG_U("listeners", s->snapshot->config->listener_count), LOG_I("pid", getpid()));
	status_serving_text(text, s->snapshot->config->listener_count, 0);
	s->options.ops->tell(g->worker, "ready", text);
}

/* Those that it takes the place of. */
static void
drain_older(struct service *s, struct generation *than)
{
	const struct cfg_daemon *d = settings_of(s);

	for (struct generation *g = than->next; g != NULL; g = g->next)
		if (g->state == GENERATION_SERVING)
			generation_drain(g, d->shutdown_timeout_ms, d->shutdown_spread_ms);
}

static void
on_hello(void *arg, struct generation *g)
{
	struct service *s = arg;

	if (g->number != s->adopting)
		return;
	s->adopting = 0;
	s->options.adopted(s->options.arg, g->number);
	drain_older(s, g);
	service_tell_status(s, true);
}

/* The worker that was to be adopted has died first. Nobody comes back from this if there is a way back. */
static void
give_up_adopting(struct service *s, const struct err *e)
{
	char why[ERR_TEXT_SIZE + 80];

	snprintf(why, sizeof why, "its worker died while it took over: %s", e->text);
	s->options.lost(s->options.arg, why);
	s->adopting = 0;
	s->options.adopted(s->options.arg, 0);
}

static void
on_done(void *arg, struct generation *g)
{
	struct service *s = arg;
	int64_t ms = clock_now_ms() - s->started_ms;
	char duration[32];

	snprintf(duration, sizeof duration, "%" PRId64 ".%03ds", ms / 1000, (int)(ms % 1000));
	s->options.ops->tell(g->worker, "stopped", duration);
}

static void schedule_worker(struct service *s, int64_t lived_ms, bool served);

/* Start a worker from what was last committed. One that can't even be started is tried again like one that
 * died. */
static void
replace_worker(struct service *s)
{
	struct err e = { 0 };

	s->worker_started_ms = clock_now_ms();
	cfg_report_fini(&s->report);
	if (start_worker(s, &s->report, &e) == 0)
		return;
	log_error("worker_failed", LOG_S("error", e.text));
	schedule_worker(s, 0, false);
}

static void
on_restart(evutil_socket_t fd, short what, void *arg)
{
	struct service *s = arg;

	(void)fd, (void)what; /* a timer has neither */
	if (s->phase == SERVICE_SERVING && generations_serving(s->generations) == NULL &&
		!generations_starting(s->generations)) /* an upgrade may have been quicker */
		replace_worker(s);
}

static void
schedule_worker(struct service *s, int64_t lived_ms, bool served)
{
	int64_t wait_ms = backoff_next(&s->backoff, lived_ms, served);

	if (wait_ms > 0)
		log_warning("worker_delayed", LOG_I("wait_ms", wait_ms), LOG_U("deaths", s->backoff.deaths),
			LOG_S("msg", "workers keep dying; clients wait until the next one starts"));
	event_add(
		s->restart, &(struct timeval){ .tv_sec = wait_ms / 1000, .tv_usec = wait_ms % 1000 * 1000 });
}

/* Of a worker that replaces another: what is wrong with plugins or settings that were fine before. */
static void
log_findings(const struct cfg_report *report)
{
	for (size_t i = 0; i < report->count; i++)
		log_error("worker_failed", LOG_S("error", report->findings[i].text));
}

static void
on_ended(void *arg, struct generation *g, enum supervisor_end how, const struct err *e)
{
	struct service *s = arg;

	if (how != SUPERVISOR_END_ORDERED)
		post_mortem_log(g->post_mortem, g->number);
	if (s->adopting != 0 && g->number == s->adopting)
		give_up_adopting(s, e);
	if (s->phase == SERVICE_STARTING && how != SUPERVISOR_END_ORDERED) {
		s->error = *e;
		leave(s, SERVICE_FAILED);
		return;
	}
	if (upgrade_on_ended(s->upgrade, g, e)) {
		if (s->phase == SERVICE_SERVING && generations_serving(s->generations) == NULL)
			schedule_worker(s, 0, false);
		return;
	}
	if (how != SUPERVISOR_END_ORDERED) {
		log_findings(&s->report);
		log_error("worker_died", LOG_U("generation", g->number), LOG_S("error", e->text));
	}
	if (s->phase > SERVICE_SERVING && generations_first(s->generations) == g && g->next == NULL)
		leave(s, SERVICE_OVER);
	else if (s->phase == SERVICE_SERVING && generations_serving(s->generations) == NULL &&
		 !generations_starting(s->generations))
		schedule_worker(s, clock_now_ms() - s->worker_started_ms, how == SUPERVISOR_END_DIED);
}

static const struct generations_events generations_events = {
	.hello = on_hello,
	.ready = on_ready,
	.done = on_done,
	.ended = on_ended,
};

/* The supervisor turns, or it would not be here; and somebody serves, or is about to. */
static bool
is_alive(const struct service *s)
{
	return s->phase != SERVICE_SERVING || generations_serving(s->generations) != NULL ||
	       generations_starting(s->generations) || event_pending(s->restart, EV_TIMEOUT, NULL);
}

/* @return whether there is news of it */
static bool
watch_log(struct service *s)
{
	struct log_health h = log_watch_look(s->generations);

	return log_watch_tell(&s->log_watch, &h, settings_of(s)->log_target, clock_now_ms());
}

/* The clock by which workers are watched. It stands still while this process does: in a frozen container, a
 * stopped job, on a machine that has no processor for us, a worker cannot be blamed for what it did not do.
 */
static int64_t
watching_ms(struct service *s)
{
	int64_t now_ms = clock_now_ms(), since_ms = now_ms - s->ticked_ms;

	s->ticked_ms = now_ms;
	s->watching_ms += since_ms < 2 * TICK_MS ? since_ms : TICK_MS;
	return s->watching_ms;
}

static void
on_tick(evutil_socket_t fd, short what, void *arg)
{
	struct service *s = arg;

	(void)fd;
	(void)what;
	if (s->watchdog_ms > 0 && is_alive(s))
		notify_alive();
	/* Without a watchdog they are asked all the same: what they say of their log is wanted. */
	generations_watch(s->generations, watching_ms(s),
		settings_of(s)->watchdog_ms > 0 ? settings_of(s)->watchdog_ms : PATIENT_MS);
	service_tell_status(s, watch_log(s));
	if (s->phase <= SERVICE_SERVING)
		return;
	notify_extend(EXTEND_MS);
	if (s->deadline_ms == CLOCK_NEVER || clock_now_ms() < s->deadline_ms + s->options.grace_ms)
		return;
	log_error("stuck", LOG_I("connections", open_now(s)),
		LOG_S("msg", "a plugin keeps an event loop from ending; it is ended by force"));
	s->killed = true;
	if (!generations_kill(s->generations))
		leave(s, SERVICE_STUCK);
}

int
service_new(const struct service_options *options, struct service **ret, struct err *e)
{
	struct service *s = mem_new(*s);
	int code;

	if (s == NULL)
		return err_set(e, -ENOMEM, "out of memory");
	s->options = *options;
	s->started_ms = clock_now_ms();
	code = generations_new(&(struct generations_options){ .base = options->base,
				       .ops = options->ops,
				       .surroundings = options->surroundings,
				       .events = &generations_events,
				       .arg = s },
		&s->generations, e);
	s->tick = event_new(options->base, -1, EV_PERSIST, on_tick, s);
	s->restart = event_new(options->base, -1, 0, on_restart, s);
	if (code == 0 && (s->tick == NULL || s->restart == NULL))
		code = err_set(e, -ENOMEM, "out of memory");
	if (code < 0) {
		service_free(s);
		return code;
	}
	s->snapshot = options->snapshot;
	*ret = s;
	return 0;
}

/* Turn until it is over. */
static int
serve(struct service *s, struct err *e)
{
	int64_t tick_ms = TICK_MS;
	struct timeval tick;

	s->worker_started_ms = s->ticked_ms = clock_now_ms();
	s->watchdog_ms = notify_watchdog_ms();
	if (s->watchdog_ms > 0 && s->watchdog_ms / 2 < tick_ms)
		tick_ms = s->watchdog_ms / 2 + 1; /* sd_watchdog_enabled(3): half of it */
	tick = (struct timeval){ .tv_sec = tick_ms / 1000, .tv_usec = tick_ms % 1000 * 1000 };
	if (event_add(s->tick, &tick) < 0)
		return err_set(e, -ENOMEM, "out of memory");
	event_base_dispatch(s->options.base);
	if (s->phase == SERVICE_FAILED) {
		*e = s->error;
		return e->code;
	}
	if (s->phase == SERVICE_STUCK)
		return -ETIMEDOUT;
	return s->killed ? -ECANCELED : 0;
}

int
service_run(struct service *s, struct err *e)
{
	int code = start_worker(s, s->options.report, e);

	return code < 0 ? code : serve(s, e);
}

int
service_go_on(struct service *s, int64_t started_ms, bool roll_back, struct err *e)
{
	struct generation *g = generations_first(s->generations);

	s->phase = SERVICE_SERVING;
	s->started_ms = started_ms;
	if (roll_back) {
		if (g != NULL && g->number == generations_last_number(s->generations))
			generation_drain(
				g, settings_of(s)->shutdown_timeout_ms, settings_of(s)->shutdown_spread_ms);
		s->options.adopted(s->options.arg, 0);
	} else {
		s->adopting = generations_last_number(s->generations);
	}
	if (generations_serving(s->generations) == NULL)
		schedule_worker(s, 0, false); /* it died in between */
	return serve(s, e);
}

void
service_free(struct service *s)
{
	if (s == NULL)
		return;
	if (s->tick != NULL)
		event_free(s->tick);
	if (s->restart != NULL)
		event_free(s->restart);
	cfg_report_fini(&s->report);
	ban_list_fini(&s->bans);
	holds_fini(&s->holds);
	strbuf_fini(&s->orders);
	generations_free(s->generations);
	snapshot_free(s->snapshot);
	free(s);
}
