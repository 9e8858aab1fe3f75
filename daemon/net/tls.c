/* The life of a context. What each part of it decides is in the file of that part: tls_cert.c reads and
 * judges certificates, tls_choose.c chooses between them, tls_verify.c judges peers, tls_ticket.c seals
 * tickets, tls_staple.c staples, tls_words.c sets ciphers, groups and protocols. */
#include "net/tls.h"

#include <errno.h>
#include <openssl/crypto.h>
#include <string.h>

#include "net/tls_choose.h"
#include "net/tls_error.h"
#include "net/tls_private.h"
#include "net/tls_resume.h"
#include "net/tls_session.h"
#include "net/tls_staple.h"
#include "net/tls_verify.h"
#include "net/tls_words.h"

const char *
tls_library_version(void)
{
	return OpenSSL_version(OPENSSL_VERSION);
}

struct tls_context *
tls_context_ref(struct tls_context *c)
{
	atomic_fetch_add_explicit(&c->references, 1, memory_order_relaxed);
	return c;
}

static void
free_infos(struct tls_context *c)
{
	for (size_t i = 0; c->infos != NULL && i < c->cert_count; i++) {
		const struct tls_cert_info *info = &c->infos[i];
		const char *const texts[] = { info->tls, info->path, info->subject, info->issuer, info->names,
			info->serial, info->sha256, info->key };

		for (size_t k = 0; k < array_len(texts); k++)
			free((void *)(uintptr_t)texts[k]);
	}
	free(c->infos);
}

void
tls_context_unref(struct tls_context *c)
{
	if (c == NULL || atomic_fetch_sub_explicit(&c->references, 1, memory_order_acq_rel) != 1)
		return;
	SSL_CTX_free(c->ssl);
	BIO_meth_free(c->bio);
	free_infos(c);
	for (size_t i = 0; i < c->cert_count; i++)
		tls_cert_fini(&c->certs[i]);
	free(c->certs);
	tls_staple_free(c->staples, c->staple_count);
	tls_tickets_unref(c->tickets);
	tls_resume_free(c->resume);
	tls_rules_free(c->rules);
	free(c->alpn);
	free(c);
}

bool
tls_context_verifies(const struct tls_context *c)
{
	return SSL_CTX_get_verify_mode(c->ssl) != SSL_VERIFY_NONE;
}

/* ---- what a person wants to know ---- */

static char *
join(char *const *names, size_t count)
{
	auto_of(strbuf) struct strbuf s = { 0 };

	for (size_t i = 0; i < count; i++)
		strbuf_printf(&s, "%s%s", i > 0 ? " " : "", names[i]);
	return strbuf_take(&s);
}

static char *
serial_text(const X509 *x)
{
	BIGNUM *n = ASN1_INTEGER_to_BN(X509_get0_serialNumber(x), NULL);
	char *hex = n != NULL ? BN_bn2hex(n) : NULL, *text = hex != NULL ? strdup(hex) : NULL;

	OPENSSL_free(hex);
	BN_free(n);
	return text;
}

static char *
key_text(EVP_PKEY *key)
{
	const char *name = EVP_PKEY_get0_type_name(key);
	char *text = NULL;

	return asprintf(&text, "%s %d", name != NULL ? name : "unknown", EVP_PKEY_get_bits(key)) < 0 ? NULL
												     : text;
}

static int
fill_info(struct tls_cert_info *info, const struct tls_cert *cert, const char *tls)
{
	info->tls = strdup(tls);
	info->path = strdup(cert->cfg->cert);
	info->subject = tls_cert_name_text(X509_get_subject_name(cert->leaf));
	info->issuer = tls_cert_name_text(X509_get_issuer_name(cert->leaf));
	info->names = join(cert->names, cert->name_count);
	info->serial = serial_text(cert->leaf);
	info->sha256 = strdup(cert->sha256);
	info->key = key_text(cert->key);
	info->not_before_s = cert->not_before_s;
	info->not_after_s = cert->not_after_s;
	return info->tls != NULL && info->path != NULL && info->subject != NULL && info->issuer != NULL &&
			       info->names != NULL && info->serial != NULL && info->sha256 != NULL &&
			       info->key != NULL
		       ? 0
		       : -ENOMEM;
}

static int
fill_infos(struct tls_context *c, const struct cfg_tls *cfg, struct cfg_report *report)
{
	c->infos = calloc(c->cert_count + 1, sizeof *c->infos);
	for (size_t i = 0; c->infos != NULL && i < c->cert_count; i++)
		if (fill_info(&c->infos[i], &c->certs[i], cfg->name) < 0)
			return cfg_report_no_memory(report);
	return c->infos != NULL ? 0 : cfg_report_no_memory(report);
}

size_t
tls_context_cert_count(const struct tls_context *c)
{
	return c->cert_count;
}

const struct tls_cert_info *
tls_context_cert(const struct tls_context *c, size_t i)
{
	return &c->infos[i];
}

/* ---- making ---- */

static bool
is_in(void *arg, const char *sha256)
{
	const struct tls_context *c = arg;

	for (size_t i = 0; c != NULL && i < c->cert_count; i++)
		if (strcmp(c->certs[i].sha256, sha256) == 0)
			return true;
	return false;
}

/* Goes on after a failure, so that one run tells all of it. */
static int
load_certs(struct tls_context *c, const struct tls_options *o, const struct tls_reader *r)
{
	const struct tls_judge judge = {
		.now_s = o->now_s, .dates_matter = o->dates_matter, .is_known = is_in, .arg = o->previous
	};
	int result = 0;

	c->certs = calloc(o->cfg->certificate_count + 1, sizeof *c->certs);
	if (c->certs == NULL)
		return cfg_report_no_memory(r->report);
	for (size_t i = 0; i < o->cfg->certificate_count && result != -ENOMEM; i++) {
		int code = tls_cert_load(r, &o->cfg->certificates[i], &judge, &c->certs[i]);

		c->cert_count = i + 1;
		result = code < 0 ? code : result;
	}
	return result;
}

/* OpenSSL's own store of a client does nothing but keep them from being freed. */
static int
set_up_resumption(struct tls_context *c, const struct tls_options *o, const struct tls_reader *r)
{
	if (!o->cfg->session_tickets)
		return 0;
	c->resume = tls_resume_new();
	if (c->resume == NULL)
		return cfg_report_no_memory(r->report);
	SSL_CTX_set_session_cache_mode(c->ssl, SSL_SESS_CACHE_CLIENT | SSL_SESS_CACHE_NO_INTERNAL);
	SSL_CTX_sess_set_new_cb(c->ssl, tls_session_given);
	return 0;
}

static int
set_up_tickets(struct tls_context *c, const struct tls_options *o, const struct tls_reader *r)
{
	const struct tls_context *before = o->previous;
	bool carry = before != NULL && before->tickets != NULL && tls_tickets_rotate(before->tickets) &&
		     o->cfg->ticket_keys.count == 0;
	int code;

	if (c->role == TLS_CLIENT)
		return set_up_resumption(c, o, r);
	if (!o->cfg->session_tickets) {
		SSL_CTX_set_options(c->ssl, SSL_OP_NO_TICKET);
		return SSL_CTX_set_num_tickets(c->ssl, 0) == 1 ? 0 : cfg_report_no_memory(r->report);
	}
	if (carry)
		c->tickets = tls_tickets_ref(before->tickets);
	code = carry ? 0 : tls_tickets_new(r, o->cfg, &c->tickets);
	if (code == 0)
		tls_tickets_use(c->ssl);
	return code;
}

/* TLS 1.2 and later without what only costs: no renegotiation, no compression, our order of ciphers, and no
 * cache of sessions, since tickets are with the client. A peer that ends without close_notify is told apart
 * by the session, which may then still write; see tls_session.c. */
static int
make_ssl(struct tls_context *c, struct cfg_report *report)
{
	c->bio = tls_session_bio_method();
	c->ssl = SSL_CTX_new(c->role == TLS_SERVER ? TLS_server_method() : TLS_client_method());
	if (c->bio == NULL || c->ssl == NULL)
		return cfg_report_no_memory(report);
	SSL_CTX_set_app_data(c->ssl, c);
	SSL_CTX_set_options(c->ssl, SSL_OP_NO_RENEGOTIATION | SSL_OP_NO_COMPRESSION |
					    SSL_OP_IGNORE_UNEXPECTED_EOF | SSL_OP_CIPHER_SERVER_PREFERENCE |
					    SSL_OP_PRIORITIZE_CHACHA);
	SSL_CTX_set_mode(c->ssl, SSL_MODE_RELEASE_BUFFERS | SSL_MODE_NO_AUTO_CHAIN);
	SSL_CTX_set_read_ahead(c->ssl, 1);
	SSL_CTX_set_session_cache_mode(c->ssl, SSL_SESS_CACHE_OFF);
	SSL_CTX_set_timeout(c->ssl, TLS_TICKET_LIFETIME_S);
	SSL_CTX_set_dh_auto(c->ssl, 1);
	return 0;
}

static int
build(struct tls_context *c, const struct tls_options *o, const struct tls_reader *r)
{
	int code = make_ssl(c, r->report), certs;

	if (code < 0)
		return code;
	code = tls_words_set(c, o->cfg, r->report);
	if (code == -ENOMEM)
		return code;
	certs = load_certs(c, o, r);
	if (certs == 0)
		certs = tls_choose_set_up(c, r->report);
	if (certs == 0)
		certs = fill_infos(c, o->cfg, r->report);
	if (certs == 0)
		certs = tls_staple_set_up(c, r, o->cfg, o->now_s);
	if (certs == -ENOMEM)
		return certs;
	code = certs < 0 ? certs : code;
	certs = tls_verify_set_up(c, r, o->cfg, o->now_s);
	code = certs < 0 ? certs : code;
	if (code == -ENOMEM)
		return code;
	certs = set_up_tickets(c, o, r);
	return certs < 0 ? certs : code;
}

static void
saw(void *arg, const void *bytes, size_t size)
{
	EVP_DigestUpdate(arg, &size, sizeof size);
	EVP_DigestUpdate(arg, bytes, size);
}

static int
build_hashed(struct tls_context *c, const struct tls_options *o, struct cfg_report *report)
{
	EVP_MD_CTX *hash = EVP_MD_CTX_new();
	const struct tls_reader r = { .source = o->source, .report = report, .saw = saw, .arg = hash };
	int code;

	if (hash == NULL || EVP_DigestInit_ex(hash, EVP_sha256(), NULL) != 1)
		code = cfg_report_no_memory(report);
	else
		code = build(c, o, &r);
	if (code == 0 && EVP_DigestFinal_ex(hash, c->files, NULL) != 1)
		code = cfg_report_no_memory(report);
	EVP_MD_CTX_free(hash);
	return code;
}

int
tls_context_new(const struct tls_options *options, struct cfg_report *report, struct tls_context **ret)
{
	struct tls_context *c = mem_new(*c), *before = options->previous;
	char error[TLS_ERROR_SIZE];
	int code;

	if (c == NULL)
		return cfg_report_no_memory(report);
	atomic_init(&c->references, 1);
	c->role = options->role;
	code = build_hashed(c, options, report);
	tls_error_take(error); /* what was told is told; the next to look at the queue shall not find it */
	if (code < 0) {
		tls_context_unref(c);
		return code;
	}
	for (size_t i = 0; i < c->cert_count; i++)
		c->certs[i].cfg = NULL; /* the configuration may go before us */
	if (before != NULL && options->unchanged && memcmp(before->files, c->files, sizeof c->files) == 0) {
		tls_context_unref(c);
		c = tls_context_ref(before);
	}
	*ret = c;
	return 0;
}
