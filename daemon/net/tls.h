/* TLS contexts: everything that connections of one map of TLS settings share. Made from bytes, immutable,
 * counted by references: a connection holds its context, so a reload swaps contexts for new connections and
 * the old one goes with its last. OpenSSL stays behind this header and tls_session.h. */
#ifndef NET_TLS_H
#define NET_TLS_H

#include <stdbool.h>
#include <stdint.h>

#include "config/config.h"
#include "config/report.h"
#include "config/source.h"

struct tls_context;

enum tls_role { TLS_SERVER, TLS_CLIENT };

struct tls_options {
	enum tls_role role;
	const struct cfg_tls *cfg;       /* borrowed while tls_context_new() runs */
	const struct cfg_source *source; /* borrowed likewise: where the files are read from */
	int64_t now_s;                   /* unix time that certificates are judged by */
	bool dates_matter;               /* a certificate that is out of date: an error, not a warning */
	/** NULL, or the context of these settings that serves now: a certificate that is in it may be out of
	 * date whatever @c dates_matter says, and the ticket keys in its memory are carried on. */
	struct tls_context *previous;
	bool unchanged; /* the settings are those of @c previous: if the files are too, it is given again */
};

/** Read the files, judge them, make a context.
 * @return 0; -EINVAL, everything that is wrong told in @p report; -ENOMEM, told. Warnings go there too. */
must_check int tls_context_new(
	const struct tls_options *options, struct cfg_report *report, struct tls_context **ret);
struct tls_context *tls_context_ref(struct tls_context *c);
void tls_context_unref(struct tls_context *c); /* NULL is fine. Thread: any. */

/** Whether the peer's certificate is verified at all. */
bool tls_context_verifies(const struct tls_context *c);

/** What a person wants to know of a certificate in use. */
struct tls_cert_info {
	const char *tls;  /* the name of the settings */
	const char *path; /* its file */
	const char *subject, *issuer, *names, *serial, *sha256, *key;
	int64_t not_before_s, not_after_s; /* unix time */
};

/** The certificates of a context; they live as long as it. */
size_t tls_context_cert_count(const struct tls_context *c);
const struct tls_cert_info *tls_context_cert(const struct tls_context *c, size_t i);

/** The version of OpenSSL in use, for people. */
const char *tls_library_version(void);

#endif
