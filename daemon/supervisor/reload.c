/* The steps, each of which may end it: read the files; let a child check the plugins; bind what is new; hand
 * it to the worker, which prepares and goes over, or refuses. Only then is it what is served, and what the
 * next worker starts with: a crash before that starts from what was there before.
 *
 * Nothing here waits: the child and the worker answer in their own time, and a drain that begins meanwhile
 * goes first. */
#include "supervisor/reload.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/log.h"
#include "config/load.h"
#include "config/record.h"
#include "control/snapshot.h"
#include "supervisor/certificates.h"
#include "supervisor/identity.h"
#include "supervisor/notify.h"
#include "supervisor/service.h"
#include "supervisor/snapshot_build.h"

/* Somebody who wants a verdict. */
struct request {
	struct request *next;
	const char *reason;
	enum reload_depth depth;
	reload_reply_fn *reply;
	void *arg;
};

struct reload {
	struct reload_options options;
	struct request *requests; /* owned; those that the one that runs is for */
	struct request *waiting;  /* owned; those that came since, the newest first */
	struct event *begin;      /* owned */
	uint64_t steps;           /* of all so far */
	bool runs;
	bool held;              /* see reload_hold() */
	struct config *started; /* ref: what the running worker was started with */
	struct held_keys older; /* what holds from before that */

	/* Of the one that runs. */
	enum reload_depth depth;
	const char *reason;
	int64_t began_ms;
	struct cfg_record *record; /* ref */
	struct config *config;     /* ref */
	enum cfg_extent extent;    /* how far that was understood */
	struct snapshot *next;     /* owned */
	void *check;               /* owned by the checker */
	bool bound;                /* sockets are to be committed or rolled back */
	struct cfg_report report;
	struct reload_plan plan;
	bool planned;
};

/* ---- the end of one ---- */

static void
roll_back(struct reload *r)
{
	if (r->bound)
		snapshot_sockets_roll_back(r->options.sockets, service_serves(r->options.service));
	r->bound = false;
}

static void
clean_up(struct reload *r)
{
	if (r->check != NULL)
		r->options.checker->cancel(r->check);
	roll_back(r);
	if (r->options.certificates != NULL)
		certificates_drop(r->options.certificates);
	snapshot_free(r->next);
	config_unref(r->config);
	cfg_record_unref(r->record);
	cfg_report_fini(&r->report);
	reload_plan_fini(&r->plan);
	r->check = NULL;
	r->next = NULL;
	r->config = NULL;
	r->record = NULL;
	r->planned = false;
}

static void
answer(struct reload *r, const struct reload_verdict *v)
{
	while (r->requests != NULL) {
		struct request *q = r->requests;

		r->requests = q->next;
		if (q->reply != NULL)
			q->reply(q->arg, v);
		free(q);
	}
}

static void
finish(struct reload *r, int code, const char *why)
{
	char status[256];
	struct reload_verdict v = { .ok = code == 0,
		.dry = r->depth == RELOAD_CHECK,
		.reason = r->reason,
		.code = code,
		.why = why,
		.report = &r->report,
		.plan = r->planned ? &r->plan : NULL,
		.duration_ms = clock_now_ms() - r->began_ms };

	roll_back(r); /* whoever is told finds all as it was */
	if (!v.dry) {
		reload_verdict_log(&v);
		reload_verdict_status(&v, status, sizeof status);
		service_note(r->options.service, status);
		notify_reloaded();
	}
	answer(r, &v);
	clean_up(r);
	r->steps++;
	r->runs = false;
	if (r->waiting != NULL)
		event_active(r->begin, EV_TIMEOUT, 0);
}

static void
refuse(struct reload *r, int code, const struct err *e)
{
	/* What is wrong at a place stands in the report. */
	bool told = r->report.errors > 0;

	finish(r, code, told || e->text[0] == '\0' ? "" : e->text);
}

/* ---- the steps ---- */

static void
ignore_answer(void *arg, int code, const char *text)
{
	(void)arg, (void)code, (void)text; /* a worker that is gone logs nothing */
}

/* Only if the file says another one: what was set by hand meanwhile is not undone by every reload. */
static void
change_log_level(const struct reload *r, const struct config *before, const struct config *after)
{
	struct service *s = r->options.service;
	struct generation *g = generations_serving(service_generations(s));
	char request[64];

	if (before->daemon.log_level == after->daemon.log_level || r->options.log_level >= 0)
		return;
	log_set_level(after->daemon.log_level);
	snprintf(request, sizeof request, "{\"ask\":\"log-level\",\"argument\":\"%s\"}",
		log_level_name(after->daemon.log_level));
	if (g != NULL)
		service_ops(s)->ask(g->worker, request, ignore_answer, NULL);
}

static void
commit(struct reload *r)
{
	struct snapshot *next = r->next;

	snapshot_sockets_commit(r->options.sockets, next);
	r->bound = false;
	r->next = NULL;
	if (!service_serves(r->options.service))
		snapshot_close_sockets(next); /* it is ending: nobody is to queue for them */
	service_commit(r->options.service, next);
	if (r->options.certificates != NULL)
		certificates_commit(r->options.certificates);
	change_log_level(r, r->plan.before, next->config);
	r->options.committed(r->options.arg, next);
	finish(r, 0, "");
}

static void
on_applied(void *arg, int code, const char *text)
{
	struct reload *r = arg;
	struct err e = { 0 };

	if (code == 0) {
		commit(r);
		return;
	}
	err_set(&e, code, "%s", text);
	refuse(r, code, &e);
}

/* A worker takes it over; without one, the next that starts begins with it. */
static void
apply(struct reload *r)
{
	struct generation *g = generations_serving(service_generations(r->options.service));

	r->steps++;
	if (g == NULL)
		commit(r);
	else
		service_ops(r->options.service)->reload(g->worker, r->next, &r->report, on_applied, r);
}

static void
bind_sockets(struct reload *r)
{
	struct err e = { 0 };
	int code = snapshot_renew_sockets(
		r->options.sockets, service_snapshot(r->options.service), r->next, &r->report, &e);

	if (code < 0) {
		refuse(r, code, &e);
		return;
	}
	r->bound = true;
	apply(r);
}

static void
on_checked(void *arg)
{
	struct reload *r = arg;
	struct err e = { 0 };

	r->check = NULL;
	r->steps++;
	if (!cfg_report_is_ok(&r->report))
		refuse(r, -EINVAL, &e);
	else if (!service_serves(r->options.service))
		finish(r, -ESHUTDOWN, "it is ending");
	else if (r->depth == RELOAD_CHECK)
		finish(r, 0, "");
	else
		bind_sockets(r);
}

/* ---- reading ---- */

static int
read_configuration(struct reload *r, struct err *e)
{
	int code;

	r->record = cfg_record_new(NULL);
	if (r->record == NULL)
		return err_set(e, -ENOMEM, "out of memory");
	code = config_load_rest(
		r->options.config_path, cfg_record_source(r->record), &r->config, &r->extent, &r->report);
	if (code == 0 && cfg_record_secrets(r->record, r->config) < 0)
		code = err_set(e, -ENOMEM, "out of memory");
	cfg_record_close(r->record);
	return code;
}

static int
build_snapshot(struct reload *r, struct err *e)
{
	const struct snapshot *now = service_snapshot(r->options.service);
	int code = snapshot_build_files(r->config, &r->report, &r->next, e), missing = code;

	if (code < 0 && code != -EINVAL)
		return code;
	r->next->record = cfg_record_ref(r->record);
	r->next->config_path = strdup(r->options.config_path);
	r->next->loops = now->loops; /* the running worker's; other threads come with another worker */
	if (r->next->config_path == NULL)
		return err_set(e, -ENOMEM, "out of memory");
	if (r->options.certificates != NULL)
		code = certificates_prepare(r->options.certificates, r->next, &r->report);
	if (code < 0 || missing < 0)
		return code < 0 ? code : missing;
	code = counters_assign(generations_counters(service_generations(r->options.service)), r->next, e);
	if (code == 0)
		code = reload_plan_make(now, r->next, r->started, &r->older, &r->plan);
	r->planned = code == 0;
	return code;
}

/* Of a file with errors the plugins are checked all the same, as `sockd -t` does, if it is known which they
 * are and as whom they run: a person wants all of it in one run. @return whether there is something to check
 */
static bool
build_rest(struct reload *r)
{
	struct err e = { 0 };

	if (r->config == NULL || r->extent < CFG_WORKERS)
		return false;
	return r->next != NULL || snapshot_build_files(r->config, &r->report, &r->next, &e) != -ENOMEM;
}

static void
begin(struct reload *r)
{
	struct err e = { 0 };
	bool faulty;
	int code = 0;

	r->began_ms = clock_now_ms();
	r->steps++;
	if (r->depth == RELOAD_APPLY)
		notify_reloading();
	if (r->options.config_path == NULL)
		code = err_set(
			&e, -ENOTSUP, "sockd was started without a file: there is nothing to be read again");
	else if (!service_serves(r->options.service))
		code = err_set(&e, -ESHUTDOWN, "it is ending, or has not started yet");
	if (code == 0)
		code = read_configuration(r, &e);
	if (code == 0)
		code = identity_check_change(
			service_snapshot(r->options.service)->config, r->config, &r->report);
	if (code == 0)
		code = build_snapshot(r, &e);
	faulty = code == -EINVAL && e.text[0] == '\0' && build_rest(r);
	if (code == 0 || faulty)
		code = r->options.checker->start(r->options.base, r->next, r->options.identity, faulty,
			&r->report, on_checked, r, &r->check, &e);
	if (code < 0)
		refuse(r, code, &e);
}

/* ---- requests ---- */

/* All that wait are served by one; if one of them means it, it is done. */
static void
on_begin(evutil_socket_t fd, short what, void *arg)
{
	struct reload *r = arg;

	(void)fd, (void)what; /* activated by hand */
	if (r->runs || r->held || r->waiting == NULL)
		return;
	r->runs = true;
	r->depth = RELOAD_CHECK;
	while (r->waiting != NULL) {
		struct request *q = r->waiting;

		r->waiting = q->next;
		q->next = r->requests;
		r->requests = q;
		r->reason = q->reason;
		if (q->depth == RELOAD_APPLY)
			r->depth = RELOAD_APPLY;
	}
	begin(r);
}

int
reload_request(
	struct reload *r, enum reload_depth depth, const char *reason, reload_reply_fn *reply, void *arg)
{
	struct request *q = mem_new(*q);

	if (q == NULL)
		return -ENOMEM;
	*q = (struct request){
		.next = r->waiting, .reason = reason, .depth = depth, .reply = reply, .arg = arg
	};
	r->waiting = q;
	event_active(r->begin, EV_TIMEOUT, 0);
	return 0;
}

bool
reload_hold(struct reload *r)
{
	r->held = true;
	return r->runs;
}

void
reload_let_go(struct reload *r)
{
	r->held = false;
	event_active(r->begin, EV_TIMEOUT, 0);
}

bool
reload_is_due(const struct reload *r)
{
	for (const struct request *q = r->waiting; q != NULL; q = q->next)
		if (q->reply == NULL)
			return true;
	return false;
}

/* ---- over an upgrade ---- */

void
reload_waiting(const struct reload *r, struct cfg_changes *ret)
{
	*ret = (struct cfg_changes){ 0 };
	reload_plan_waiting(r->started, &r->older, service_snapshot(r->options.service)->config, ret);
}

void
reload_pack_held(const struct reload *r, struct strbuf *out)
{
	struct cfg_changes waiting;

	reload_waiting(r, &waiting);
	held_keys_pack(out, &waiting);
	out->failed |= waiting.failed;
	cfg_changes_fini(&waiting);
}

int
reload_unpack_held(struct reload *r, struct unpack *u, bool upgraded)
{
	int code;

	held_keys_fini(&r->older);
	code = held_keys_unpack(u, &r->older);
	if (code == 0 && upgraded)
		held_keys_drop_taken(&r->older);
	return code;
}

uint64_t
reload_steps(const struct reload *r)
{
	return r->steps;
}

int
reload_new(const struct reload_options *options, struct reload **ret, struct err *e)
{
	struct reload *r = mem_new(*r);

	if (r == NULL)
		return err_set(e, -ENOMEM, "out of memory");
	r->options = *options;
	r->started = config_ref(service_snapshot(options->service)->config);
	r->begin = event_new(options->base, -1, 0, on_begin, r);
	if (r->begin == NULL) {
		reload_free(r);
		return err_set(e, -ENOMEM, "out of memory");
	}
	*ret = r;
	return 0;
}

static void
free_requests(struct request *q)
{
	while (q != NULL) {
		struct request *next = q->next;

		free(q);
		q = next;
	}
}

void
reload_free(struct reload *r)
{
	if (r == NULL)
		return;
	clean_up(r);
	free_requests(r->requests);
	free_requests(r->waiting);
	config_unref(r->started);
	held_keys_fini(&r->older);
	if (r->begin != NULL)
		event_free(r->begin);
	free(r);
}
