/* A response belongs to the certificate whose serial number it names. One that is over is worse than none,
 * since clients that look refuse it: it is told, and not sent. */
#include "net/tls_staple.h"

#include <errno.h>
#include <limits.h>
#include <openssl/ocsp.h>
#include <string.h>

#include "base/clock.h"

struct reading {
	struct tls_context *c;
	const struct tls_reader *r;
	const struct cfg_tls *cfg;
	int64_t now_s;
};

void
tls_staple_free(struct tls_staple *staples, size_t count)
{
	for (size_t i = 0; i < count; i++)
		free(staples[i].der);
	free(staples);
}

static int
fault(const struct reading *reading, const struct tls_file *f, const char *what)
{
	return cfg_report_error(
		reading->r->report, &reading->cfg->ocsp_place, "'ocsp': %s %s", f->path, what);
}

/* Find the certificate that a single response is about. */
static bool
is_about(const OCSP_SINGLERESP *one, X509 *leaf)
{
	ASN1_INTEGER *serial = NULL;

	OCSP_id_get0_info(NULL, NULL, NULL, &serial, (OCSP_CERTID *)(uintptr_t)OCSP_SINGLERESP_get0_id(one));
	return serial != NULL && ASN1_INTEGER_cmp(serial, X509_get0_serialNumber(leaf)) == 0;
}

static int
add_staple(struct reading *reading, const struct tls_file *f, size_t cert, OCSP_SINGLERESP *one)
{
	struct tls_context *c = reading->c;
	struct tls_staple *staples = reallocarray(c->staples, c->staple_count + 1, sizeof *staples);
	ASN1_GENERALIZEDTIME *next = NULL;
	int reason, status = OCSP_single_get0_status(one, &reason, NULL, NULL, &next);
	unsigned char *der = malloc(f->size);

	if (staples != NULL)
		c->staples = staples;
	if (staples == NULL || der == NULL) {
		free(der);
		return cfg_report_no_memory(reading->r->report);
	}
	memcpy(der, f->bytes, f->size);
	c->staples[c->staple_count++] = (struct tls_staple){
		.cert = cert, .der = der, .size = f->size, .until_s = next != NULL ? tls_cert_time_s(next) : 0
	};
	if (status != V_OCSP_CERTSTATUS_GOOD)
		cfg_report_warning(reading->r->report, &reading->cfg->ocsp_place,
			"'ocsp': %s says that the certificate in %s is %s", f->path, c->certs[cert].cfg->cert,
			status == V_OCSP_CERTSTATUS_REVOKED ? "revoked" : "unknown to its authority");
	if (next != NULL && tls_cert_time_s(next) < reading->now_s)
		cfg_report_warning(reading->r->report, &reading->cfg->ocsp_place,
			"'ocsp': %s has expired and is not sent", f->path);
	return 0;
}

static int
add_basic(struct reading *reading, const struct tls_file *f, OCSP_BASICRESP *basic)
{
	for (int i = 0; i < OCSP_resp_count(basic); i++)
		for (size_t k = 0; k < reading->c->cert_count; k++)
			if (is_about(OCSP_resp_get0(basic, i), reading->c->certs[k].leaf))
				return add_staple(reading, f, k, OCSP_resp_get0(basic, i));
	return fault(reading, f, "is about none of these certificates: the serial number is another one");
}

static int
add_file(void *arg, const struct tls_file *f)
{
	struct reading *reading = arg;
	const unsigned char *at = (const unsigned char *)f->bytes;
	OCSP_RESPONSE *response = d2i_OCSP_RESPONSE(NULL, &at, f->size < LONG_MAX ? (long)f->size : LONG_MAX);
	OCSP_BASICRESP *basic = NULL;
	int code;

	if (response == NULL)
		return fault(reading, f, "is no OCSP response in DER form");
	if (OCSP_response_status(response) == OCSP_RESPONSE_STATUS_SUCCESSFUL)
		basic = OCSP_response_get1_basic(response);
	code = basic != NULL ? add_basic(reading, f, basic)
			     : fault(reading, f, "is an OCSP response that says that asking failed");
	OCSP_BASICRESP_free(basic);
	OCSP_RESPONSE_free(response);
	return code;
}

/* The response moves to OpenSSL, which frees it with its own free. */
static int
on_status(SSL *ssl, void *arg)
{
	const struct tls_context *c = arg;
	const X509 *sent = SSL_get_certificate(ssl);
	int64_t now_s = clock_wall_ms() / 1000;

	for (size_t i = 0; i < c->staple_count; i++) {
		const struct tls_staple *s = &c->staples[i];
		unsigned char *copy;

		if (c->certs[s->cert].leaf != sent || (s->until_s != 0 && s->until_s < now_s))
			continue;
		copy = OPENSSL_memdup(s->der, s->size);
		if (copy == NULL)
			return SSL_TLSEXT_ERR_NOACK;
		SSL_set_tlsext_status_ocsp_resp(ssl, copy, (long)s->size);
		return SSL_TLSEXT_ERR_OK;
	}
	return SSL_TLSEXT_ERR_NOACK;
}

int
tls_staple_set_up(struct tls_context *c, const struct tls_reader *r, const struct cfg_tls *cfg, int64_t now_s)
{
	struct reading reading = { c, r, cfg, now_s };
	int code = tls_file_each(r, &cfg->ocsp, "ocsp", &cfg->ocsp_place, add_file, &reading);

	if (code == 0 && c->staple_count > 0) {
		SSL_CTX_set_tlsext_status_cb(c->ssl, on_status);
		SSL_CTX_set_tlsext_status_arg(c->ssl, c);
	}
	return code;
}
