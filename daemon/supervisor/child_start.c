/* How a worker process comes to life. It executes the file that this process runs, by descriptor and not by a
 * path that a package manager may have replaced meanwhile, says hello, and is then told all that it is to
 * know. */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <spawn.h>
#include <stdio.h>
#include <string.h>
#include <sys/pidfd.h>
#include <unistd.h>

#include "base/log.h"
#include "base/pack.h"
#include "control/snapshot_pack.h"
#include "supervisor/child_private.h"
#include "supervisor/counters.h"
#include "supervisor/identity.h"
#include "supervisor/post_mortem.h"

enum {
	HELLO_MS = 10000,
	WORKER_FD = 3, /* where a worker finds its end of the control socket */
};

/* @param fd  the worker's end of the control socket; borrowed */
static int
spawn(struct child *c, int fd, struct err *e)
{
	char program[] = "sockd", option[] = "--worker", number[] = "3"; /* WORKER_FD */
	char executable[32] = "/proc/self/exe";
	char *const argv[] = { program, option, number, NULL };
	posix_spawn_file_actions_t actions;
	posix_spawnattr_t attributes;
	sigset_t none;
	int error;

	if (c->start.exec_fd >= 0)
		snprintf(executable, sizeof executable, "/proc/self/fd/%d", c->start.exec_fd);
	sigemptyset(&none);
	posix_spawn_file_actions_init(&actions);
	posix_spawnattr_init(&attributes);
	error = posix_spawn_file_actions_adddup2(&actions, fd, WORKER_FD);
	if (error == 0)
		error = posix_spawnattr_setsigmask(&attributes, &none);
	if (error == 0)
		error = posix_spawnattr_setflags(&attributes, POSIX_SPAWN_SETSIGMASK);
	if (error == 0)
		error = posix_spawn(&c->pid, executable, &actions, &attributes, argv, environ);
	posix_spawn_file_actions_destroy(&actions);
	posix_spawnattr_destroy(&attributes);
	if (error != 0) {
		c->pid = 0;
		return err_set(e, -error, "cannot start a worker: %s", strerror(error));
	}
	c->pidfd = pidfd_open(c->pid, 0);
	return c->pidfd >= 0 ? 0 : err_errno(e, "cannot watch the worker");
}

/* The snapshot may change or go before the worker has said hello. */
static int
keep_first(struct child *c, const struct snapshot *s, struct err *e)
{
	int log_fd = c->start.surroundings->log_fd;
	size_t count = PROTOCOL_START_FDS + snapshot_fd_count(s);
	auto_of(mem) int *fds = calloc(count, sizeof *fds);

	snapshot_pack(&c->snapshot, s);
	c->first_fds = calloc(count, sizeof *c->first_fds);
	if (fds == NULL || c->first_fds == NULL || c->snapshot.failed)
		return err_set(e, -ENOMEM, "out of memory");
	fds[0] = log_fd >= 0 ? log_fd : STDERR_FILENO;
	fds[1] = c->start.counters->fd;
	fds[2] = post_mortem_fd(c->start.post_mortem);
	fds[3] = c->start.occupancy_fd;
	snapshot_fds(s, fds + PROTOCOL_START_FDS);
	for (size_t i = 0; i < count; i++) {
		c->first_fds[i] = fcntl(fds[i], F_DUPFD_CLOEXEC, 0);
		if (c->first_fds[i] < 0)
			return err_errno(e, "cannot duplicate a descriptor for the worker");
		c->first_fd_count = i + 1;
	}
	return 0;
}

int
child_send_first(struct child *c)
{
	const struct supervisor_surroundings *around = c->start.surroundings;
	const struct identity *identity = around->identity;
	const struct protocol_start start = {
		.version = c->version,
		.generation = c->start.generation,
		.seat = c->start.occupancy.seat,
		.log_protocol = (uint32_t)around->log_protocol,
		.log_level = (uint32_t)log_get_level(),
		.log_json = around->log_json,
		.drop = identity->drop,
		.uid = identity->uid,
		.gid = identity->gid,
		.groups = identity->groups,
		.group_count = (uint32_t)identity->group_count,
	};
	auto_of(strbuf) struct strbuf body = { 0 };
	int code;

	protocol_start_pack(&body, &start);
	strbuf_add_bytes(&body, c->snapshot.data, c->snapshot.size);
	if (body.failed)
		return -ENOMEM;
	code = wire_send(c->wire, PROTOCOL_START, 0, body.data, body.size, c->first_fds, c->first_fd_count);
	explicit_bzero(body.data, body.size);
	child_forget_first(c);
	return code;
}

void
child_forget_first(struct child *c)
{
	for (size_t i = 0; i < c->first_fd_count; i++)
		close(c->first_fds[i]);
	free(c->first_fds);
	c->first_fds = NULL;
	c->first_fd_count = 0;
	if (c->snapshot.data != NULL)
		explicit_bzero(c->snapshot.data, c->snapshot.size);
	strbuf_fini(&c->snapshot);
}

static bool
watch_wire(struct child *c)
{
	struct event_base *base = c->start.base;

	c->readable = event_new(base, wire_fd(c->wire), EV_READ | EV_PERSIST, child_on_readable, c);
	c->writable = event_new(base, wire_fd(c->wire), EV_WRITE, child_on_writable, c);
	c->retry = event_new(base, -1, 0, child_on_writable, c);
	return c->readable != NULL && c->writable != NULL && c->retry != NULL &&
	       event_add(c->readable, NULL) == 0;
}

/* One that another supervisor has reaped already has no pidfd, and its end is told all the same. */
static bool
watch_end(struct child *c)
{
	c->exited = event_new(c->start.base, c->pidfd, c->pidfd >= 0 ? EV_READ : 0, child_on_exited, c);
	if (c->exited != NULL && c->pidfd < 0)
		event_active(c->exited, EV_READ, 0);
	return c->exited != NULL && (c->pidfd < 0 || event_add(c->exited, NULL) == 0);
}

int
child_watch(struct child *c, struct err *e)
{
	const struct timeval patience = { .tv_sec = HELLO_MS / 1000 };

	c->hello = event_new(c->start.base, -1, 0, child_on_no_hello, c);
	if (c->hello == NULL || event_add(c->hello, &patience) < 0 || !watch_end(c) ||
		(c->wire != NULL && !watch_wire(c)))
		return err_set(e, -ENOMEM, "out of memory");
	child_watch_writable(c); /* an adopted one has been told something already */
	return 0;
}

static int
connect_and_spawn(struct child *c, struct err *e)
{
	int fds[2], code = wire_pair(fds, e);

	if (code < 0)
		return code;
	if (wire_new(fds[0], &c->wire) < 0) {
		close(fds[0]);
		code = err_set(e, -ENOMEM, "out of memory");
	}
	if (code == 0)
		code = spawn(c, fds[1], e);
	close(fds[1]);
	return code;
}

int
child_begin(struct child *c, const struct supervisor_start *o, struct err *e)
{
	int code;

	c->start = *o;
	c->start.snapshot = NULL;
	c->listeners = o->snapshot->config->listener_count;
	c->pidfd = -1;
	code = keep_first(c, o->snapshot, e);
	if (code == 0)
		code = connect_and_spawn(c, e);
	return code == 0 ? child_watch(c, e) : code;
}
