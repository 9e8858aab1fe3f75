/* What is told here is told before a client ever connects: a key of another certificate, dates that are over,
 * keys that no client takes any more, a chain that stops too early.
 *
 * Whether a chain is complete can't be known without knowing which roots clients trust. Two signs are sure
 * enough to warn: a gap between certificates of the file, and a lone certificate that itself says where to
 * fetch its issuer's (authorities that sign directly by a root that clients have do not say that). */
#include "net/tls_cert.h"

#include <errno.h>
#include <limits.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/x509v3.h>
#include <string.h>
#include <time.h>

#include "config/value.h"
#include "net/tls_error.h"
#include "net/tls_name.h"

enum { RSA_BITS_MIN = 2048, EC_BITS_MIN = 224 };

/* ---- text ---- */

static void
hex(const unsigned char *bytes, size_t size, char *text)
{
	static const char digits[] = "0123456789abcdef";

	for (size_t i = 0; i < size; i++) {
		*text++ = digits[bytes[i] >> 4];
		*text++ = digits[bytes[i] & 15];
	}
	*text = '\0';
}

void
tls_cert_fingerprint(const X509 *x, char text[TLS_FINGERPRINT_SIZE])
{
	unsigned char digest[EVP_MAX_MD_SIZE];
	unsigned size = 0;

	if (X509_digest(x, EVP_sha256(), digest, &size) != 1)
		size = 0;
	hex(digest, size, text);
}

/* The SHA-256 of a public key: what a key and its certificate have in common. */
static void
key_fingerprint(EVP_PKEY *key, char text[TLS_FINGERPRINT_SIZE])
{
	unsigned char *der = NULL, digest[EVP_MAX_MD_SIZE];
	int size = i2d_PUBKEY(key, &der);
	unsigned digest_size = 0;

	if (size < 0 || EVP_Digest(der, (size_t)size, digest, &digest_size, EVP_sha256(), NULL) != 1)
		digest_size = 0;
	hex(digest, digest_size, text);
	OPENSSL_free(der);
}

char *
tls_text_copy(const void *bytes, long size)
{
	size_t n = size > 0 ? (size_t)size : 0;
	char *text = malloc(n + 1);

	if (text == NULL)
		return NULL;
	if (n > 0)
		memcpy(text, bytes, n);
	text[n] = '\0';
	return text;
}

char *
tls_cert_name_text(const X509_NAME *name)
{
	BIO *out = BIO_new(BIO_s_mem());
	char *text = NULL, *data;
	long size;

	if (out != NULL && X509_NAME_print_ex(out, name, 0, XN_FLAG_RFC2253 & ~ASN1_STRFLGS_ESC_MSB) >= 0) {
		size = BIO_get_mem_data(out, &data);
		text = tls_text_copy(data, size);
	}
	BIO_free(out);
	return text;
}

int64_t
tls_cert_time_s(const ASN1_TIME *t)
{
	struct tm tm;

	return ASN1_TIME_to_tm(t, &tm) == 1 ? (int64_t)timegm(&tm) : 0;
}

static const char *
date_text(int64_t s, char text[32])
{
	time_t t = (time_t)s;
	struct tm tm;

	gmtime_r(&t, &tm);
	strftime(text, 32, "%Y-%m-%d %H:%M:%SZ", &tm);
	return text;
}

/* ---- reading ---- */

struct passphrase {
	const char *text; /* NULL: none was given */
	bool asked;
};

static int
give_passphrase(char *buf, int size, int writing, void *arg)
{
	struct passphrase *p = arg;
	size_t length = p->text != NULL ? strlen(p->text) : 0;

	(void)writing; /* we only read */
	p->asked = true;
	if (p->text == NULL || length > (size_t)size)
		return -1;
	memcpy(buf, p->text, length);
	return (int)length;
}

static int
read_certificates(const struct tls_reader *r, const struct tls_file *f, struct tls_cert *c)
{
	const struct cfg_place *place = &c->cfg->cert_place;
	BIO *in = BIO_new_mem_buf(f->bytes, f->size < INT_MAX ? (int)f->size : INT_MAX);
	char text[TLS_ERROR_SIZE];
	X509 *x;

	c->chain = sk_X509_new_null();
	if (in == NULL || c->chain == NULL) {
		BIO_free(in);
		return cfg_report_no_memory(r->report);
	}
	while ((x = PEM_read_bio_X509_AUX(in, NULL, NULL, NULL)) != NULL) {
		if (c->leaf == NULL)
			c->leaf = x;
		else if (sk_X509_push(c->chain, x) == 0) {
			X509_free(x);
			BIO_free(in);
			return cfg_report_no_memory(r->report);
		}
	}
	BIO_free(in);
	tls_error_take(text);
	if (c->leaf != NULL && strcmp(text, "no start line") == 0)
		return 0;
	if (c->leaf != NULL)
		return cfg_report_error(r->report, place,
			"'cert': %s holds a certificate that cannot be read behind the first %d: %s", f->path,
			1 + sk_X509_num(c->chain), text);
	return cfg_report_error(r->report, place,
		"'cert': %s holds no certificate in PEM form (-----BEGIN CERTIFICATE-----)", f->path);
}

static int
read_key(const struct tls_reader *r, const struct tls_file *f, const struct cfg_place *place,
	const char *passphrase, struct tls_cert *c)
{
	BIO *in = BIO_new_mem_buf(f->bytes, f->size < INT_MAX ? (int)f->size : INT_MAX);
	struct passphrase p = { .text = passphrase };
	char text[TLS_ERROR_SIZE];

	if (in == NULL)
		return cfg_report_no_memory(r->report);
	c->key = PEM_read_bio_PrivateKey(in, NULL, give_passphrase, &p);
	BIO_free(in);
	tls_error_take(text);
	if (c->key != NULL && passphrase != NULL && !p.asked)
		cfg_report_warning(r->report, &c->cfg->passphrase_place,
			"'key_passphrase': the key in %s is not encrypted", f->path);
	if (c->key != NULL)
		return 0;
	if (p.asked && passphrase == NULL)
		return cfg_report_error(r->report, place,
			"'key': the key in %s is encrypted; add 'key_passphrase: {file: PATH}'", f->path);
	if (p.asked)
		return cfg_report_error(r->report, &c->cfg->passphrase_place,
			"'key_passphrase' does not open the key in %s", f->path);
	return cfg_report_error(r->report, place,
		"'key': %s holds no private key in PEM form (-----BEGIN PRIVATE KEY-----)%s", f->path,
		c->cfg->key == NULL ? "; name its file with 'key'" : "");
}

static int
read_passphrase(const struct tls_reader *r, const struct tls_cert *c, char **ret)
{
	int code;

	*ret = NULL;
	if (c->cfg->passphrase == NULL)
		return 0;
	code = cfg_node_secret(c->cfg->passphrase, "key_passphrase", r->source, ret, r->report);
	if (code == 0)
		r->saw(r->arg, *ret, strlen(*ret));
	return code;
}

static int
load_files(const struct tls_reader *r, struct tls_cert *c)
{
	auto_of(tls_file) struct tls_file cert = { 0 }, key = { 0 };
	char *passphrase = NULL;
	const bool separate = c->cfg->key != NULL;
	int cert_code = tls_file_read(r, c->cfg->cert, "cert", &c->cfg->cert_place, &cert);
	int code = cert_code;

	if (cert_code == 0)
		cert_code = read_certificates(r, &cert, c);
	if (separate)
		code = tls_file_read(r, c->cfg->key, "key", &c->cfg->key_place, &key);
	if (code == 0)
		code = read_passphrase(r, c, &passphrase);
	if (code == 0)
		code = read_key(r, separate ? &key : &cert,
			separate ? &c->cfg->key_place : &c->cfg->cert_place, passphrase, c);
	if (passphrase != NULL)
		explicit_bzero(passphrase, strlen(passphrase));
	free(passphrase);
	return cert_code < 0 ? cert_code : code;
}

/* ---- names ---- */

static int
add_name(struct tls_cert *c, const unsigned char *bytes, int size)
{
	char **names = reallocarray(c->names, c->name_count + 1, sizeof *names), *name;

	if (names == NULL)
		return -ENOMEM;
	c->names = names;
	name = tls_text_copy(bytes, size);
	if (name == NULL)
		return -ENOMEM;
	c->names[c->name_count++] = name;
	return 0;
}

/* The subject's CN counts only where no alternative name of a host stands, as for clients. */
static int
collect_names(struct tls_cert *c)
{
	GENERAL_NAMES *names = X509_get_ext_d2i(c->leaf, NID_subject_alt_name, NULL, NULL);
	const X509_NAME *subject = X509_get_subject_name(c->leaf);
	int code = 0, at = -1;

	for (int i = 0; code == 0 && i < sk_GENERAL_NAME_num(names); i++) {
		const GENERAL_NAME *n = sk_GENERAL_NAME_value(names, i);

		if (n->type == GEN_DNS)
			code = add_name(
				c, ASN1_STRING_get0_data(n->d.dNSName), ASN1_STRING_length(n->d.dNSName));
	}
	GENERAL_NAMES_free(names);
	if (code == 0 && c->name_count == 0)
		at = X509_NAME_get_index_by_NID(subject, NID_commonName, -1);
	if (at >= 0) {
		unsigned char *utf8 = NULL;
		int size = ASN1_STRING_to_UTF8(
			&utf8, X509_NAME_ENTRY_get_data(X509_NAME_get_entry(subject, at)));

		if (size > 0)
			code = add_name(c, utf8, size);
		OPENSSL_free(utf8);
	}
	return code;
}

bool
tls_cert_is_for(const struct tls_cert *c, const char *host)
{
	for (size_t i = 0; i < c->name_count; i++)
		if (tls_name_covers(c->names[i], host))
			return true;
	return false;
}

/* ---- judging ---- */

static void
judge_pair(const struct tls_reader *r, const struct tls_cert *c)
{
	const struct cfg_place *place = c->cfg->key != NULL ? &c->cfg->key_place : &c->cfg->cert_place;
	char of_cert[TLS_FINGERPRINT_SIZE], of_key[TLS_FINGERPRINT_SIZE];

	if (X509_check_private_key(c->leaf, c->key) == 1)
		return;
	key_fingerprint(X509_get0_pubkey(c->leaf), of_cert);
	key_fingerprint(c->key, of_key);
	cfg_report_error(r->report, place,
		"the key in %s does not belong to the certificate in %s: the public key of the first has the "
		"SHA-256 %s, that of the second %s",
		c->cfg->key != NULL ? c->cfg->key : c->cfg->cert, c->cfg->cert, of_key, of_cert);
}

static void
judge_dates(const struct tls_reader *r, const struct tls_cert *c, const struct tls_judge *judge)
{
	bool known = judge->is_known != NULL && judge->is_known(judge->arg, c->sha256);
	char date[32], text[256] = "";

	if (judge->now_s > c->not_after_s)
		snprintf(text, sizeof text, "has expired: it was valid until %s",
			date_text(c->not_after_s, date));
	else if (judge->now_s < c->not_before_s)
		snprintf(text, sizeof text, "is not valid yet, only from %s on",
			date_text(c->not_before_s, date));
	if (text[0] == '\0')
		return;
	if (judge->dates_matter && !known)
		cfg_report_error(
			r->report, &c->cfg->cert_place, "the certificate in %s %s", c->cfg->cert, text);
	else
		cfg_report_warning(
			r->report, &c->cfg->cert_place, "the certificate in %s %s", c->cfg->cert, text);
}

static void
judge_strength(const struct tls_reader *r, const struct tls_cert *c)
{
	int bits = EVP_PKEY_get_bits(c->key);

	if (c->key_type == EVP_PKEY_RSA && bits < RSA_BITS_MIN)
		cfg_report_error(r->report, &c->cfg->cert_place,
			"the RSA key of %s is weak: it has %d bits, and clients want at least %d",
			c->cfg->cert, bits, RSA_BITS_MIN);
	else if (c->key_type == EVP_PKEY_EC && bits < EC_BITS_MIN)
		cfg_report_error(r->report, &c->cfg->cert_place,
			"the EC key of %s is weak: it has %d bits, and clients want at least 256",
			c->cfg->cert, bits);
	else if (c->key_type != EVP_PKEY_RSA && c->key_type != EVP_PKEY_EC &&
		 c->key_type != EVP_PKEY_ED25519 && c->key_type != EVP_PKEY_RSA_PSS &&
		 c->key_type != EVP_PKEY_ED448)
		cfg_report_error(r->report, &c->cfg->cert_place,
			"the key of %s is of a kind that TLS does not use; RSA, ECDSA and Ed25519 keys will "
			"do",
			c->cfg->cert);
}

static bool
has_issuer_address(X509 *x)
{
	AUTHORITY_INFO_ACCESS *info = X509_get_ext_d2i(x, NID_info_access, NULL, NULL);
	bool has = false;

	for (int i = 0; i < sk_ACCESS_DESCRIPTION_num(info); i++)
		has |= OBJ_obj2nid(sk_ACCESS_DESCRIPTION_value(info, i)->method) == NID_ad_ca_issuers;
	AUTHORITY_INFO_ACCESS_free(info);
	return has;
}

/* How many certificates of the file follow each other from the leaf on. */
static int
linked_count(const struct tls_cert *c, X509 **ret_last)
{
	int linked = 0;

	*ret_last = c->leaf;
	while (linked < sk_X509_num(c->chain)) {
		X509 *above = sk_X509_value(c->chain, linked);

		if (X509_check_issued(above, *ret_last) != X509_V_OK)
			break;
		*ret_last = above;
		linked++;
	}
	return linked;
}

static void
judge_chain(const struct tls_reader *r, const struct tls_cert *c)
{
	X509 *last;
	int linked = linked_count(c, &last);
	bool alone = sk_X509_num(c->chain) == 0 && X509_check_issued(c->leaf, c->leaf) != X509_V_OK &&
		     has_issuer_address(c->leaf);
	auto_of(mem) char *issuer = NULL;

	if (linked == sk_X509_num(c->chain) && !alone)
		return;
	issuer = tls_cert_name_text(X509_get_issuer_name(last));
	cfg_report_warning(r->report, &c->cfg->cert_place,
		"the chain in %s is incomplete: behind certificate %d that of its issuer (%s) is missing, "
		"and "
		"clients that do not know it will refuse ours",
		c->cfg->cert, linked + 1, issuer != NULL ? issuer : "unknown");
}

int
tls_cert_load(const struct tls_reader *r, const struct cfg_certificate *cfg, const struct tls_judge *judge,
	struct tls_cert *ret)
{
	size_t errors = r->report->errors;
	int code;

	*ret = (struct tls_cert){ .cfg = cfg };
	code = load_files(r, ret);
	if (code < 0)
		return code;
	ret->key_type = EVP_PKEY_get_base_id(ret->key);
	ret->not_before_s = tls_cert_time_s(X509_get0_notBefore(ret->leaf));
	ret->not_after_s = tls_cert_time_s(X509_get0_notAfter(ret->leaf));
	tls_cert_fingerprint(ret->leaf, ret->sha256);
	if (collect_names(ret) < 0)
		return cfg_report_no_memory(r->report);
	judge_pair(r, ret);
	judge_dates(r, ret, judge);
	judge_strength(r, ret);
	judge_chain(r, ret);
	return r->report->errors > errors ? -EINVAL : 0;
}

void
tls_cert_fini(struct tls_cert *c)
{
	for (size_t i = 0; i < c->name_count; i++)
		free(c->names[i]);
	free(c->names);
	X509_free(c->leaf);
	sk_X509_pop_free(c->chain, X509_free);
	EVP_PKEY_free(c->key);
	*c = (struct tls_cert){ 0 };
}
