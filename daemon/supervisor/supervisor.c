/* The life of sockd in steps, each undone in reverse order by supervisor_fini(), however far the start came:
 * signals, log, limits, snapshot (files and sockets), service; it starts the worker; then the end with its
 * numbers.
 *
 * What is wrong at a place in the file is collected in the report and printed on standard error, whatever the
 * log's target is: a person or the journal reads it there. The log gets one line that says so. */
#include "supervisor/supervisor.h"

#include <errno.h>
#include <event2/event.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sysexits.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/fdutil.h"
#include "base/leave.h"
#include "base/log.h"
#include "config/report.h"
#include "control/snapshot.h"
#include "supervisor/admin_service.h"
#include "supervisor/adopt.h"
#include "supervisor/announce.h"
#include "supervisor/certificates.h"
#include "supervisor/exit_status.h"
#include "supervisor/identity.h"
#include "supervisor/limits.h"
#include "supervisor/reload.h"
#include "supervisor/service.h"
#include "supervisor/signals.h"
#include "supervisor/snapshot_build.h"
#include "supervisor/supervisor_private.h"
#include "supervisor/upgrade.h"
#include "supervisor/warnings.h"

enum { GRACE_MS = 5000 };

/* Tell why the start failed. @return the exit status */
static int
start_failed(struct supervisor *s, enum exit_phase phase, int code, const struct err *e)
{
	struct cfg_report *report = s->options->report;

	if (e != NULL && e->text[0] != '\0')
		log_error("start_failed", LOG_S("msg", e->text));
	else if (report->errors > 0)
		log_error("start_failed", LOG_U("errors", report->errors),
			LOG_S("msg", "what is wrong in the configuration is told on standard error"));
	return exit_status(phase, code);
}

static void
on_signal(void *arg, enum signal_order order, const char *name)
{
	struct supervisor *s = arg;

	/* The base only turns while there is a service. */
	service_order(s->service, order, name);
}

static int
start_signals(struct supervisor *s, struct err *e)
{
	s->base = event_base_new();
	if (s->base == NULL)
		return err_set(e, -ENOMEM, "cannot make an event base");
	return signals_new(s->base, on_signal, s, &s->signals, e);
}

/* The target, or what another supervisor had open as that. */
static int
open_log(struct supervisor *s, struct log_options *o, struct err *e)
{
	struct adopt *adopt = s->options->adopt;

	if (adopt == NULL || adopt->log_fd < 0)
		return log_target_open(s->config->daemon.log_target, &o->fd, &o->protocol, e);
	o->fd = fd_take(&adopt->log_fd);
	o->protocol = adopt->log_protocol;
	o->json = adopt->log_json;
	return 0;
}

static int
start_log(struct supervisor *s, struct err *e)
{
	const struct cfg_daemon *d = &s->config->daemon;
	struct log_options o = {
		.json = d->log_format == CFG_LOG_JSON,
		.level = s->options->log_level >= 0 ? s->options->log_level : d->log_level,
	};
	int code = open_log(s, &o, e);

	if (code < 0)
		return code;
	s->surroundings.log_fd = fcntl(o.fd, F_DUPFD_CLOEXEC, 0);
	s->surroundings.log_protocol = o.protocol;
	s->surroundings.log_json = o.json;
	code = s->surroundings.log_fd >= 0 ? log_start(&o, e) : err_errno(e, "cannot duplicate the log");
	if (code < 0)
		close(o.fd);
	s->log_started = code == 0;
	return code;
}

static int
start_identity(struct supervisor *s)
{
	int code = identity_look_up(s->config, s->options->report, &s->identity);

	s->surroundings.identity = &s->identity;
	return code == 0 ? identity_check_rights(&s->identity, s->config, s->options->report) : code;
}

/* Where the configuration came from, for workers and for reading it again. */
static int
keep_origin(struct supervisor *s, struct err *e)
{
	const struct supervisor_options *o = s->options;

	if (o->record != NULL)
		s->snapshot->record = cfg_record_ref(o->record);
	if (o->config_path == NULL)
		return 0;
	s->snapshot->config_path = strdup(o->config_path);
	return s->snapshot->config_path != NULL ? 0 : err_set(e, -ENOMEM, "out of memory");
}

void
supervisor_files_changed(void *arg)
{
	struct supervisor *s = arg;

	if (s->reload != NULL && reload_request(s->reload, RELOAD_APPLY, "watched files", NULL, NULL) < 0)
		log_warning("watch_failed", LOG_S("error", "out of memory"));
}

static int
start_snapshot(struct supervisor *s, enum exit_phase *phase, struct err *e)
{
	int code;

	*phase = EXIT_PHASE_CHECK;
	code = snapshot_build_files(s->options->config, s->options->report, &s->snapshot, e);
	if (code == 0)
		code = keep_origin(s, e);
	if (code == 0)
		code = certificates_new(s->base, supervisor_files_changed, s, &s->certificates, e);
	if (code == 0)
		code = certificates_prepare(s->certificates, s->snapshot, s->options->report);
	if (code < 0)
		return code;
	*phase = EXIT_PHASE_BIND;
	code = snapshot_build_sockets(s->snapshot, s->options->report, &s->sockets, e);
	if (code < 0)
		return code;
	code = admin_socket_open(&s->config->daemon, s->options->report, &s->admin_socket, e);
	if (code < 0)
		return code;
	*phase = EXIT_PHASE_SYSTEM;
	s->announce = announce_new(s->snapshot);
	return s->announce != NULL ? 0 : err_set(e, -ENOMEM, "out of memory");
}

static void
tell_observers(void *arg, const char *event, const char *text)
{
	struct supervisor *s = arg;

	generations_tell(service_generations(s->service), event, text);
}

/* The first worker serves. */
static void
on_ready(void *arg, const bool *serves)
{
	struct supervisor *s = arg;

	warnings_limits(s->config, service_snapshot(s->service)->loops, serves);
	warnings_report(s->options->report);
	snapshot_sockets_keep(s->sockets, service_snapshot(s->service));
	announce_log(s->announce, NULL, tell_observers, s);
	admin_announce(s->admin);
	if (s->options->announce)
		announce_print(s->announce, stdout);
}

/* Another configuration is served: tell where it listens now. */
static void
on_reloaded(void *arg, const struct snapshot *next)
{
	struct supervisor *s = arg;
	struct announce *a = announce_new(next);

	snapshot_sockets_keep(s->sockets, next);
	if (a == NULL)
		return; /* only the log would have told more */
	announce_log(a, s->announce, tell_observers, s);
	announce_free(s->announce);
	s->announce = a;
}

static int
start_reload(struct supervisor *s, struct err *e)
{
	int code = reload_new(&(struct reload_options){ .base = s->base,
				      .service = s->service,
				      .sockets = s->sockets,
				      .checker = s->options->checker,
				      .identity = &s->identity,
				      .certificates = s->certificates,
				      .config_path = s->options->config_path,
				      .log_level = s->options->log_level,
				      .committed = on_reloaded,
				      .arg = s },
		&s->reload, e);

	if (code < 0)
		return code;
	service_use_reload(s->service, s->reload);
	service_use_certificates(s->service, s->certificates);
	certificates_commit(s->certificates);
	return 0;
}

/* After all that others of the table need is there. */
static int
start_upgrade(struct supervisor *s, struct err *e)
{
	int code = upgrade_new(&(struct upgrade_options){ .base = s->base,
				       .service = s->service,
				       .surroundings = &s->surroundings,
				       .identity = &s->identity,
				       .sockets = s->sockets,
				       .admin = (const struct admin *const *)&s->admin,
				       .exe_path = s->exe_path,
				       .started_ms = s->started_ms,
				       .log_level = s->options->log_level },
		&s->upgrade, e);

	if (code == 0)
		service_use_upgrade(s->service, s->upgrade);
	return code;
}

static void
on_ending(void *arg, bool may_return)
{
	struct supervisor *s = arg;

	snapshot_sockets_end(s->sockets, may_return);
}

static int
start_service(struct supervisor *s, struct err *e)
{
	int code = service_new(&(struct service_options){ .base = s->base,
				       .ops = s->options->worker_ops,
				       .surroundings = &s->surroundings,
				       .snapshot = s->snapshot,
				       .report = s->options->report,
				       .grace_ms = GRACE_MS,
				       .ready = on_ready,
				       .ending = on_ending,
				       .adopted = supervisor_adopted,
				       .lost = supervisor_lost,
				       .arg = s },
		&s->service, e);

	if (code < 0)
		return code;
	s->snapshot = NULL; /* it moved */
	code = start_reload(s, e);
	if (code == 0)
		code = start_upgrade(s, e);
	if (code < 0)
		return code;
	return admin_new(s->base, &s->admin_socket, &admin_service_host, s->service, &s->admin, e);
}

static int
supervisor_start(struct supervisor *s)
{
	struct err e = { 0 };
	enum exit_phase phase;
	int code;

	code = start_signals(s, &e);
	if (code < 0)
		return start_failed(s, EXIT_PHASE_SYSTEM, code, &e);
	code = start_log(s, &e);
	if (code < 0)
		return start_failed(s, EXIT_PHASE_LOG, code, &e);
	limits_raise();
	code = start_identity(s);
	if (code < 0)
		return start_failed(s, EXIT_PHASE_SYSTEM, code, &e);
	warnings_surroundings(s->config, &s->identity);
	code = s->options->adopt != NULL ? supervisor_adopt_sockets(s, &phase, &e)
					 : start_snapshot(s, &phase, &e);
	if (code < 0)
		return start_failed(s, phase, code, &e);
	code = start_service(s, &e);
	if (code < 0)
		return start_failed(s, EXIT_PHASE_SYSTEM, code, &e);
	return 0;
}

/* The last words. */
static void
log_numbers(const struct supervisor *s)
{
	struct supervisor_counts n = generations_counts(service_generations(s->service));
	int64_t ms = clock_now_ms() - s->started_ms;
	char duration[32];

	snprintf(duration, sizeof duration, "%" PRId64 ".%03ds", ms / 1000, (int)(ms % 1000));
	if (n.forced > 0)
		log_warning("drain_forced", LOG_U("forced", n.forced), LOG_U("drained", n.drained),
			LOG_S("msg", "connections were cut before they had ended"));
	admin_over(s->admin, n.drained, n.forced);
	log_notice("stopped", LOG_U("served", n.served), LOG_U("drained", n.drained),
		LOG_U("forced", n.forced), LOG_S("duration", duration));
}

/* A loop that a plugin holds can't be joined, and exit() would free what it uses: nothing is left but to go.
 * What the world sees of us is cleaned up all the same. */
static _Noreturn void
give_up(struct supervisor *s)
{
	admin_free(s->admin);
	snapshot_sockets_free(s->sockets);
	log_stop();
	leave_now(EX_SOFTWARE);
}

static int
supervisor_serve(struct supervisor *s)
{
	struct adopt *adopt = s->options->adopt;
	struct err e = { 0 };
	int code;

	if (adopt == NULL)
		code = service_run(s->service, &e);
	else {
		code = supervisor_adopt_workers(s, &e);
		if (code < 0)
			adopt_roll_back(e.text);
		else
			code = service_go_on(s->service, adopt->started_ms, adopt->why != NULL, &e);
	}

	if (code == -ETIMEDOUT)
		give_up(s);
	if (code < 0 && code != -ECANCELED)
		return start_failed(s, EXIT_PHASE_WORKER, code, &e);
	log_numbers(s);
	return code == 0 ? EX_OK : EX_SOFTWARE;
}

/* In reverse, from wherever the start got to, but for the socket files: they go while the sockets are still
 * open, for a name with nothing behind it would look like a stale one to the next sockd. */
static void
supervisor_fini(struct supervisor *s)
{
	admin_free(s->admin);
	admin_socket_fini(&s->admin_socket);
	upgrade_free(s->upgrade);
	reload_free(s->reload);
	certificates_free(s->certificates);
	snapshot_sockets_free(s->sockets);
	service_free(s->service);
	snapshot_free(s->snapshot);
	announce_free(s->announce);
	if (s->log_started)
		log_stop();
	if (s->surroundings.log_fd >= 0)
		close(s->surroundings.log_fd);
	identity_fini(&s->identity);
	free(s->exe_path);
	signals_free(s->signals);
	if (s->base != NULL)
		event_base_free(s->base);
}

int
supervisor_run(const struct supervisor_options *options)
{
	struct supervisor s = {
		.options = options,
		.config = options->config,
		.admin_socket = { .fd = -1 },
		.surroundings = { .log_fd = -1 },
		.started_ms = clock_now_ms(),
	};
	int status;

	if (options->adopt != NULL)
		s.started_ms = options->adopt->started_ms;
	s.exe_path = options->adopt != NULL ? strdup(options->adopt->exe_path) : adopt_program();
	status = supervisor_start(&s);
	if (status != EX_OK)
		adopt_roll_back("it cannot go on with what it took over (the log says more)");
	if (status == EX_OK)
		status = supervisor_serve(&s);
	supervisor_fini(&s);
	return status;
}
