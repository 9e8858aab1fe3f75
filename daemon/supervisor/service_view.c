/* What others see of the service, and what they hang on to it. */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "base/clock.h"
#include "control/snapshot.h"
#include "supervisor/bans_give.h"
#include "supervisor/service_private.h"

int64_t
service_left_ms(const struct service *s)
{
	int64_t left = s->deadline_ms - clock_now_ms();

	if (s->deadline_ms == CLOCK_NEVER)
		return -1;
	return left > 0 ? left : 0;
}

const struct snapshot *
service_snapshot(const struct service *s)
{
	return s->snapshot;
}

void
service_commit(struct service *s, struct snapshot *snapshot)
{
	snapshot_free(s->snapshot);
	s->snapshot = snapshot;
	holds_prune(&s->holds, snapshot->config);
}

struct ban_list *
service_bans(struct service *s)
{
	return &s->bans;
}

static void
print_orders(const struct service *s, struct strbuf *out)
{
	ban_list_write(&s->bans, out);
	strbuf_add_char(out, '\n');
	holds_print(&s->holds, out);
}

int
service_prepare(struct service *s, struct snapshot *snapshot, struct err *e)
{
	strbuf_fini(&s->orders);
	print_orders(s, &s->orders);
	if (s->orders.failed || bans_write(&s->bans, snapshot) < 0 || holds_write(&s->holds, snapshot) < 0)
		return err_set(e, -ENOMEM, "out of memory");
	return 0;
}

/* Mostly there is nothing to tell: then nothing is on its way to it either, and an upgrade may begin. */
void
service_give_orders(struct service *s, void *worker)
{
	auto_of(strbuf) struct strbuf now = { 0 };

	print_orders(s, &now);
	if (!now.failed && now.size == s->orders.size && memcmp(now.data, s->orders.data, now.size) == 0)
		return;
	bans_give(&s->bans, s->options.ops, worker);
	holds_give(&s->holds, s->options.ops, worker);
}

void
service_pack_orders(struct state_writer *w, struct service *s)
{
	bans_pack(w, &s->bans);
	holds_pack(w, &s->holds);
}

int
service_unpack_orders(struct state_reader *r, struct service *s, struct err *e)
{
	int code = bans_unpack(r, &s->bans);

	if (code == 0)
		code = holds_unpack(r, &s->holds);
	return code == 0 ? 0 : err_set(e, code, "the orders in the state are not understood");
}

struct holds *
service_holds(struct service *s)
{
	return &s->holds;
}

bool
service_serves(const struct service *s)
{
	return s->phase == SERVICE_SERVING;
}

void
service_note(struct service *s, const char *text)
{
	snprintf(s->note, sizeof s->note, "%s", text);
	service_tell_status(s, true);
}

void
service_use_reload(struct service *s, struct reload *reload)
{
	s->reload = reload;
}

void
service_use_certificates(struct service *s, struct certificates *certificates)
{
	s->certificates = certificates;
}

struct certificates *
service_certificates(const struct service *s)
{
	return s->certificates;
}

struct reload *
service_reload(const struct service *s)
{
	return s->reload;
}

void
service_use_upgrade(struct service *s, struct upgrade *upgrade)
{
	s->upgrade = upgrade;
}

struct upgrade *
service_upgrade(const struct service *s)
{
	return s->upgrade;
}

struct generations *
service_generations(const struct service *s)
{
	return s->generations;
}

const struct supervisor_worker_ops *
service_ops(const struct service *s)
{
	return s->options.ops;
}

struct service_view
service_look(const struct service *s)
{
	static const char *const states[SERVICE_PHASE_COUNT] = { "starting", "serving", "draining",
		"stopping", "stopping", "stopping", "stopping" };

	return (struct service_view){
		.state = states[s->phase],
		.started_ms = s->started_ms,
		.is_ending = s->phase > SERVICE_SERVING,
		.open_at_drain = s->open_at_drain,
		.left_ms = s->phase > SERVICE_SERVING ? service_left_ms(s) : -1,
	};
}
