/* An upgrade in steps, of which only the last can't be undone by simply not going on:
 *
 * 1. The file that lies where this program was started from is opened, once; from here on it is meant by
 * descriptor.
 * 2. A child runs it with --adopt-check on the state of this process: can it read all of it?
 * 3. It runs as a worker on the snapshot that is served, beside the workers that there are. From `ready` on
 * both serve.
 * 4. Everything is written down, and this process executes it. It has ten seconds to speak with its worker;
 * otherwise this program is executed again, and finds all as it was (adopt.c). */
#include "supervisor/upgrade.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <signal.h>
#include <spawn.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/pidfd.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/fdutil.h"
#include "base/log.h"
#include "config/report.h"
#include "control/snapshot.h"
#include "supervisor/admin.h"
#include "supervisor/admin_socket.h"
#include "supervisor/adopt.h"
#include "supervisor/state.h"
#include "supervisor/identity.h"
#include "supervisor/snapshot_build.h"

enum {
	REHEARSAL_MS = 10000,
	READY_MS = 30000,
	QUIET_MS = 2000,
	ASK_AGAIN_MS = 20,
	STATE_FD = 3,
	WORDS_MAX = 600
};

enum step { UPGRADE_IDLE, UPGRADE_REHEARSAL, UPGRADE_WORKER, UPGRADE_LEAVING };

struct upgrade {
	struct upgrade_options options;
	enum step step;
	int new_fd, old_fd; /* owned */
	pid_t child;
	int child_fd, words_fd;                 /* owned */
	struct event *exited, *words, *timeout; /* owned */
	char said[WORDS_MAX];
	size_t said_size;
	unsigned generation;    /* that of the new program */
	struct identity before; /* owned: of the workers that there were */
	bool other_identity;    /* the options' is that of the new program's worker */
	struct cfg_report report;
	int64_t quiet_by_ms;
	upgrade_reply_fn *reply;
	void *arg;
};

static void
drop_event(struct event **event)
{
	if (*event != NULL)
		event_free(*event);
	*event = NULL;
}

static void
drop_fd(int *fd)
{
	cleanup_fd(fd);
	*fd = -1;
}

static void
reset(struct upgrade *u)
{
	if (u->child > 0) {
		kill(u->child, SIGKILL);
		waitpid(u->child, NULL, 0);
	}
	u->child = 0;
	drop_event(&u->exited);
	drop_event(&u->words);
	event_del(u->timeout);
	drop_fd(&u->child_fd);
	drop_fd(&u->words_fd);
	drop_fd(&u->new_fd);
	drop_fd(&u->old_fd);
	cfg_report_fini(&u->report);
	if (u->other_identity) {
		identity_fini(u->options.identity);
		*u->options.identity = u->before;
		u->other_identity = false;
	}
	u->said_size = 0;
	u->generation = 0;
	u->step = UPGRADE_IDLE;
}

static struct generation *
its_generation(const struct upgrade *u)
{
	struct generation *g = generations_first(service_generations(u->options.service));

	while (g != NULL && g->number != u->generation)
		g = g->next;
	return u->generation != 0 ? g : NULL;
}

static void
answer(struct upgrade *u, int code, const char *text)
{
	upgrade_reply_fn *reply = u->reply;

	u->reply = NULL;
	if (reply != NULL)
		reply(u->arg, code, text);
}

/* The service goes on as before. */
static void fail(struct upgrade *u, int code, const char *format, ...) printf_like(3, 4);
static void
fail(struct upgrade *u, int code, const char *format, ...)
{
	const struct cfg_daemon *d = &service_snapshot(u->options.service)->config->daemon;
	struct generation *g = its_generation(u);
	char text[WORDS_MAX + 200], note[80];
	va_list args;

	va_start(args, format);
	vsnprintf(text, sizeof text, format, args);
	va_end(args);
	log_error("upgrade_failed", LOG_S("error", text), LOG_S("msg", "this sockd goes on as before"));
	snprintf(note, sizeof note, "upgrade failed: %.50s", text);
	service_note(u->options.service, note);
	u->generation = 0; /* its end is no news any more */
	if (g != NULL && g->state == GENERATION_SERVING)
		generation_drain(g, d->shutdown_timeout_ms, d->shutdown_spread_ms);
	else if (g != NULL)
		service_ops(u->options.service)->kill(g->worker);
	reset(u);
	answer(u, code, text);
}

/* ---- 4: leaving ---- */

static int
write_state(const struct upgrade *u, struct state_writer *w)
{
	const struct upgrade_options *o = &u->options;
	const struct adopt_head head = {
		.exe_path = o->exe_path,
		.started_ms = o->started_ms,
		.log_level = o->log_level,
		.log_fd = o->surroundings->log_fd,
		.log_protocol = o->surroundings->log_protocol,
		.log_json = o->surroundings->log_json,
		.snapshot = service_snapshot(o->service),
	};

	state_begin(w);
	adopt_pack_head(w, &head);
	snapshot_sockets_pack(w, o->sockets);
	admin_socket_pack(w, *o->admin != NULL ? admin_socket_of(*o->admin) : NULL);
	service_pack_orders(w, o->service);
	generations_pack(w, service_generations(o->service));
	return w->body.failed ? -ENOMEM : 0;
}

static void
set_inherited(const struct state_writer *w, int state_fd, int old_fd, bool inherited)
{
	for (size_t i = 0; i < w->count; i++)
		fcntl(w->fds[i], F_SETFD, inherited ? 0 : FD_CLOEXEC);
	fcntl(state_fd, F_SETFD, inherited ? 0 : FD_CLOEXEC);
	fcntl(old_fd, F_SETFD, inherited ? 0 : FD_CLOEXEC);
}

static void
leave(struct upgrade *u)
{
	struct state_writer w;
	auto_of(fd) int state_fd = -1;
	int code = write_state(u, &w);

	if (code == 0)
		code = fd_memfd("sockd-state", w.body.data, w.body.size, &state_fd);
	if (code < 0) {
		state_writer_fini(&w);
		fail(u, code, "cannot write down what there is: %s", strerror(-code));
		return;
	}
	log_notice("handing_over", LOG_S("program", u->options.exe_path), LOG_U("generation", u->generation));
	log_flush();
	set_inherited(&w, state_fd, u->old_fd, true);
	alarm(ADOPT_PATIENCE_S);
	code = adopt_exec(u->new_fd, state_fd, u->old_fd, NULL);
	alarm(0);
	set_inherited(&w, state_fd, u->old_fd, false);
	state_writer_fini(&w);
	fail(u, code, "cannot execute %s: %s", u->options.exe_path, strerror(-code));
}

/* Nothing may be half-way to a worker: whoever comes next could not finish the sentence. */
static void
leave_when_quiet(struct upgrade *u)
{
	if (generations_are_quiet(service_generations(u->options.service))) {
		leave(u);
		return;
	}
	u->quiet_by_ms -= ASK_AGAIN_MS;
	if (u->quiet_by_ms <= 0)
		fail(u, -EAGAIN, "a worker does not take its orders");
	else
		event_add(u->timeout, &(struct timeval){ .tv_usec = ASK_AGAIN_MS * 1000 });
}

/* ---- 3: its worker ---- */

/* A user or a group that the file names since a reload had to wait for this. */
static int
change_identity(struct upgrade *u, const struct config *config, struct err *e)
{
	struct identity next;
	int code = identity_look_up(config, &u->report, &next);

	if (code == 0) {
		u->before = *u->options.identity;
		*u->options.identity = next;
		u->other_identity = true;
		code = identity_check_rights(&next, config, &u->report);
	}
	if (code < 0)
		return err_set(
			e, code, "%s", u->report.count > 0 ? u->report.findings[0].text : strerror(-code));
	return 0;
}

static int
start_worker(struct upgrade *u, struct err *e)
{
	const struct snapshot *now = service_snapshot(u->options.service);
	struct generations *all = service_generations(u->options.service);
	struct snapshot *copy = NULL;
	int code = change_identity(u, now->config, e);

	if (code < 0)
		return code;
	code = snapshot_copy(now, &copy);
	if (code < 0)
		return err_set(e, code, "cannot copy the snapshot: %s", strerror(-code));
	copy->loops = snapshot_loops(copy->config); /* what had to wait for another worker */
	code = service_prepare(u->options.service, copy, e);
	if (code == 0)
		code = generations_start(all, copy, u->new_fd, &u->report, e);
	snapshot_free(copy);
	if (code == 0)
		u->generation = generations_first(all)->number;
	return code;
}

bool
upgrade_on_ready(struct upgrade *u, const struct generation *g)
{
	char text[64];

	if (u == NULL || u->step != UPGRADE_WORKER || g->number != u->generation)
		return false;
	u->step = UPGRADE_LEAVING;
	u->quiet_by_ms = QUIET_MS;
	snprintf(text, sizeof text, "{\"generation\": %u}", g->number);
	answer(u, 0, text);
	event_add(u->timeout,
		&(struct timeval){ .tv_usec = 5 * ASK_AGAIN_MS * 1000 }); /* for the answer to leave */
	return true;
}

bool
upgrade_on_ended(struct upgrade *u, const struct generation *g, const struct err *e)
{
	if (u == NULL || u->step == UPGRADE_IDLE || u->generation == 0 || g->number != u->generation)
		return false;
	u->generation = 0;
	if (u->report.count > 0)
		fail(u, -EPROTO, "the new program's worker does not start: %s", u->report.findings[0].text);
	else
		fail(u, -EPROTO, "the new program's worker does not start: %s", e->text);
	return true;
}

/* ---- 2: the rehearsal ---- */

static void
on_words(evutil_socket_t fd, short what, void *arg)
{
	struct upgrade *u = arg;
	char rest[256];
	size_t room = sizeof u->said - 1 - u->said_size;
	ssize_t n = read(fd, room > 0 ? u->said + u->said_size : rest, room > 0 ? room : sizeof rest);

	(void)what; /* only ever readable */
	if (n > 0 && room > 0)
		u->said_size += (size_t)n;
	if (n == 0)
		event_del(u->words);
}

/* What it said, as one line. */
static const char *
words(struct upgrade *u)
{
	u->said[u->said_size] = '\0';
	for (char *p = u->said; *p != '\0'; p++)
		if (*p == '\n')
			*p = ' ';
	while (u->said_size > 0 && u->said[u->said_size - 1] == ' ')
		u->said[--u->said_size] = '\0';
	return u->said_size > 0 ? u->said : "it says nothing";
}

static void
on_rehearsed(evutil_socket_t fd, short what, void *arg)
{
	struct upgrade *u = arg;
	siginfo_t info = { 0 };
	struct err e = { 0 };

	(void)what; /* only ever readable */
	on_words(u->words_fd, EV_READ, u);
	if (waitid(P_PIDFD, (id_t)fd, &info, WEXITED) < 0)
		info.si_code = CLD_KILLED;
	u->child = 0;
	event_del(u->timeout);
	if (info.si_code != CLD_EXITED) {
		fail(u, -EPROTO, "the new program crashes (signal %d): %s", info.si_status, words(u));
	} else if (info.si_status != 0) {
		fail(u, -EPROTO, "the new program does not take over (status %d): %s", info.si_status,
			words(u));
	} else if (start_worker(u, &e) < 0) {
		fail(u, -EPROTO, "%s", e.text);
	} else {
		u->step = UPGRADE_WORKER;
		event_add(u->timeout, &(struct timeval){ .tv_sec = READY_MS / 1000 });
	}
}

static void
on_timeout(evutil_socket_t fd, short what, void *arg)
{
	struct upgrade *u = arg;

	(void)fd, (void)what; /* a timer has neither */
	if (u->step == UPGRADE_LEAVING)
		leave_when_quiet(u);
	else if (u->step == UPGRADE_REHEARSAL)
		fail(u, -ETIMEDOUT, "the new program has not checked the state after %d s",
			REHEARSAL_MS / 1000);
	else
		fail(u, -ETIMEDOUT, "the new program's worker was not ready after %d s", READY_MS / 1000);
}

static int
spawn(struct upgrade *u, int state_fd, int words_fd, struct err *e)
{
	char program[] = "sockd", option[] = "--adopt-check", number[] = "3"; /* STATE_FD */
	char *const argv[] = { program, option, number, NULL };
	posix_spawn_file_actions_t actions;
	char path[32];
	int error;

	snprintf(path, sizeof path, "/proc/self/fd/%d", u->new_fd);
	posix_spawn_file_actions_init(&actions);
	error = posix_spawn_file_actions_adddup2(&actions, words_fd, STDOUT_FILENO);
	if (error == 0)
		error = posix_spawn_file_actions_adddup2(&actions, words_fd, STDERR_FILENO);
	if (error == 0)
		error = posix_spawn_file_actions_adddup2(&actions, state_fd, STATE_FD);
	if (error == 0)
		error = posix_spawn(&u->child, path, &actions, NULL, argv, environ);
	posix_spawn_file_actions_destroy(&actions);
	if (error != 0) {
		u->child = 0;
		return err_set(e, -error, "cannot execute %s: %s", u->options.exe_path, strerror(error));
	}
	u->child_fd = pidfd_open(u->child, 0);
	return u->child_fd >= 0 ? 0 : err_errno(e, "cannot watch the new program");
}

static int
rehearse(struct upgrade *u, struct err *e)
{
	struct state_writer w;
	auto_of(fd) int state_fd = -1, words_fd = -1;
	int fds[2], code = write_state(u, &w);

	if (code == 0)
		code = fd_memfd("sockd-state", w.body.data, w.body.size, &state_fd);
	state_writer_fini(&w);
	if (code < 0)
		return err_set(e, code, "cannot write down what there is: %s", strerror(-code));
	if (pipe2(fds, O_CLOEXEC | O_NONBLOCK) < 0)
		return err_errno(e, "cannot make a pipe");
	u->words_fd = fds[0];
	words_fd = fds[1];
	code = spawn(u, state_fd, words_fd, e);
	if (code < 0)
		return code;
	u->exited = event_new(u->options.base, u->child_fd, EV_READ, on_rehearsed, u);
	u->words = event_new(u->options.base, u->words_fd, EV_READ | EV_PERSIST, on_words, u);
	if (u->exited == NULL || u->words == NULL || event_add(u->exited, NULL) < 0 ||
		event_add(u->words, NULL) < 0 ||
		event_add(u->timeout, &(struct timeval){ .tv_sec = REHEARSAL_MS / 1000 }) < 0)
		return err_set(e, -ENOMEM, "out of memory");
	u->step = UPGRADE_REHEARSAL;
	return 0;
}

/* ---- 1: the file ---- */

static int
open_programs(struct upgrade *u, struct err *e)
{
	if (u->options.exe_path == NULL)
		return err_set(e, -ENOENT, "it is not known where this program was started from");
	u->new_fd = open(u->options.exe_path, O_RDONLY | O_CLOEXEC);
	if (u->new_fd < 0)
		return err_errno(e, "cannot open %s", u->options.exe_path);
	u->old_fd = open("/proc/self/exe", O_RDONLY | O_CLOEXEC);
	return u->old_fd >= 0 ? 0 : err_errno(e, "cannot keep the program that runs");
}

void
upgrade_request(struct upgrade *u, const char *reason, upgrade_reply_fn *reply, void *arg)
{
	struct service *s = u->options.service;
	struct err e = { 0 };

	if (u->step != UPGRADE_IDLE) {
		if (reply != NULL)
			reply(arg, -EBUSY, "an upgrade is under way already");
		return;
	}
	u->reply = reply;
	u->arg = arg;
	log_notice("upgrading", LOG_S("reason", reason), LOG_S("program", u->options.exe_path));
	if (service_ops(s)->pack == NULL)
		fail(u, -ENOTSUP, "a single process cannot upgrade: restart it to run a new program");
	else if (!service_serves(s) || !generations_are_quiet(service_generations(s)))
		fail(u, -EAGAIN, "it is ending, or a worker is just being started");
	else if (open_programs(u, &e) < 0 || rehearse(u, &e) < 0)
		fail(u, e.code, "%s", e.text);
}

void
upgrade_abandon(struct upgrade *u, const char *why)
{
	if (u != NULL && u->step != UPGRADE_IDLE)
		fail(u, -ESHUTDOWN, "%s", why);
}

int
upgrade_new(const struct upgrade_options *options, struct upgrade **ret, struct err *e)
{
	struct upgrade *u = mem_new(*u);

	if (u == NULL)
		return err_set(e, -ENOMEM, "out of memory");
	*u = (struct upgrade){
		.options = *options, .new_fd = -1, .old_fd = -1, .child_fd = -1, .words_fd = -1
	};
	u->timeout = event_new(options->base, -1, 0, on_timeout, u);
	if (u->timeout == NULL) {
		free(u);
		return err_set(e, -ENOMEM, "out of memory");
	}
	*ret = u;
	return 0;
}

void
upgrade_free(struct upgrade *u)
{
	if (u == NULL)
		return;
	reset(u);
	answer(u, -ESHUTDOWN, "it is ending");
	event_free(u->timeout);
	free(u);
}
