/* Everything here only reads, and what is an order goes the way of a signal. */
#include "supervisor/admin_service.h"

#include <errno.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"
#include "control/json_text.h"
#include "control/snapshot.h"
#include "net/addr.h"
#include "supervisor/certificates.h"
#include "supervisor/holds.h"
#include "supervisor/log_watch.h"
#include "supervisor/reload.h"
#include "supervisor/service.h"
#include "supervisor/upgrade.h"

static json_t *
workers_json(const struct generations *all)
{
	static const char *const states[GENERATION_STATE_COUNT] = { "starting", "serving", "draining",
		"ending" };
	json_t *list = json_array();

	for (const struct generation *g = generations_first(all); g != NULL; g = g->next)
		json_array_append_new(
			list, json_pack("{s:I, s:s, s:I, s:I}", "generation", (json_int_t)g->number, "state",
				      states[g->state], "connections", (json_int_t)g->counts.open, "served",
				      (json_int_t)g->counts.served));
	return list;
}

static json_t *
log_json(const struct service *s)
{
	struct log_health h = log_watch_look(service_generations(s));
	json_t *log = json_pack("{s:o, s:s, s:I}", "target",
		json_text(service_snapshot(s)->config->daemon.log_target), "state",
		h.error != 0 ? "failing" : "written", "lost", (json_int_t)h.lost);

	if (h.error != 0) {
		json_object_set_new(log, "error", json_string(log_health_text(h.error)));
		json_object_set_new(log, "failing_ms", json_integer((json_int_t)h.for_ms));
	}
	return log;
}

static json_t *
host_status(void *arg)
{
	struct service *s = arg;
	const struct snapshot *snapshot = service_snapshot(s);
	struct supervisor_counts counts = generations_counts(service_generations(s));
	struct service_view view = service_look(s);
	json_t *status = json_pack("{s:s, s:i, s:s, s:I, s:I, s:I, s:I, s:o}", "version", PACKAGE_VERSION,
		"pid", (int)getpid(), "state", view.state, "uptime_ms",
		(json_int_t)(clock_now_ms() - view.started_ms), "listeners",
		(json_int_t)snapshot->config->listener_count, "connections", (json_int_t)counts.open,
		"served", (json_int_t)counts.served, "workers", workers_json(service_generations(s)));

	if (status == NULL)
		return NULL;
	json_object_set_new(status, "log", log_json(s));
	if (snapshot->config_path != NULL)
		json_object_set_new(status, "config", json_text(snapshot->config_path));
	if (view.is_ending) {
		json_object_set_new(status, "at_start", json_integer((json_int_t)view.open_at_drain));
		json_object_set_new(status, "left_ms", json_integer((json_int_t)view.left_ms));
	}
	return status;
}

/* Where a listener really listens; once its sockets are closed, what the configuration says. */
static json_t *
addresses_json(const struct snapshot *s, unsigned listener)
{
	const struct cfg_listener *l = &s->config->listeners[listener];
	json_t *list = json_array();
	char url[NET_ADDR_TEXT_SIZE];

	for (size_t i = 0; i < s->socket_count; i++) {
		const struct snapshot_socket *socket = &s->sockets[i];

		if (socket->listener != listener || socket->member > 0)
			continue;
		net_url_text(socket->transport, &socket->local, socket->local_size, url, sizeof url);
		json_array_append_new(list, json_text(url));
	}
	for (size_t i = 0; s->socket_count == 0 && i < l->address_count; i++)
		json_array_append_new(list, json_text(l->addresses[i].url));
	return list;
}

static json_t *
host_listeners(void *arg)
{
	const struct snapshot *s = service_snapshot(arg);
	json_t *list = json_array();

	for (unsigned i = 0; i < s->config->listener_count; i++)
		json_array_append_new(list, json_pack("{s:s, s:o}", "name", s->config->listeners[i].name,
						    "addresses", addresses_json(s, i)));
	return list;
}

static void
host_order(void *arg, enum signal_order order, const char *by)
{
	if (order == SIGNAL_DRAIN || order == SIGNAL_STOP)
		service_end_for_good(arg); /* systemd starts nothing again that a person has ended */
	service_order(arg, order, by);
}

static bool
host_draining(void *arg, int64_t *ret_open, int64_t *ret_at_start, int64_t *ret_left_ms)
{
	struct service_view view = service_look(arg);

	if (!view.is_ending)
		return false;
	*ret_open = generations_counts(service_generations(arg)).open;
	*ret_at_start = view.open_at_drain;
	*ret_left_ms = view.left_ms;
	return true;
}

static bool
can_answer(const struct generation *g)
{
	return g->state == GENERATION_SERVING || g->state == GENERATION_DRAINING;
}

static size_t
host_workers(void *arg, unsigned generations[ADMIN_WORKERS_MAX])
{
	size_t count = 0;

	for (const struct generation *g = generations_first(service_generations(arg));
		g != NULL && count < ADMIN_WORKERS_MAX; g = g->next)
		if (can_answer(g))
			generations[count++] = g->number;
	return count;
}

static void
host_ask(void *arg, unsigned generation, const char *request, admin_answer_fn *answer, void *answer_arg)
{
	struct service *s = arg;

	for (const struct generation *g = generations_first(service_generations(s)); g != NULL; g = g->next) {
		if (g->number == generation && can_answer(g)) {
			service_ops(s)->ask(g->worker, request, answer, answer_arg);
			return;
		}
	}
	answer(answer_arg, -ESRCH, "there is no such worker any more");
}

/* Where the verdict of a reload goes. */
struct reload_answer {
	admin_answer_fn *answer;
	void *arg;
};

static void
on_reload_verdict(void *arg, const struct reload_verdict *v)
{
	auto_of(mem) struct reload_answer *a = arg;
	auto_of(strbuf) struct strbuf text = { 0 };
	auto_of(mem) char *json = v->ok ? reload_verdict_json(v) : NULL;

	if (!v->ok)
		reload_verdict_text(v, &text);
	if (text.failed || (v->ok && json == NULL))
		a->answer(a->arg, -ENOMEM, "out of memory");
	else
		a->answer(a->arg, v->ok ? 0 : v->code, v->ok ? json : text.data);
}

static void
host_reload(void *arg, bool dry, admin_answer_fn *answer, void *answer_arg)
{
	struct service *s = arg;
	struct reload_answer *a = mem_new(*a);

	if (a != NULL) {
		*a = (struct reload_answer){ .answer = answer, .arg = answer_arg };
		if (reload_request(service_reload(s), dry ? RELOAD_CHECK : RELOAD_APPLY, "sockctl",
			    on_reload_verdict, a) == 0)
			return;
	}
	free(a);
	answer(answer_arg, -ENOMEM, "out of memory");
}

static void
host_upgrade(void *arg, admin_answer_fn *answer, void *answer_arg)
{
	upgrade_request(service_upgrade(arg), "sockctl", answer, answer_arg);
}

static uint64_t
host_steps(void *arg)
{
	return reload_steps(service_reload(arg)) + upgrade_steps(service_upgrade(arg));
}

static json_t *
host_certs(void *arg)
{
	return certificates_rows(service_certificates(arg));
}

static void
host_expose_certs(void *arg, struct strbuf *out)
{
	certificates_expose(service_certificates(arg), out);
}

static void
host_metrics(void *arg, struct strbuf *out)
{
	struct log_health log;

	counters_expose(generations_counters(service_generations(arg)), service_snapshot(arg), out);
	host_expose_certs(arg, out);
	log = log_watch_look(service_generations(arg));
	log_watch_expose(&log, out);
}

static struct ban_list *
host_bans(void *arg)
{
	return service_bans(arg);
}

static int
host_hold(void *arg, const char *listener, enum snapshot_hold hold)
{
	return holds_set(service_holds(arg), listener, hold);
}

const struct admin_host admin_service_host = {
	.status = host_status,
	.listeners = host_listeners,
	.certs = host_certs,
	.metrics = host_metrics,
	.bans = host_bans,
	.hold = host_hold,
	.order = host_order,
	.draining = host_draining,
	.workers = host_workers,
	.ask = host_ask,
	.reload = host_reload,
	.upgrade = host_upgrade,
	.steps = host_steps,
};
