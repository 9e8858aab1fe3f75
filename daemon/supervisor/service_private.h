/* What service.c and service_view.c share. */
#ifndef SUPERVISOR_SERVICE_PRIVATE_H
#define SUPERVISOR_SERVICE_PRIVATE_H

#include "config/report.h"
#include "guard/bans.h"
#include "supervisor/backoff.h"
#include "supervisor/holds.h"
#include "supervisor/log_watch.h"
#include "supervisor/service.h"
#include "supervisor/status.h"

enum phase {
	SERVICE_STARTING,
	SERVICE_SERVING,
	SERVICE_DRAINING,
	SERVICE_STOPPING,
	SERVICE_OVER,
	SERVICE_STUCK,
	SERVICE_FAILED,
	SERVICE_PHASE_COUNT
};

struct service {
	struct service_options options;
	struct snapshot *snapshot;       /* owned: what is served */
	struct generations *generations; /* owned */
	struct event *tick, *restart;    /* owned */
	struct backoff backoff;
	int64_t worker_started_ms;
	int64_t ticked_ms, watching_ms; /* of the clock by which workers are watched */
	int64_t watchdog_ms;            /* the manager's patience; 0: it does not watch */
	bool for_good;                  /* no other is started after us */
	bool killed;                    /* a worker did not end, and was ended by force */
	enum phase phase;
	int64_t started_ms;
	int64_t deadline_ms; /* monotonic; CLOCK_NEVER: none */
	int64_t open_at_drain;
	struct status status;
	struct err error;                  /* SERVICE_FAILED */
	struct certificates *certificates; /* borrowed; NULL until they are known */
	struct reload *reload;             /* borrowed; NULL: not yet */
	struct upgrade *upgrade;           /* borrowed; NULL: not yet */
	struct ban_list bans;
	struct holds holds;
	struct strbuf orders; /* both as text, as the last worker that was started began with them */
	unsigned adopting;    /* the generation whose hello ends a takeover; 0: none */
	char note[STATUS_SIZE - 80];
	struct log_watch log_watch;
	struct cfg_report report; /* of a worker that replaces another */
};

/** Tell a worker that is ready what was ordered since it was started. */
void service_give_orders(struct service *s, void *worker);

/** Until the deadline, not below 0; -1: there is none. */
int64_t service_left_ms(const struct service *s);

/** To the service manager, if it is news. */
void service_tell_status(struct service *s, bool at_once);

#endif
