/* What others see of the service, and what they hang on to it. */
#include <stdio.h>

#include "base/clock.h"
#include "control/snapshot.h"
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
