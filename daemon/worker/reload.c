/* Going over to another snapshot in place. */
#include "worker/worker.h"

#include <errno.h>

#include "control/snapshot.h"

int
worker_reload(struct worker *w, struct snapshot *snapshot, struct cfg_report *report, struct strbuf *verdict,
	struct err *e)
{
	(void)w, (void)report, (void)verdict; /* nothing is looked at before it is refused */
	snapshot_free(snapshot);
	return err_set(e, -ENOSYS, "this version cannot reload: restart it to apply a changed configuration");
}
