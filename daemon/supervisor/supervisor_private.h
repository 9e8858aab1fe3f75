/* What supervisor.c and supervisor_adopt.c share. */
#ifndef SUPERVISOR_SUPERVISOR_PRIVATE_H
#define SUPERVISOR_SUPERVISOR_PRIVATE_H

#include "supervisor/admin_socket.h"
#include "supervisor/exit_status.h"
#include "supervisor/identity.h"
#include "supervisor/supervisor.h"

struct supervisor {
	const struct supervisor_options *options; /* borrowed */
	const struct config *config;              /* borrowed */
	struct event_base *base;                  /* owned */
	struct signals *signals;                  /* owned */
	bool log_started;
	struct identity identity;
	struct supervisor_surroundings surroundings;
	struct snapshot_sockets *sockets;  /* owned: what the sockets leave in the file system */
	struct snapshot *snapshot;         /* owned until the service has it */
	struct announce *announce;         /* owned */
	struct admin_socket admin_socket;  /* until the admin has it */
	struct service *service;           /* owned */
	struct reload *reload;             /* owned */
	struct certificates *certificates; /* owned */
	struct admin *admin;               /* owned */
	struct upgrade *upgrade;           /* owned */
	char *exe_path;                    /* owned: where this program was started from */
	bool reload_due;                   /* one was asked for while another program took over */
	int64_t started_ms;
};

/** In the place of a start, where another supervisor's state is to be gone on with: its snapshot, sockets and
 * certificates; and then its orders, workers and clients. @return 0, or a negative errno with text */
must_check int supervisor_adopt_sockets(struct supervisor *s, enum exit_phase *phase, struct err *e);
must_check int supervisor_adopt_workers(struct supervisor *s, struct err *e);

/** See struct service_options; the argument is the supervisor. */
void supervisor_adopted(void *arg, unsigned generation);
void supervisor_lost(void *arg, const char *why);

/** Files that are watched have changed: reload. */
void supervisor_files_changed(void *arg);

#endif
