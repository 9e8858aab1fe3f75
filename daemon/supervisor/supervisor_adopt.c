/* The start of a supervisor that another one has become: all that a start makes is there already, and until
 * the workers obey, the other may come back (adopt.c). */
#include <errno.h>
#include <jansson.h>
#include <stdio.h>
#include <unistd.h>

#include "base/log.h"
#include "control/snapshot.h"
#include "supervisor/admin.h"
#include "supervisor/adopt.h"
#include "supervisor/announce.h"
#include "supervisor/certificates.h"
#include "supervisor/reload.h"
#include "supervisor/service.h"
#include "supervisor/signals.h"
#include "supervisor/snapshot_build.h"
#include "supervisor/supervisor_private.h"

int
supervisor_adopt_sockets(struct supervisor *s, enum exit_phase *phase, struct err *e)
{
	struct adopt *adopt = s->options->adopt;
	int code;

	*phase = EXIT_PHASE_SYSTEM;
	s->snapshot = adopt->snapshot;
	adopt->snapshot = NULL;
	code = snapshot_sockets_unpack(&adopt->state, &s->sockets);
	if (code == 0)
		code = admin_socket_unpack(&adopt->state, &s->admin_socket);
	if (code < 0)
		return err_set(e, code, "the sockets in the state are not understood");
	code = certificates_new(s->base, supervisor_files_changed, s, &s->certificates, e);
	if (code == 0)
		code = certificates_prepare(s->certificates, s->snapshot, s->options->report);
	if (code < 0)
		return code;
	s->announce = announce_new(s->snapshot);
	return s->announce != NULL ? 0 : err_set(e, -ENOMEM, "out of memory");
}

/* Until the takeover is over nothing is taken in that the old program would have to know if it came back: no
 * signal, no client, no change of a watched file. */
static int
adopt_clients(struct supervisor *s, struct err *e)
{
	struct state_reader *r = &s->options->adopt->state;

	signals_listen(s->signals, false);
	(void)reload_hold(s->reload); /* none runs yet */
	if (r->version < STATE_WITH_CLIENTS)
		return 0;
	if (admin_adopt_clients(s->admin, r) < 0)
		return err_set(e, -EBADMSG, "the clients in the state are not understood");
	s->reload_due = unpack_u32(&r->u) != 0;
	if (r->u.failed)
		return err_set(e, -EBADMSG, "the state is cut short");
	if (r->u.at < r->u.end && reload_unpack_held(s->reload, &r->u, s->options->adopt->why == NULL) < 0)
		return err_set(e, -EBADMSG, "the keys that wait, in the state, are not understood");
	return 0;
}

int
supervisor_adopt_workers(struct supervisor *s, struct err *e)
{
	struct adopt *adopt = s->options->adopt;
	int code = service_unpack_orders(&adopt->state, s->service, e);

	if (code == 0)
		code = generations_adopt(service_generations(s->service), &adopt->state, e);
	return code == 0 ? adopt_clients(s, e) : code;
}

/* To those who asked for the upgrade. */
static void
tell_how_it_went(struct supervisor *s, unsigned generation)
{
	const struct adopt *adopt = s->options->adopt;
	auto_of(strbuf) struct strbuf text = { 0 };
	struct cfg_changes waiting;
	json_t *done;

	reload_waiting(s->reload, &waiting);
	reload_waiting_log(&waiting);
	strbuf_printf(
		&text, "sockd %s has taken over, with worker generation %u\n", PACKAGE_VERSION, generation);
	reload_waiting_text(&waiting, &text);
	done = json_pack("{s:s, s:i, s:s, s:o}", "version", PACKAGE_VERSION, "generation", (int)generation,
		"text", text.failed ? "" : text.data, "waiting", reload_waiting_json(&waiting));
	cfg_changes_fini(&waiting);
	admin_go_on(s->admin, done, adopt->why);
	json_decref(done);
}

/* The takeover is over. It obeys us: there is no way back, and no need of one. */
void
supervisor_adopted(void *arg, unsigned generation)
{
	struct supervisor *s = arg;
	struct adopt *adopt = s->options->adopt;
	char note[80] = "";

	if (adopt->why == NULL)
		log_notice("upgraded", LOG_S("version", PACKAGE_VERSION), LOG_I("pid", getpid()));
	else
		log_error("upgrade_failed", LOG_S("error", adopt->why),
			LOG_S("msg", "the program from before the upgrade goes on"));
	if (adopt->why != NULL)
		snprintf(note, sizeof note, "upgrade failed: %.50s", adopt->why);
	service_note(s->service, note);
	adopt_commit(adopt);
	snapshot_sockets_keep(s->sockets, service_snapshot(s->service));
	tell_how_it_went(s, generation);
	signals_listen(s->signals, true);
	reload_let_go(s->reload);
	if (s->reload_due && reload_request(s->reload, RELOAD_APPLY, "asked for meanwhile", NULL, NULL) < 0)
		log_error("reload_refused", LOG_S("msg", "out of memory"));
}

void
supervisor_lost(void *arg, const char *why)
{
	(void)arg; /* all that is needed to go back is in the guard */
	adopt_roll_back(why);
}
