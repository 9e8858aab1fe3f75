/* OpenSSL walks the chain; names and fingerprints are judged here, after it. The error that is set becomes
 * the alert that the peer gets: expired, revoked, unknown authority; a certificate that is fine but not on
 * our lists is "bad certificate", the nearest that OpenSSL can be made to send.
 *
 * A session that is resumed is not verified again, so what it was verified by (authorities, lists, rules) is
 * hashed into the session's context: after any of it changes, old sessions do not come back. */
#include "net/tls_verify.h"

#include <errno.h>
#include <limits.h>
#include <openssl/pem.h>
#include <openssl/x509v3.h>
#include <stdio.h>
#include <string.h>

#include "config/load_tls.h"
#include "net/tls_error.h"
#include "net/tls_name.h"

enum { CA_NAMES_MAX = 100 /* sent to each client; above it none is */ };

struct tls_rules {
	bool has_ca, has_crl;
	char **sans; /* owned */
	size_t san_count;
	char (*fingerprints)[TLS_FINGERPRINT_SIZE]; /* owned; small letters, no colons */
	size_t fingerprint_count;
};

void
tls_rules_free(struct tls_rules *rules)
{
	if (rules == NULL)
		return;
	for (size_t i = 0; i < rules->san_count; i++)
		free(rules->sans[i]);
	free(rules->sans);
	free(rules->fingerprints);
	free(rules);
}

/* ---- judging a peer ---- */

static bool
san_fits(const struct tls_rules *rules, const GENERAL_NAME *n)
{
	const ASN1_STRING *s;
	char name[1024];

	if (n->type != GEN_DNS && n->type != GEN_URI && n->type != GEN_EMAIL)
		return false;
	s = n->d.ia5;
	if (ASN1_STRING_length(s) >= (int)sizeof name ||
		memchr(ASN1_STRING_get0_data(s), 0, (size_t)ASN1_STRING_length(s)) != NULL)
		return false;
	memcpy(name, ASN1_STRING_get0_data(s), (size_t)ASN1_STRING_length(s));
	name[ASN1_STRING_length(s)] = '\0';
	for (size_t i = 0; i < rules->san_count; i++)
		if (n->type == GEN_DNS ? tls_name_fits_dns(rules->sans[i], name)
				       : tls_name_fits(rules->sans[i], name))
			return true;
	return false;
}

static bool
sans_fit(const struct tls_rules *rules, X509 *x)
{
	GENERAL_NAMES *names = X509_get_ext_d2i(x, NID_subject_alt_name, NULL, NULL);
	bool fits = false;

	for (int i = 0; !fits && i < sk_GENERAL_NAME_num(names); i++)
		fits = san_fits(rules, sk_GENERAL_NAME_value(names, i));
	GENERAL_NAMES_free(names);
	return fits;
}

static bool
fingerprint_fits(const struct tls_rules *rules, const X509 *x)
{
	char sha256[TLS_FINGERPRINT_SIZE];

	tls_cert_fingerprint(x, sha256);
	for (size_t i = 0; i < rules->fingerprint_count; i++)
		if (strcmp(rules->fingerprints[i], sha256) == 0)
			return true;
	return false;
}

/* Nobody signed it that we know: its dates and its fingerprint are what counts. */
static int
verify_pinned(X509_STORE_CTX *sc, X509 *x)
{
	if (X509_cmp_current_time(X509_get0_notBefore(x)) > 0)
		X509_STORE_CTX_set_error(sc, X509_V_ERR_CERT_NOT_YET_VALID);
	else if (X509_cmp_current_time(X509_get0_notAfter(x)) < 0)
		X509_STORE_CTX_set_error(sc, X509_V_ERR_CERT_HAS_EXPIRED);
	else
		X509_STORE_CTX_set_error(sc, X509_V_OK);
	return X509_STORE_CTX_get_error(sc) == X509_V_OK;
}

/* The lists have to know the authority that signed the client's certificate; those of authorities further up
 * count if they are there. */
static int
on_certificate(int ok, X509_STORE_CTX *sc)
{
	if (!ok && X509_STORE_CTX_get_error(sc) == X509_V_ERR_UNABLE_TO_GET_CRL &&
		X509_STORE_CTX_get_error_depth(sc) > 0) {
		X509_STORE_CTX_set_error(sc, X509_V_OK);
		return 1;
	}
	return ok;
}

static void
refuse(X509_STORE_CTX *sc, const char *why)
{
	SSL *ssl = X509_STORE_CTX_get_ex_data(sc, SSL_get_ex_data_X509_STORE_CTX_idx());
	X509 *at = X509_STORE_CTX_get_current_cert(sc), *leaf = X509_STORE_CTX_get0_cert(sc);
	auto_of(mem) char *subject = tls_cert_name_text(X509_get_subject_name(at != NULL ? at : leaf));
	char text[512];

	snprintf(text, sizeof text, "certificate refused: %s (%.300s)", why, subject != NULL ? subject : "?");
	tls_session_refuse(tls_session_of(ssl), text);
}

static int
on_verify(X509_STORE_CTX *sc, void *arg)
{
	const struct tls_context *c = arg;
	const struct tls_rules *rules = c->rules;
	X509 *leaf = X509_STORE_CTX_get0_cert(sc);
	int ok;

	X509_STORE_CTX_set_verify_cb(sc, on_certificate);
	ok = rules->has_ca ? X509_verify_cert(sc) == 1 : verify_pinned(sc, leaf);
	if (!ok) {
		refuse(sc, X509_verify_cert_error_string(X509_STORE_CTX_get_error(sc)));
		return 0;
	}
	if (rules->fingerprint_count > 0 && !fingerprint_fits(rules, leaf)) {
		X509_STORE_CTX_set_error(sc, X509_V_ERR_CERT_REJECTED);
		X509_STORE_CTX_set_current_cert(sc, leaf);
		refuse(sc, "its fingerprint is not in allow_fingerprint");
		return 0;
	}
	if (rules->san_count > 0 && !sans_fit(rules, leaf)) {
		X509_STORE_CTX_set_error(sc, X509_V_ERR_CERT_REJECTED);
		X509_STORE_CTX_set_current_cert(sc, leaf);
		refuse(sc, "none of its names is in allow_san");
		return 0;
	}
	return 1;
}

/* A session that comes back brings the certificate that was verified then: it may have expired since. */
static SSL_TICKET_RETURN
on_resume(SSL *ssl, SSL_SESSION *session, const unsigned char *name, size_t size, SSL_TICKET_STATUS status,
	void *arg)
{
	X509 *peer = session != NULL ? SSL_SESSION_get0_peer(session) : NULL;

	(void)ssl, (void)name, (void)size, (void)arg; /* the session says all */
	if (peer != NULL && X509_cmp_current_time(X509_get0_notAfter(peer)) < 0)
		return SSL_TICKET_RETURN_IGNORE_RENEW;
	if (status == SSL_TICKET_SUCCESS)
		return SSL_TICKET_RETURN_USE;
	return status == SSL_TICKET_SUCCESS_RENEW ? SSL_TICKET_RETURN_USE_RENEW
						  : SSL_TICKET_RETURN_IGNORE_RENEW;
}

/* ---- reading ---- */

struct loading {
	const struct tls_reader *r;
	const struct cfg_place *place;
	const char *key;
	struct tls_context *c;
	X509_STORE *store;
	STACK_OF(X509_NAME) * names; /* owned; of the authorities */
	EVP_MD_CTX *hash;            /* owned; of all that decides */
	int64_t now_s;
};

static void
hash_text(struct loading *l, const char *text)
{
	EVP_DigestUpdate(l->hash, text, strlen(text) + 1);
}

static int
add_authority(struct loading *l, X509 *x)
{
	X509_NAME *name;

	if (X509_STORE_add_cert(l->store, x) != 1)
		return cfg_report_no_memory(l->r->report);
	name = sk_X509_NAME_num(l->names) < CA_NAMES_MAX + 1 ? X509_NAME_dup(X509_get_subject_name(x)) : NULL;
	if (name != NULL && sk_X509_NAME_push(l->names, name) == 0) {
		X509_NAME_free(name);
		return cfg_report_no_memory(l->r->report);
	}
	return 0;
}

static void
judge_list(const struct loading *l, const struct tls_file *f, const X509_CRL *crl)
{
	const ASN1_TIME *next = X509_CRL_get0_nextUpdate(crl);

	if (next != NULL && tls_cert_time_s(next) < l->now_s)
		cfg_report_warning(l->r->report, l->place,
			"'%s': the list in %s has expired; until there is a newer one, clients of its "
			"authority are "
			"refused",
			l->key, f->path);
}

/* Everything of a file that belongs into the store. @return how much that was, or a negative errno */
static int
add_items(struct loading *l, const struct tls_file *f, STACK_OF(X509_INFO) * items, bool lists)
{
	int found = 0, code = 0;

	for (int i = 0; code == 0 && i < sk_X509_INFO_num(items); i++) {
		X509_INFO *item = sk_X509_INFO_value(items, i);

		if (!lists && item->x509 != NULL) {
			found++;
			code = add_authority(l, item->x509);
		}
		if (lists && item->crl != NULL) {
			found++;
			judge_list(l, f, item->crl);
			if (X509_STORE_add_crl(l->store, item->crl) != 1)
				code = cfg_report_no_memory(l->r->report);
		}
	}
	return code < 0 ? code : found;
}

static int
add_file(struct loading *l, const struct tls_file *f, bool lists)
{
	BIO *in = BIO_new_mem_buf(f->bytes, f->size < INT_MAX ? (int)f->size : INT_MAX);
	STACK_OF(X509_INFO) *items = in != NULL ? PEM_X509_INFO_read_bio(in, NULL, NULL, NULL) : NULL;
	char text[TLS_ERROR_SIZE];
	int found;

	BIO_free(in);
	if (items == NULL)
		return cfg_report_error(l->r->report, l->place, "'%s': %s cannot be read as PEM: %s", l->key,
			f->path, tls_error_take(text));
	found = add_items(l, f, items, lists);
	sk_X509_INFO_pop_free(items, X509_INFO_free);
	tls_error_take(text);
	if (found == 0)
		return cfg_report_error(l->r->report, l->place,
			"'%s': %s holds no %s in PEM form (-----BEGIN %s-----)", l->key, f->path,
			lists ? "list of revoked certificates" : "certificate",
			lists ? "X509 CRL" : "CERTIFICATE");
	EVP_DigestUpdate(l->hash, f->bytes, f->size);
	return found < 0 ? found : 0;
}

static int
add_authorities(void *arg, const struct tls_file *f)
{
	return add_file(arg, f, false);
}

static int
add_lists(void *arg, const struct tls_file *f)
{
	return add_file(arg, f, true);
}

static int
load_authorities(
	struct loading *l, const struct cfg_texts *ca, const char *key, const struct cfg_place *place)
{
	l->key = key;
	l->place = place;
	return tls_file_each(l->r, ca, key, place, add_authorities, l);
}

/* ---- rules ---- */

static int
copy_rules(struct loading *l, const struct cfg_tls *cfg)
{
	struct tls_rules *rules = l->c->rules;

	rules->sans = calloc(cfg->client.allow_san.count + 1, sizeof *rules->sans);
	rules->fingerprints = calloc(cfg->client.allow_fingerprint.count + 1, sizeof *rules->fingerprints);
	if (rules->sans == NULL || rules->fingerprints == NULL)
		return cfg_report_no_memory(l->r->report);
	for (size_t i = 0; i < cfg->client.allow_san.count; i++) {
		rules->sans[i] = strdup(cfg->client.allow_san.at[i]);
		if (rules->sans[i] == NULL)
			return cfg_report_no_memory(l->r->report);
		rules->san_count++;
		hash_text(l, rules->sans[i]);
	}
	for (size_t i = 0; i < cfg->client.allow_fingerprint.count; i++) {
		char *to = rules->fingerprints[i];
		size_t size = 0;

		for (const char *from = cfg->client.allow_fingerprint.at[i];
			*from != '\0' && size < TLS_FINGERPRINT_SIZE - 1; from++)
			if (*from != ':')
				to[size++] = *from >= 'A' && *from <= 'F' ? (char)(*from - 'A' + 'a') : *from;
		rules->fingerprint_count++;
		hash_text(l, to);
	}
	return 0;
}

static int
set_up_client_rules(struct loading *l, const struct cfg_tls *cfg)
{
	SSL_CTX *ssl = l->c->ssl;
	int code = copy_rules(l, cfg);

	l->c->rules->has_ca = cfg->client.ca.count > 0;
	l->c->rules->has_crl = cfg->client.crl.count > 0;
	if (code == 0)
		code = load_authorities(l, &cfg->client.ca, "client.ca", &cfg->client.ca_place);
	hash_text(l, "crl");
	if (code == 0) {
		l->key = "client.crl";
		l->place = &cfg->client.crl_place;
		code = tls_file_each(l->r, &cfg->client.crl, l->key, l->place, add_lists, l);
	}
	if (code < 0)
		return code;
	X509_STORE_set_flags(l->store,
		X509_V_FLAG_PARTIAL_CHAIN |
			(l->c->rules->has_crl ? X509_V_FLAG_CRL_CHECK | X509_V_FLAG_CRL_CHECK_ALL : 0));
	SSL_CTX_set_verify(ssl,
		SSL_VERIFY_PEER |
			(cfg->client.verify == CFG_VERIFY_REQUIRED ? SSL_VERIFY_FAIL_IF_NO_PEER_CERT : 0),
		NULL);
	SSL_CTX_set_verify_depth(ssl, cfg->client.depth);
	SSL_CTX_set_cert_verify_callback(ssl, on_verify, l->c);
	SSL_CTX_set_session_ticket_cb(ssl, NULL, on_resume, NULL);
	if (sk_X509_NAME_num(l->names) <= CA_NAMES_MAX) {
		SSL_CTX_set_client_CA_list(ssl, l->names);
		l->names = NULL;
	}
	return 0;
}

static int
set_up_server_rules(struct loading *l, const struct cfg_tls *cfg)
{
	const char *bundle = tls_system_bundle(l->r->source);
	const struct cfg_texts trusted = { .at = &bundle, .count = 1 };
	bool own = cfg->server.ca.count > 0;
	int code = load_authorities(
		l, own ? &cfg->server.ca : &trusted, "server.ca", own ? &cfg->server.ca_place : &cfg->place);

	l->c->rules->has_ca = true;
	if (code < 0)
		return code;
	X509_STORE_set_flags(l->store, X509_V_FLAG_PARTIAL_CHAIN);
	SSL_CTX_set_verify(l->c->ssl, SSL_VERIFY_PEER, NULL);
	SSL_CTX_set_cert_verify_callback(l->c->ssl, on_verify, l->c);
	return 0;
}

int
tls_verify_set_up(struct tls_context *c, const struct tls_reader *r, const struct cfg_tls *cfg, int64_t now_s)
{
	enum cfg_verify verify = c->role == TLS_SERVER ? cfg->client.verify : cfg->server.verify;
	struct loading l = { .r = r, .c = c, .store = SSL_CTX_get_cert_store(c->ssl), .now_s = now_s };
	unsigned char sid[EVP_MAX_MD_SIZE];
	int code = 0;

	l.names = sk_X509_NAME_new_null();
	l.hash = EVP_MD_CTX_new();
	c->rules = mem_new(*c->rules);
	if (l.names == NULL || l.hash == NULL || c->rules == NULL ||
		EVP_DigestInit_ex(l.hash, EVP_sha256(), NULL) != 1)
		code = cfg_report_no_memory(r->report);
	if (code == 0) {
		hash_text(&l, verify == CFG_VERIFY_NONE       ? "none"
			      : verify == CFG_VERIFY_OPTIONAL ? "optional"
							      : "required");
		if (verify != CFG_VERIFY_NONE)
			code = c->role == TLS_SERVER ? set_up_client_rules(&l, cfg)
						     : set_up_server_rules(&l, cfg);
	}
	if (code == 0 && (EVP_DigestFinal_ex(l.hash, sid, NULL) != 1 ||
				 SSL_CTX_set_session_id_context(c->ssl, sid, TLS_SID_SIZE) != 1))
		code = cfg_report_no_memory(r->report);
	sk_X509_NAME_pop_free(l.names, X509_NAME_free);
	EVP_MD_CTX_free(l.hash);
	return code;
}
