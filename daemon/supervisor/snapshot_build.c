/* Plugin files are copied once each, however many listeners name them. A plugin that cannot be found is told
 * at every place that names it, since a person corrects places. */
#include "supervisor/snapshot_build.h"

#include <errno.h>
#include <sched.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "control/snapshot.h"
#include "plugin/plugin_file.h"

enum { LOOPS_MAX = 1024 };

unsigned
snapshot_loops(const struct config *c)
{
	cpu_set_t set;
	int count;

	if (c->daemon.threads > 0)
		return (unsigned)c->daemon.threads;
	if (sched_getaffinity(0, sizeof set, &set) < 0)
		return 1; /* more processors than a cpu_set_t holds: a person had better say how many */
	count = CPU_COUNT(&set);
	return count < 1 ? 1 : count > LOOPS_MAX ? LOOPS_MAX : (unsigned)count;
}

/* Rows for what is there, and for what reloads bring. */
enum { METRIC_ROWS_MIN = 64 };

static int
add_rows(struct snapshot *s)
{
	size_t count = s->config->listener_count;

	s->metric_row_count = count > METRIC_ROWS_MIN / 2 ? 2 * (unsigned)count : METRIC_ROWS_MIN;
	s->metric_rows = calloc(count + 1, sizeof *s->metric_rows);
	if (s->metric_rows == NULL)
		return -ENOMEM;
	for (size_t i = 0; i < count; i++)
		s->metric_rows[i] = (unsigned)i;
	return 0;
}

/* The names that could not be opened, with what was said, for the next place that uses one. */
struct failure {
	const char *name; /* borrowed from the configuration */
	struct err e;
};

struct search {
	struct snapshot *snapshot;
	struct cfg_report *report;
	struct failure *failures; /* owned */
	size_t failure_count;
};

static const struct failure *
failure_of(const struct search *f, const char *name)
{
	for (size_t i = 0; i < f->failure_count; i++)
		if (strcmp(f->failures[i].name, name) == 0)
			return &f->failures[i];
	return NULL;
}

/* Find, check and copy one, unless that was done or tried before. @return 0, -EINVAL (told), -ENOMEM */
static int
add_plugin(struct search *f, const char *name, const struct cfg_place *place)
{
	const struct cfg_daemon *d = &f->snapshot->config->daemon;
	struct snapshot_plugin p = { .fd = -1 };
	const struct failure *failure = failure_of(f, name);
	struct err e = { 0 };

	if (snapshot_plugin_find(f->snapshot, name) != NULL)
		return 0;
	if (failure != NULL)
		return cfg_report_err(f->report, place, &failure->e);
	p.name = strdup(name);
	if (p.name == NULL)
		return -ENOMEM;
	if (plugin_file_open(name, d->plugin_path, d->plugin_path_count, &p.path, &p.fd, &e) < 0) {
		free(p.name);
		f->failures[f->failure_count++] = (struct failure){ .name = name, .e = e };
		return cfg_report_err(f->report, place, &e);
	}
	f->snapshot->plugins[f->snapshot->plugin_count++] = p;
	return 0;
}

/* @return 0; -EINVAL when some are missing; -ENOMEM */
static int
add_plugins(struct search *f)
{
	const struct config *c = f->snapshot->config;
	int result = 0;

	for (size_t i = 0; i < c->listener_count && result != -ENOMEM; i++) {
		int code = add_plugin(f, c->listeners[i].plugin, &c->listeners[i].plugin_place);

		result = code < 0 ? code : result;
	}
	for (size_t i = 0; i < c->daemon.observer_count && result != -ENOMEM; i++) {
		int code = add_plugin(f, c->daemon.observers[i].plugin, &c->daemon.observers[i].plugin_place);

		result = code < 0 ? code : result;
	}
	return result;
}

/* A private key that all the world may read is not private. */
static void
check_key_rights(const struct config *config, struct cfg_report *report)
{
	for (size_t i = 0; i < config->tls_count; i++)
		for (size_t k = 0; k < config->tls[i]->certificate_count; k++) {
			const struct cfg_certificate *c = &config->tls[i]->certificates[k];
			const char *path = c->key != NULL ? c->key : c->cert;
			struct stat st;

			if (path != NULL && stat(path, &st) == 0 && S_ISREG(st.st_mode) &&
				(st.st_mode & 0007) != 0)
				cfg_report_warning(report, c->key != NULL ? &c->key_place : &c->cert_place,
					"the private key in %s can be %s by everybody; chmod o= %s", path,
					(st.st_mode & 0002) != 0 ? "written" : "read", path);
		}
}

int
snapshot_build_files(struct config *config, struct cfg_report *report, struct snapshot **ret, struct err *e)
{
	size_t uses = config->listener_count + config->daemon.observer_count + 1;
	struct search f = { .snapshot = mem_new(*f.snapshot), .report = report };
	int code = -ENOMEM;

	f.failures = calloc(uses, sizeof *f.failures);
	if (f.snapshot != NULL && f.failures != NULL) {
		f.snapshot->config = config_ref(config);
		f.snapshot->loops = snapshot_loops(config);
		f.snapshot->plugins = calloc(uses, sizeof *f.snapshot->plugins);
		code = f.snapshot->plugins != NULL ? add_rows(f.snapshot) : -ENOMEM;
		if (code == 0)
			code = add_plugins(&f);
		if (code != -ENOMEM)
			check_key_rights(config, report);
	}
	free(f.failures);
	if (code == -ENOMEM) {
		snapshot_free(f.snapshot);
		return err_set(e, code, "out of memory");
	}
	*ret = f.snapshot;
	return code;
}
