/* The adapter between two neighbours that do not know each other. Each function here is where a message will
 * be sent once supervisor and worker are two processes; so nothing is added and nothing decided. */
#include "run/single.h"

#include "supervisor/supervisor.h"
#include "worker/worker.h"

static int
start(struct snapshot *snapshot, struct cfg_report *report, bool *serves, void **ret_worker, struct err *e)
{
	struct worker *w = NULL;
	int code = worker_new(snapshot, report, serves, &w, e);

	if (code == 0)
		*ret_worker = w;
	return code;
}

static void
drain(void *worker, int64_t timeout_ms, int64_t spread_ms)
{
	worker_drain(worker, timeout_ms, spread_ms);
}

static void
shutdown_now(void *worker)
{
	worker_shutdown(worker);
}

static void
reopen(void *worker)
{
	worker_reopen(worker);
}

static void
tell(void *worker, const char *event, const char *text)
{
	worker_tell(worker, event, text);
}

static struct supervisor_counts
counts(void *worker)
{
	struct worker_counts n = worker_counts(worker);

	return (struct supervisor_counts){
		.open = n.open,
		.served = n.served,
		.drained = n.drained,
		.forced = n.forced,
	};
}

static int
done_fd(void *worker)
{
	return worker_done_fd(worker);
}

static void
end(void *worker)
{
	worker_free(worker);
}

static const struct supervisor_worker_ops ops = {
	.start = start,
	.drain = drain,
	.shutdown = shutdown_now,
	.reopen = reopen,
	.tell = tell,
	.counts = counts,
	.done_fd = done_fd,
	.end = end,
};

int
single_serve(struct config *config, struct cfg_report *report, int log_level, bool announce)
{
	return supervisor_run(&(struct supervisor_options){
		.config = config,
		.report = report,
		.worker_ops = &ops,
		.log_level = log_level,
		.announce = announce,
	});
}
