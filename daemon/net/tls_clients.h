/* What plugins dial with: a client's context for each entry of `tls:` that a setting of theirs names. The
 * table is immutable and counted by references, so that a loop finds in it while a reload makes the next. */
#ifndef NET_TLS_CLIENTS_H
#define NET_TLS_CLIENTS_H

#include <stdbool.h>

#include "base/cleanup.h"

struct cfg_report;
struct snapshot;
struct tls_clients;
struct tls_context;

/** Whether a plugin may dial with the entry of this name. */
typedef bool tls_wanted_fn(const void *arg, const char *name);

/** Read and judge the files of all entries that are @p wanted; goes on after a failure, so that all is told.
 * @param dates_matter  as in struct tls_options
 * @return 0; -EINVAL, told in @p report; -ENOMEM, told */
must_check int tls_clients_build(const struct snapshot *snapshot, tls_wanted_fn *wanted, const void *arg,
	bool dates_matter, struct cfg_report *report, struct tls_clients **ret);
struct tls_clients *tls_clients_ref(struct tls_clients *c);
void tls_clients_unref(struct tls_clients *c); /* NULL is fine. Thread: any. */

/** @return a reference, or NULL: there is none of that name. @p c may be NULL. */
struct tls_context *tls_clients_find(const struct tls_clients *c, const char *name);

#endif
