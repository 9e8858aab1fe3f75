/* A small machine of four states, moved by orders and by one timer. systemd learns of each step by sd_notify,
 * a person at a terminal by one line.
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
#include "supervisor/notify.h"
#include "supervisor/status.h"

enum phase {
	SERVICE_SERVING,
	SERVICE_DRAINING,
	SERVICE_STOPPING,
	SERVICE_OVER,
	SERVICE_STUCK,
	SERVICE_PHASE_COUNT
};

enum {
	TICK_MS = 1000,
	EXTEND_MS = 10000, /* systemd waits so long for our next word */
};

struct service {
	struct service_options options;
	struct event *done, *tick; /* owned */
	enum phase phase;
	int64_t deadline_ms; /* monotonic; CLOCK_NEVER: none */
	int64_t open_at_drain;
	struct status status;
};

static int64_t
left_ms(const struct service *s)
{
	int64_t left = s->deadline_ms - clock_now_ms();

	if (s->deadline_ms == CLOCK_NEVER)
		return -1;
	return left > 0 ? left : 0;
}

static int64_t
open_now(const struct service *s)
{
	return s->options.ops->counts(s->options.worker).open;
}

static void
tell_status(struct service *s, bool at_once)
{
	char text[STATUS_SIZE];

	if (s->phase == SERVICE_SERVING)
		status_serving_text(text, s->options.config->listener_count, open_now(s));
	else
		status_draining_text(text, open_now(s), s->open_at_drain, left_ms(s));
	if (status_is_news(&s->status, text, clock_now_ms(), at_once))
		notify_status("%s", text);
}

static void
order_stop(struct service *s, const char *name)
{
	if (s->phase >= SERVICE_STOPPING)
		return;
	log_notice("stopping", LOG_S("signal", name), LOG_I("connections", open_now(s)));
	if (s->phase == SERVICE_SERVING) {
		s->open_at_drain = open_now(s);
		notify_stopping();
	}
	s->phase = SERVICE_STOPPING;
	s->deadline_ms = clock_now_ms();
	s->options.ops->tell(s->options.worker, "stopping", name);
	s->options.ops->shutdown(s->options.worker);
	notify_extend(EXTEND_MS);
	tell_status(s, true);
}

static void
order_drain(struct service *s, const char *name)
{
	const struct cfg_daemon *d = &s->options.config->daemon;
	char text[STATUS_SIZE];

	if (s->phase != SERVICE_SERVING) {
		order_stop(s, name);
		return;
	}
	s->phase = SERVICE_DRAINING;
	s->open_at_drain = open_now(s);
	s->deadline_ms = d->shutdown_timeout_ms < 0 ? CLOCK_NEVER : clock_now_ms() + d->shutdown_timeout_ms;
	notify_stopping();
	notify_extend(EXTEND_MS);
	tell_status(s, true);
	log_notice("draining", LOG_S("signal", name), LOG_I("connections", s->open_at_drain),
		LOG_I("timeout_ms", d->shutdown_timeout_ms), LOG_I("spread_ms", d->shutdown_spread_ms));
	status_terminal_text(text, s->open_at_drain, left_ms(s));
	if (isatty(STDERR_FILENO))
		fprintf(stderr, "%s\n", text);
	s->options.ops->tell(s->options.worker, "draining", text);
	s->options.ops->drain(s->options.worker, d->shutdown_timeout_ms, d->shutdown_spread_ms);
}

/* Standard error is not ours to reopen; journal and syslog get a fresh connection. */
static void
reopen_log(const char *target)
{
	struct err e = { 0 };
	enum log_protocol protocol;
	int fd;

	if (strcmp(target, "stderr") != 0 && log_target_open(target, &fd, &protocol, &e) < 0) {
		log_error("log_reopen_failed", LOG_S("target", target), LOG_S("error", e.text),
			LOG_S("msg", "the log goes on where it was"));
		return;
	}
	if (strcmp(target, "stderr") != 0)
		log_replace_fd(fd);
	log_notice("reopened", LOG_S("target", target));
}

static void
order_reopen(struct service *s)
{
	reopen_log(s->options.config->daemon.log_target);
	s->options.ops->reopen(s->options.worker);
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
		order_reopen(s);
		break;
	case SIGNAL_RELOAD:
		log_warning("reload_unavailable", LOG_S("signal", name),
			LOG_S("msg",
				"this version cannot reload: restart it to apply a changed configuration"));
		break;
	case SIGNAL_UPGRADE:
		log_warning("upgrade_unavailable", LOG_S("signal", name),
			LOG_S("msg", "this version cannot upgrade in place: restart it to run a new binary"));
		break;
	case SIGNAL_ORDER_COUNT:
		break;
	}
}

static void
on_done(evutil_socket_t fd, short what, void *arg)
{
	struct service *s = arg;

	(void)fd; /* stays readable: it is asked once */
	(void)what;
	s->phase = SERVICE_OVER;
	event_base_loopbreak(s->options.base);
}

static void
on_tick(evutil_socket_t fd, short what, void *arg)
{
	struct service *s = arg;

	(void)fd;
	(void)what;
	tell_status(s, false);
	if (s->phase == SERVICE_SERVING)
		return;
	notify_extend(EXTEND_MS);
	if (s->deadline_ms == CLOCK_NEVER || clock_now_ms() < s->deadline_ms + s->options.grace_ms)
		return;
	s->phase = SERVICE_STUCK;
	event_base_loopbreak(s->options.base);
}

int
service_new(const struct service_options *options, struct service **ret, struct err *e)
{
	struct service *s = mem_new(*s);

	if (s == NULL)
		return err_set(e, -ENOMEM, "out of memory");
	s->options = *options;
	s->done = event_new(
		options->base, options->ops->done_fd(options->worker), EV_READ | EV_PERSIST, on_done, s);
	s->tick = event_new(options->base, -1, EV_PERSIST, on_tick, s);
	if (s->done == NULL || s->tick == NULL || event_add(s->done, NULL) < 0) {
		service_free(s);
		return err_set(e, -ENOMEM, "out of memory");
	}
	*ret = s;
	return 0;
}

int
service_run(struct service *s)
{
	const struct timeval tick = { .tv_sec = TICK_MS / 1000 };
	char text[STATUS_SIZE];

	if (event_add(s->tick, &tick) < 0)
		return -ENOMEM;
	status_serving_text(text, s->options.config->listener_count, 0);
	notify_ready();
	tell_status(s, true);
	log_notice("ready", LOG_U("listeners", s->options.config->listener_count), LOG_I("pid", getpid()));
	s->options.ops->tell(s->options.worker, "ready", text);
	event_base_dispatch(s->options.base);
	return s->phase == SERVICE_OVER ? 0 : -ETIMEDOUT;
}

void
service_free(struct service *s)
{
	if (s == NULL)
		return;
	if (s->done != NULL)
		event_free(s->done);
	if (s->tick != NULL)
		event_free(s->tick);
	free(s);
}
