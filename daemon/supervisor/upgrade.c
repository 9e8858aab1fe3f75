/* An upgrade in steps, of which only the last can't be undone by simply not going on:
 *
 * 1. The file that lies where this program was started from is opened, once; from here on it is meant by
 * descriptor. A reload that runs is waited for, and others wait for the upgrade, or the new worker would
 * begin with a configuration that is not served any more.
 * 2. A child runs it with --adopt-check on the state of this process: can it read all of it?
 * 3. It runs as a worker on the snapshot that is served, beside the workers that there are. From `ready` on
 * both serve.
 * 4. Everything is written down, and this process executes it. It has ten seconds to speak with its worker;
 * otherwise this program is executed again, and finds all as it was (adopt.c). Whichever goes on tells those
 * who asked for the upgrade (admin_takeover.c). */
#include "supervisor/upgrade.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "base/fdutil.h"
#include "base/log.h"
#include "config/report.h"
#include "control/snapshot.h"
#include "supervisor/admin.h"
#include "supervisor/admin_socket.h"
#include "supervisor/adopt.h"
#include "supervisor/identity.h"
#include "supervisor/rehearsal.h"
#include "supervisor/reload.h"
#include "supervisor/state.h"
#include "supervisor/snapshot_build.h"

enum { READY_MS = 30000, QUIET_MS = 2000, ASK_AGAIN_MS = 20, TEXT_MAX = 800 };

enum step { UPGRADE_IDLE, UPGRADE_RELOAD, UPGRADE_REHEARSAL, UPGRADE_WORKER, UPGRADE_LEAVING };

struct upgrade {
	struct upgrade_options options;
	enum step step;
	int new_fd, old_fd;          /* owned */
	struct rehearsal *rehearsal; /* owned */
	struct event *timeout;       /* owned: of the step, or to ask again */
	unsigned generation;         /* that of the new program */
	struct identity before;      /* owned: of the workers that there were */
	bool other_identity;         /* the options' is that of the new program's worker */
	bool tells;                  /* the new program can tell those who asked for it how it went */
	struct cfg_report report;
	int64_t quiet_by_ms;
	uint64_t steps; /* of all so far */
	upgrade_reply_fn *reply;
	void *arg;
};

static void
drop_fd(int *fd)
{
	cleanup_fd(fd);
	*fd = -1;
}

static void
reset(struct upgrade *u)
{
	rehearsal_free(u->rehearsal);
	u->rehearsal = NULL;
	event_del(u->timeout);
	drop_fd(&u->new_fd);
	drop_fd(&u->old_fd);
	cfg_report_fini(&u->report);
	if (u->other_identity) {
		identity_fini(u->options.identity);
		*u->options.identity = u->before;
		u->other_identity = false;
	}
	u->generation = 0;
	u->tells = false;
	if (u->step != UPGRADE_IDLE)
		reload_let_go(service_reload(u->options.service));
	u->step = UPGRADE_IDLE;
}

static void
enter(struct upgrade *u, enum step step)
{
	u->step = step;
	u->steps++;
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
	char text[TEXT_MAX], note[80];
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
	if (u->tells && *o->admin != NULL)
		admin_pack_clients(w, *o->admin);
	else
		pack_u32(&w->body, 0);
	pack_u32(&w->body, reload_is_due(service_reload(o->service)));
	reload_pack_held(service_reload(o->service), &w->body);
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

static void
ask_again(struct upgrade *u)
{
	event_add(u->timeout, &(struct timeval){ .tv_usec = ASK_AGAIN_MS * 1000 });
}

/* Nothing may be half-way to a worker: whoever comes next could not finish the sentence. Nor to a client, but
 * one that does not take its answer cannot keep the upgrade from taking place. */
static void
leave_when_quiet(struct upgrade *u)
{
	const struct admin *admin = *u->options.admin;
	bool workers = generations_are_quiet(service_generations(u->options.service));

	u->quiet_by_ms -= ASK_AGAIN_MS;
	if (workers && (admin == NULL || admin_is_quiet(admin) || u->quiet_by_ms <= 0))
		leave(u);
	else if (u->quiet_by_ms <= 0)
		fail(u, -EAGAIN, "a worker does not take its orders");
	else
		ask_again(u);
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
	enter(u, UPGRADE_LEAVING);
	u->quiet_by_ms = QUIET_MS;
	if (!u->tells) { /* then this is the last moment at which somebody can */
		snprintf(text, sizeof text, "{\"generation\": %u}", g->number);
		answer(u, 0, text);
	}
	ask_again(u);
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
on_rehearsed(void *arg, int code, const char *text, uint32_t reads)
{
	struct upgrade *u = arg;
	struct err e = { 0 };

	if (code < 0) {
		fail(u, code, "%s", text);
	} else if (start_worker(u, &e) < 0) {
		fail(u, -EPROTO, "%s", e.text);
	} else {
		u->tells = reads >= STATE_WITH_CLIENTS;
		enter(u, UPGRADE_WORKER);
		event_add(u->timeout, &(struct timeval){ .tv_sec = READY_MS / 1000 });
	}
}

static void begin_after_reload(struct upgrade *u);

static void
on_timeout(evutil_socket_t fd, short what, void *arg)
{
	struct upgrade *u = arg;

	(void)fd, (void)what; /* a timer has neither */
	if (u->step == UPGRADE_LEAVING)
		leave_when_quiet(u);
	else if (u->step == UPGRADE_RELOAD)
		begin_after_reload(u);
	else
		fail(u, -ETIMEDOUT, "the new program's worker was not ready after %d s", READY_MS / 1000);
}

static int
rehearse(struct upgrade *u, struct err *e)
{
	struct rehearsal_options o = { .base = u->options.base,
		.program_fd = u->new_fd,
		.program = u->options.exe_path,
		.done = on_rehearsed,
		.arg = u };
	struct state_writer w;
	auto_of(fd) int state_fd = -1;
	int code = write_state(u, &w);

	if (code == 0)
		code = fd_memfd("sockd-state", w.body.data, w.body.size, &state_fd);
	state_writer_fini(&w);
	if (code < 0)
		return err_set(e, code, "cannot write down what there is: %s", strerror(-code));
	o.state_fd = state_fd;
	enter(u, UPGRADE_REHEARSAL);
	return rehearsal_start(&o, &u->rehearsal, e);
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

static void
begin_after_reload(struct upgrade *u)
{
	struct service *s = u->options.service;
	struct err e = { 0 };

	if (reload_hold(service_reload(s)))
		ask_again(u); /* it takes half a minute at most */
	else if (generations_starting(service_generations(s)))
		fail(u, -EAGAIN, "a worker is just being started");
	else if (open_programs(u, &e) < 0 || rehearse(u, &e) < 0)
		fail(u, e.code, "%s", e.text);
}

void
upgrade_request(struct upgrade *u, const char *reason, upgrade_reply_fn *reply, void *arg)
{
	struct service *s = u->options.service;

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
	else if (!service_serves(s))
		fail(u, -EAGAIN, "it is ending, or has not started yet");
	else {
		enter(u, UPGRADE_RELOAD);
		begin_after_reload(u);
	}
}

void
upgrade_abandon(struct upgrade *u, const char *why)
{
	if (u != NULL && u->step != UPGRADE_IDLE)
		fail(u, -ESHUTDOWN, "%s", why);
}

uint64_t
upgrade_steps(const struct upgrade *u)
{
	return u->steps;
}

int
upgrade_new(const struct upgrade_options *options, struct upgrade **ret, struct err *e)
{
	struct upgrade *u = mem_new(*u);

	if (u == NULL)
		return err_set(e, -ENOMEM, "out of memory");
	*u = (struct upgrade){ .options = *options, .new_fd = -1, .old_fd = -1 };
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
