/* OpenSSL holds one certificate of each kind of key, and takes the one that the client can use. What is
 * decided here is the set that it takes from: for the name that the client asks for, the first certificate of
 * each kind whose names have exactly that name, else the first that has it by a `*`; if no certificate is for
 * the name, the default: the first one, and the others that are for the same host.
 *
 * The default lies in the SSL_CTX, so a server with one certificate pays nothing for this. */
#include "net/tls_choose.h"

#include <errno.h>
#include <string.h>
#include <strings.h>

#include "net/tls_error.h"

enum { KINDS_MAX = 8 };

struct choice {
	const struct tls_cert *certs[KINDS_MAX];
	size_t count;
};

static bool
is_named(const struct tls_cert *c, const char *host)
{
	for (size_t i = 0; i < c->name_count; i++)
		if (strcasecmp(c->names[i], host) == 0)
			return true;
	return false;
}

/* The first of each kind that fits. */
static void
collect(const struct tls_context *c, const char *host,
	bool (*fits)(const struct tls_cert *c, const char *host), struct choice *choice)
{
	for (size_t i = 0; i < c->cert_count; i++) {
		const struct tls_cert *cert = &c->certs[i];
		size_t k = 0;

		while (k < choice->count && choice->certs[k]->key_type != cert->key_type)
			k++;
		if (k == choice->count && k < KINDS_MAX && fits(cert, host))
			choice->certs[choice->count++] = cert;
	}
}

static void
choose(const struct tls_context *c, const char *host, struct choice *choice)
{
	*choice = (struct choice){ 0 };
	collect(c, host, is_named, choice);
	if (choice->count == 0)
		collect(c, host, tls_cert_is_for, choice);
}

static void
choose_default(const struct tls_context *c, struct choice *choice)
{
	*choice = (struct choice){ .certs = { &c->certs[0] }, .count = 1 };
	if (c->certs[0].name_count > 0)
		collect(c, c->certs[0].names[0], is_named, choice);
}

static bool
is_default(const struct tls_context *c, const struct choice *choice)
{
	struct choice other;

	choose_default(c, &other);
	if (choice->count != other.count)
		return false;
	for (size_t i = 0; i < choice->count; i++)
		if (choice->certs[i] != other.certs[i])
			return false;
	return true;
}

/* OpenSSL asks here before it chooses. @return 1; 0: an error, which ends the handshake */
static int
on_choose(SSL *ssl, void *arg)
{
	const struct tls_context *c = arg;
	const char *host = SSL_get_servername(ssl, TLSEXT_NAMETYPE_host_name);
	struct choice choice;

	if (host == NULL)
		return 1;
	choose(c, host, &choice);
	if (choice.count == 0 || is_default(c, &choice))
		return 1;
	SSL_certs_clear(ssl);
	for (size_t i = 0; i < choice.count; i++)
		if (SSL_use_cert_and_key(
			    ssl, choice.certs[i]->leaf, choice.certs[i]->key, choice.certs[i]->chain, 1) != 1)
			return 0;
	return 1;
}

static int
use(SSL_CTX *ssl, const struct tls_cert *cert)
{
	return SSL_CTX_use_cert_and_key(ssl, cert->leaf, cert->key, cert->chain, 1);
}

/* Each is tried, those that are no default too: what OpenSSL does not take is told now. */
static int
try_each(const struct tls_context *c, struct cfg_report *report)
{
	SSL_CTX *scratch = SSL_CTX_new(TLS_method());
	char error[TLS_ERROR_SIZE];
	int code = 0;

	if (scratch == NULL)
		return cfg_report_no_memory(report);
	for (size_t i = 0; i < c->cert_count; i++)
		if (use(scratch, &c->certs[i]) != 1)
			code = cfg_report_error(report, &c->certs[i].cfg->cert_place,
				"OpenSSL does not take the certificate in %s: %s", c->certs[i].cfg->cert,
				tls_error_take(error));
	SSL_CTX_free(scratch);
	return code;
}

int
tls_choose_set_up(struct tls_context *c, struct cfg_report *report)
{
	struct choice choice;
	int code = try_each(c, report);

	if (code < 0 || c->cert_count == 0)
		return code;
	choose_default(c, &choice);
	for (size_t i = 0; i < choice.count; i++)
		if (use(c->ssl, choice.certs[i]) != 1)
			return cfg_report_no_memory(report);
	if (c->cert_count > 1)
		SSL_CTX_set_cert_cb(c->ssl, on_choose, c);
	return 0;
}
