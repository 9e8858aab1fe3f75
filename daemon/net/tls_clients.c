/* Only what is dialled with is built: a machine that only serves needs no authorities, and the store of a
 * whole system is not small. */
#include "net/tls_clients.h"

#include <errno.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "config/report.h"
#include "control/snapshot.h"
#include "net/tls.h"

struct tls_clients {
	atomic_uint references;
	struct config *config; /* ref: the names are its */
	struct tls_context *
		*at; /* owned, a ref each; in the order of config.tls, NULL where none is wanted */
};

static int
build_all(struct tls_clients *c, const struct snapshot *snapshot, tls_wanted_fn *wanted, const void *arg,
	bool dates_matter, struct cfg_report *report)
{
	int result = 0;

	for (size_t i = 0; i < c->config->tls_named_count && result != -ENOMEM; i++) {
		const struct tls_options options = { .role = TLS_CLIENT,
			.cfg = c->config->tls[i],
			.source = snapshot_source(snapshot),
			.now_s = clock_wall_ms() / 1000,
			.dates_matter = dates_matter };
		int code = wanted(arg, options.cfg->name) ? tls_context_new(&options, report, &c->at[i]) : 0;

		result = code < 0 ? code : result;
	}
	return result;
}

int
tls_clients_build(const struct snapshot *snapshot, tls_wanted_fn *wanted, const void *arg, bool dates_matter,
	struct cfg_report *report, struct tls_clients **ret)
{
	struct tls_clients *c = mem_new(*c);
	int code;

	if (c == NULL)
		return cfg_report_no_memory(report);
	atomic_init(&c->references, 1);
	c->config = config_ref(snapshot->config);
	c->at = calloc(c->config->tls_named_count + 1, sizeof *c->at);
	code = c->at != NULL ? build_all(c, snapshot, wanted, arg, dates_matter, report)
			     : cfg_report_no_memory(report);
	if (code < 0) {
		tls_clients_unref(c);
		return code;
	}
	*ret = c;
	return 0;
}

struct tls_clients *
tls_clients_ref(struct tls_clients *c)
{
	atomic_fetch_add_explicit(&c->references, 1, memory_order_relaxed);
	return c;
}

void
tls_clients_unref(struct tls_clients *c)
{
	if (c == NULL || atomic_fetch_sub_explicit(&c->references, 1, memory_order_acq_rel) != 1)
		return;
	for (size_t i = 0; c->at != NULL && i < c->config->tls_named_count; i++)
		tls_context_unref(c->at[i]);
	free(c->at);
	config_unref(c->config);
	free(c);
}

struct tls_context *
tls_clients_find(const struct tls_clients *c, const char *name)
{
	for (size_t i = 0; c != NULL && i < c->config->tls_named_count; i++)
		if (c->at[i] != NULL && strcmp(c->config->tls[i]->name, name) == 0)
			return tls_context_ref(c->at[i]);
	return NULL;
}
