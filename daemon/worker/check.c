/* The very way that a start goes, up to the point where an instance would be started. */
#include "worker/check.h"

#include "control/snapshot.h"
#include "net/tls_clients.h"
#include "worker/instances.h"

size_t
worker_check_count(const struct snapshot *snapshot)
{
	return snapshot->config->listener_count + snapshot->config->daemon.observer_count;
}

int
worker_check(const struct snapshot *snapshot, size_t which, bool plugin_only, struct cfg_report *report,
	bool *ret_serves)
{
	struct tls_clients *clients = NULL;
	struct instances instances;
	int code = instances_build(snapshot, NULL, which, report, &instances);

	if (code == 0 && which < snapshot->config->listener_count)
		*ret_serves = instances_serves(&instances, snapshot, which);
	if (code == 0 && !plugin_only) {
		code = tls_clients_build(snapshot, instances_name_tls, &instances, true, report, &clients);
		if (code == 0)
			tls_clients_unref(clients);
	}
	instances_fini(&instances);
	return code;
}
