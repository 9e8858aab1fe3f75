/* The texts are copied, so that they do not change when OpenSSL's do. */
#include "net/tls_info.h"

#include <arpa/inet.h>
#include <openssl/x509v3.h>
#include <stdio.h>
#include <string.h>

#include "sockd/types.h"

#include "net/tls_cert.h"

void
tls_info_free(struct sockd_tls_info *info)
{
	if (info == NULL)
		return;
	for (size_t i = 0; info->sans != NULL && info->sans[i] != NULL; i++)
		free((void *)(uintptr_t)info->sans[i]);
	free((void *)(uintptr_t)info->sans);
	free((void *)(uintptr_t)info->alpn);
	free((void *)(uintptr_t)info->sni);
	free((void *)(uintptr_t)info->subject);
	free((void *)(uintptr_t)info->sha256);
	free(info);
}

/* A name with what kind it is; NULL: of a kind that is not told, or no memory. A NUL in it ends no name
 * early: it is none that anybody should believe. */
static char *
san_text(const GENERAL_NAME *n)
{
	const char *kind = n->type == GEN_DNS     ? "dns"
			   : n->type == GEN_URI   ? "uri"
			   : n->type == GEN_EMAIL ? "email"
						  : NULL;
	char *text = NULL, ip[INET6_ADDRSTRLEN];

	if (n->type == GEN_IPADD) {
		int size = ASN1_STRING_length(n->d.iPAddress);
		int family = size == 4 ? AF_INET : size == 16 ? AF_INET6 : AF_UNSPEC;

		if (family == AF_UNSPEC ||
			inet_ntop(family, ASN1_STRING_get0_data(n->d.iPAddress), ip, sizeof ip) == NULL ||
			asprintf(&text, "ip:%s", ip) < 0)
			return NULL;
		return text;
	}
	if (kind == NULL ||
		memchr(ASN1_STRING_get0_data(n->d.ia5), 0, (size_t)ASN1_STRING_length(n->d.ia5)) != NULL)
		return NULL;
	if (asprintf(&text, "%s:%.*s", kind, ASN1_STRING_length(n->d.ia5), ASN1_STRING_get0_data(n->d.ia5)) <
		0)
		return NULL;
	return text;
}

static void
fill_sans(struct sockd_tls_info *info, X509 *peer)
{
	GENERAL_NAMES *names = X509_get_ext_d2i(peer, NID_subject_alt_name, NULL, NULL);
	int count = sk_GENERAL_NAME_num(names);
	char **sans = count > 0 ? calloc((size_t)count + 1, sizeof *sans) : NULL;
	size_t at = 0;

	for (int i = 0; sans != NULL && i < count; i++) {
		sans[at] = san_text(sk_GENERAL_NAME_value(names, i));
		at += sans[at] != NULL;
	}
	GENERAL_NAMES_free(names);
	if (at == 0) {
		free(sans);
		return;
	}
	info->sans = (const char *const *)sans;
}

static void
fill_peer(struct sockd_tls_info *info, const SSL *ssl, X509 *peer)
{
	char sha256[TLS_FINGERPRINT_SIZE];

	tls_cert_fingerprint(peer, sha256);
	info->sha256 = strdup(sha256);
	info->subject = tls_cert_name_text(X509_get_subject_name(peer));
	info->verified =
		SSL_get_verify_mode(ssl) != SSL_VERIFY_NONE && SSL_get_verify_result(ssl) == X509_V_OK;
	fill_sans(info, peer);
}

struct sockd_tls_info *
tls_info_new(const SSL *ssl)
{
	struct sockd_tls_info *info = calloc(1, sizeof *info);
	const char *sni = SSL_get_servername(ssl, TLSEXT_NAMETYPE_host_name);
	X509 *peer = SSL_get0_peer_certificate(ssl);
	const unsigned char *alpn = NULL;
	unsigned alpn_size = 0;

	if (info == NULL)
		return NULL;
	SSL_get0_alpn_selected(ssl, &alpn, &alpn_size);
	info->version = SSL_get_version(ssl);
	info->cipher = SSL_get_cipher_name(ssl);
	info->alpn = alpn_size > 0 ? tls_text_copy(alpn, (long)alpn_size) : NULL;
	info->sni = sni != NULL ? strdup(sni) : NULL;
	info->resumed = SSL_session_reused(ssl) == 1;
	if (peer != NULL)
		fill_peer(info, ssl, peer);
	return info;
}
