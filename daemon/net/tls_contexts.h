/* The TLS contexts of a snapshot: one for each map of TLS settings that has certificates. */
#ifndef NET_TLS_CONTEXTS_H
#define NET_TLS_CONTEXTS_H

#include <stdbool.h>
#include <stddef.h>

#include "base/cleanup.h"

struct cfg_report;
struct config;
struct snapshot;
struct tls_context;

struct tls_contexts {
	struct tls_context **at; /* owned, a ref each; in the order of config.tls, NULL where there is none */
	size_t count;
	struct config *config; /* ref */
};

/**
 * Read and judge all of it; goes on after a failure, so that all is told.
 *
 * @param previous      NULL, or the contexts that serve now: what is out of date but in use is only a
 * warning, and ticket keys in memory go on
 * @param dates_matter  a certificate that is out of date and not in use is an error
 * @return 0; -EINVAL with errors in @p report; -ENOMEM. In any case tls_contexts_fini()
 */
must_check int tls_contexts_build(const struct snapshot *snapshot, const struct tls_contexts *previous,
	bool dates_matter, struct cfg_report *report, struct tls_contexts *ret);
void tls_contexts_fini(struct tls_contexts *c);

#endif
