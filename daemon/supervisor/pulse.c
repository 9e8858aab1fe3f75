/* A stopped process looks like an idle one from outside: its socket takes orders, its loops are in no plugin.
 * So it is asked. SIGABRT comes first, since it brings a backtrace of where the main thread hangs; a process
 * that was stopped does not take it, and is killed a turn later. A process that gets no processor looks the
 * same once more, but that the kernel says so, and so does one that waits for a disk. */
#include "supervisor/pulse.h"

#include "base/log.h"
#include "control/watch.h"
#include "supervisor/generations.h"
#include "supervisor/post_mortem.h"

enum { EVERY_MS = 5000, RELOAD_MS = 10000 };

static void
tell_of_plugin(const struct generation *g, const struct watch_name *n, uint32_t entry, int64_t ms)
{
	log_warning("worker_waits", LOG_U("generation", g->number), LOG_S("plugin", n->plugin),
		LOG_S("listener", n->listener), LOG_S("entry", watch_entry_name(entry)), LOG_I("ms", ms),
		LOG_S("msg", "reloads and sockctl wait for this plugin; who is served does not"));
}

void
pulse_feel(struct generation *g, const struct supervisor_worker_ops *ops, int64_t now_ms, int64_t limit_ms)
{
	struct pulse *p = &g->pulse;
	struct thread_look look;
	struct watch_name n;
	uint32_t entry;
	bool known;

	if (p->asked_ms != 0 && now_ms - p->asked_ms < EVERY_MS)
		return;
	known = ops->look != NULL && ops->look(g->worker, 0, &look) == 0;
	excuse_look(&p->excuse, known ? &look : NULL, now_ms);
	if (!ops->knock(g->worker)) {
		*p = (struct pulse){ .asked_ms = now_ms, .lived_ms = now_ms };
	} else if (post_mortem_main_runs(g->post_mortem, &n, &entry)) {
		p->lived_ms = now_ms;
		p->excuse.ms = p->excuse.kept_ms = 0;
		if (!p->told_of_plugin && now_ms - p->asked_ms >= limit_ms)
			tell_of_plugin(g, &n, entry, now_ms - p->asked_ms);
		p->told_of_plugin |= now_ms - p->asked_ms >= limit_ms;
	} else if (now_ms - p->lived_ms - excuse_ms(&p->excuse) >= limit_ms + RELOAD_MS && !p->told) {
		p->told = true;
		log_error("worker_silent", LOG_U("generation", g->number), LOG_I("ms", now_ms - p->lived_ms),
			LOG_S("msg", "it was stopped, or its main thread hangs; it is ended"));
		ops->abort(g->worker, 0);
	} else if (p->told) {
		ops->kill(g->worker);
	}
}
