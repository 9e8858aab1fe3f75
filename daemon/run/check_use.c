/* Uses are counted through: the listeners, then the observers.
 *
 * A child of the supervisor has more than a worker may have: the rights of root, and every descriptor, among
 * them the control sockets of the workers. Both are given up before the first plugin is opened. */
#include "run/check_use.h"

#include <errno.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/fdutil.h"
#include "control/snapshot.h"
#include "supervisor/identity.h"
#include "worker/check.h"
#include "worker/process_setup.h"

static const struct check_use *
use_of(const void *arg)
{
	return arg;
}

static int
keep_only(const struct snapshot *snapshot, int answer_fd)
{
	size_t count = snapshot->plugin_count + 1;
	auto_of(mem) int *fds = calloc(count, sizeof *fds);

	if (fds == NULL)
		return -ENOMEM;
	for (size_t i = 0; i < snapshot->plugin_count; i++)
		fds[i] = snapshot->plugins[i].fd;
	fds[count - 1] = answer_fd;
	return fd_close_others(fds, count);
}

static int
begin(void *arg, int answer_fd, struct err *e)
{
	const struct identity *i = use_of(arg)->identity;
	const struct process_user user = { .drop = i->drop,
		.uid = i->uid,
		.gid = i->gid,
		.groups = i->groups,
		.group_count = i->group_count };
	int code;

	process_setup();
	code = keep_only(use_of(arg)->snapshot, answer_fd);
	if (code < 0)
		return err_set(e, code, "cannot close what is not a plugin's");
	return process_become(&user, e);
}

static void
check_one(void *arg, size_t which, struct cfg_report *report, bool *ret_serves)
{
	const struct check_use *use = use_of(arg);

	if (worker_check(use->snapshot, which, use->plugins_only, report, ret_serves) == -ENOMEM)
		cfg_report_no_memory(report);
}

static void
blame(void *arg, size_t which, char what[CHECK_BLAME_SIZE], const struct cfg_place **ret_place)
{
	const struct config *c = use_of(arg)->snapshot->config;
	bool is_listener = which < c->listener_count;
	const struct cfg_observer *o = is_listener ? NULL : &c->daemon.observers[which - c->listener_count];

	*ret_place = is_listener ? &c->listeners[which].plugin_place : &o->plugin_place;
	snprintf(what, CHECK_BLAME_SIZE, "plugin '%s'", is_listener ? c->listeners[which].plugin : o->plugin);
}

struct check_job
check_use_job(const struct check_use *use)
{
	return (struct check_job){
		.begin = begin,
		.check = check_one,
		.blame = blame,
		.arg = (void *)(uintptr_t)use, /* nobody writes to it */
		.count = worker_check_count(use->snapshot),
	};
}
