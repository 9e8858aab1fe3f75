/* A certificate with its chain and key: read, and judged as far as that goes without a client. */
#ifndef NET_TLS_CERT_H
#define NET_TLS_CERT_H

#include <openssl/x509.h>
#include <stdint.h>

#include "net/tls_file.h"

/** Text of a SHA-256: two digits a byte, no colons, and a NUL. */
enum { TLS_FINGERPRINT_SIZE = 65 };

struct tls_cert {
	const struct cfg_certificate *cfg; /* borrowed */
	X509 *leaf;                        /* ref */
	STACK_OF(X509) * chain;            /* owned: what the file holds behind the leaf */
	EVP_PKEY *key;                     /* ref */
	int key_type;                      /* EVP_PKEY_RSA, EVP_PKEY_EC, EVP_PKEY_ED25519 ... */
	char **names; /* owned: the DNS names that it is for, at least one entry or none */
	size_t name_count;
	char sha256[TLS_FINGERPRINT_SIZE];
	int64_t not_before_s, not_after_s; /* unix time */
};

/** How strict to be. */
struct tls_judge {
	int64_t now_s;
	/** Out of date: an error, or only a warning. A certificate whose fingerprint is @c known serves
	 * already, so for it there is only the warning. */
	bool dates_matter;
	bool (*is_known)(void *arg, const char *sha256);
	void *arg;
};

/** Read and judge. @return 0; -EINVAL, told; -ENOMEM, told. In any case tls_cert_fini() */
must_check int tls_cert_load(const struct tls_reader *r, const struct cfg_certificate *cfg,
	const struct tls_judge *judge, struct tls_cert *ret);
void tls_cert_fini(struct tls_cert *c);

/** Whether it is for a host of this name. */
bool tls_cert_is_for(const struct tls_cert *c, const char *host);

/** The SHA-256 of a whole certificate, in small letters. */
void tls_cert_fingerprint(const X509 *x, char text[TLS_FINGERPRINT_SIZE]);

/** Bytes of OpenSSL's, which end without NUL, as a text. @return the caller frees it; NULL: no memory */
char *tls_text_copy(const void *bytes, long size);

/** A name such as "CN=a,O=b" (RFC 2253), from malloc(); NULL: no memory. */
char *tls_cert_name_text(const X509_NAME *name);

/** Unix time of what a certificate says. */
int64_t tls_cert_time_s(const ASN1_TIME *t);

#endif
