/* Settings are known by their name: that of their entry under `tls:`, or that of the listener that they stand
 * in. Those that did not change, nor the files that they name, keep their context, and so do the listeners
 * that use it. */
#include "net/tls_contexts.h"

#include <errno.h>
#include <string.h>

#include "base/clock.h"
#include "config/diff.h"
#include "config/report.h"
#include "control/snapshot.h"
#include "net/tls.h"

/* What serves now under the name of these settings. */
static void
find_previous(const struct tls_contexts *c, struct tls_options *o)
{
	for (size_t i = 0; c != NULL && i < c->count; i++) {
		const struct cfg_tls *t = c->config->tls[i];

		if (t->named != o->cfg->named || strcmp(t->name, o->cfg->name) != 0)
			continue;
		o->previous = c->at[i];
		o->unchanged = cfg_tls_is_same(t, o->cfg);
	}
}

int
tls_contexts_build(const struct snapshot *snapshot, const struct tls_contexts *previous, bool dates_matter,
	struct cfg_report *report, struct tls_contexts *ret)
{
	struct config *config = snapshot->config;
	int result = 0;

	*ret = (struct tls_contexts){ .config = config_ref(config) };
	ret->at = calloc(config->tls_count + 1, sizeof(struct tls_context *));
	if (ret->at == NULL)
		return cfg_report_no_memory(report);
	ret->count = config->tls_count;
	for (size_t i = 0; i < ret->count && result != -ENOMEM; i++) {
		struct tls_options options = { .role = TLS_SERVER,
			.cfg = config->tls[i],
			.source = snapshot_source(snapshot),
			.now_s = clock_wall_ms() / 1000,
			.dates_matter = dates_matter };
		int code = 0;

		find_previous(previous, &options);
		if (config->tls[i]->certificate_count > 0)
			code = tls_context_new(&options, report, &ret->at[i]);
		result = code < 0 ? code : result;
	}
	return result;
}

void
tls_contexts_fini(struct tls_contexts *c)
{
	for (size_t i = 0; i < c->count; i++)
		tls_context_unref(c->at[i]);
	free(c->at);
	config_unref(c->config);
	*c = (struct tls_contexts){ 0 };
}
