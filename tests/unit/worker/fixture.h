/* A snapshot of a configuration whose plugins are written down as C: what a worker is given. */
#ifndef UNIT_WORKER_FIXTURE_H
#define UNIT_WORKER_FIXTURE_H

#include "config/load.h"
#include "control/snapshot.h"
#include "supervisor/snapshot_build.h"

#include "../plugin/made.h"

/** How every file of these tests begins: three lines. */
#define HEAD "version: 1\ndaemon: {threads: 2, plugin_path: ['${DIR}']}\nlisteners:\n"

struct fixture {
	char *dir;
	struct cfg_report report;
	struct config *config;
	struct snapshot_sockets *sockets;
};

static inline void
fixture_init(struct fixture *f)
{
	*f = (struct fixture){ .dir = unit_tempdir() };
}

/** The snapshot of this file, with bound sockets if @p bind. ${DIR} in it is the fixture's folder, where
 * plugins are. */
static inline struct snapshot *
fixture_snapshot(struct fixture *f, const char *text, bool bind)
{
	struct snapshot *s = NULL;
	struct err e = { 0 };

	ck_assert_int_eq(setenv("DIR", f->dir, 1), 0);
	ck_assert_int_eq(config_parse_text("test.yaml", text, strlen(text), NULL, &f->config, &f->report), 0);
	cfg_report_fini(&f->report); /* warnings */
	ck_assert_int_eq(snapshot_build_files(f->config, &f->report, &s, &e), 0);
	if (bind)
		ck_assert_int_eq(snapshot_build_sockets(s, &f->report, &f->sockets, &e), 0);
	return s;
}

static inline void
fixture_fini(struct fixture *f)
{
	snapshot_sockets_free(f->sockets);
	config_unref(f->config);
	cfg_report_fini(&f->report);
	unit_tempdir_remove(f->dir);
}

#endif
