/* The supervisor opens, and hands out what it has opened: a worker may have no access to the path. */
#include "supervisor/reopen.h"

#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include "base/log.h"

/* @p fd moves. Workers that start from here on get a copy of it too. */
static void
replace_log(struct supervisor_surroundings *around, int fd)
{
	int copy = fcntl(fd, F_DUPFD_CLOEXEC, 0);

	if (copy >= 0 && around->log_fd >= 0)
		close(around->log_fd);
	if (copy >= 0)
		around->log_fd = copy;
	log_replace_fd(fd);
}

/* Standard error is not ours to reopen; journal and syslog get a fresh connection. */
void
reopen_log(struct supervisor_surroundings *around, struct generations *all, const char *target)
{
	bool is_stderr = strcmp(target, "stderr") == 0;
	enum log_protocol protocol;
	struct err e = { 0 };
	int fd = -1;

	if (!is_stderr && log_target_open(target, &fd, &protocol, &e) < 0) {
		log_error("log_reopen_failed", LOG_S("target", target), LOG_S("error", e.text),
			LOG_S("msg", "the log goes on where it was"));
		fd = -1;
	}
	generations_reopen(all, fd);
	if (fd >= 0)
		replace_log(around, fd);
	if (fd >= 0 || is_stderr)
		log_notice("reopened", LOG_S("target", target));
}
