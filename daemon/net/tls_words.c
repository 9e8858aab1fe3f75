/* OpenSSL passes over most words that it does not know, so a slip in a list would silently leave out what was
 * meant: each word is tried alone, on a context that is thrown away. */
#include "net/tls_words.h"

#include <errno.h>
#include <string.h>

#include "net/tls_error.h"

/* Forward secrecy and authenticated encryption only; AES-128 first, since nothing is gained by slower. */
static const char default_ciphers[] = "ECDHE-ECDSA-AES128-GCM-SHA256:ECDHE-RSA-AES128-GCM-SHA256:"
				      "ECDHE-ECDSA-AES256-GCM-SHA384:ECDHE-RSA-AES256-GCM-SHA384:"
				      "ECDHE-ECDSA-CHACHA20-POLY1305:ECDHE-RSA-CHACHA20-POLY1305";

enum { WORD_MAX = 128 };

/* One kind of list. */
struct list {
	const char *key, *what; /* "ciphers", "cipher" */
	const char *separators;
	int (*set)(SSL_CTX *ssl, const char *list);
	const char *see; /* the command that prints what there is */
};

static int
set_groups(SSL_CTX *ssl, const char *list)
{
	return (int)SSL_CTX_set1_groups_list(ssl, list);
}

static const struct list ciphers = { "ciphers", "cipher", ":, ", SSL_CTX_set_cipher_list,
	"openssl ciphers -v" };
static const struct list suites = { "ciphersuites", "cipher of TLS 1.3", ":", SSL_CTX_set_ciphersuites,
	"openssl ciphers -v -s -tls1_3" };
static const struct list groups = { "groups", "group", ":", set_groups, "openssl ecparam -list_curves" };

/* The word without what OpenSSL puts before it: ! - + exclude and reorder, @ begins a command. */
static bool
is_known(const struct list *l, SSL_CTX *scratch, char *word)
{
	bool known;

	if (l == &ciphers)
		word += strspn(word, "!-+");
	if (l == &ciphers && (word[0] == '@' || strcmp(word, "DEFAULT") == 0))
		known = strcmp(word, "@STRENGTH") == 0 || strncmp(word, "@SECLEVEL=", 10) == 0 ||
			word[0] == 'D';
	else if (l == &groups)
		known = l->set(scratch, word) == 1;
	else
		known = l->set(scratch, word) == 1;
	return known;
}

static int
check_words(const struct list *l, const char *text, const struct cfg_place *place, struct cfg_report *report)
{
	SSL_CTX *scratch = SSL_CTX_new(TLS_method());
	char error[TLS_ERROR_SIZE];
	int code = 0;

	if (scratch == NULL)
		return cfg_report_no_memory(report);
	for (const char *at = text; *at != '\0'; at += strspn(at, l->separators)) {
		size_t size = strcspn(at, l->separators);
		char word[WORD_MAX] = "";

		if (size > 0 && size < sizeof word)
			memcpy(word, at, size);
		if (size >= sizeof word || (size > 0 && !is_known(l, scratch, word)))
			code = cfg_report_error(report, place,
				"'%s': OpenSSL knows no %s '%.*s'; `%s` lists them", l->key, l->what,
				(int)(size < 60 ? size : 60), at, l->see);
		at += size;
	}
	SSL_CTX_free(scratch);
	tls_error_take(error);
	return code;
}

static int
set_list(const struct list *l, SSL_CTX *ssl, const char *text, const struct cfg_place *place,
	struct cfg_report *report)
{
	char error[TLS_ERROR_SIZE];
	int code = check_words(l, text, place, report);

	if (code < 0)
		return code;
	if (l->set(ssl, text) == 1)
		return 0;
	return cfg_report_error(report, place, "'%s': OpenSSL does not take '%.100s': %s", l->key, text,
		tls_error_take(error));
}

/* ---- ALPN ---- */

/* Ours is the order that counts. @return 0 and the protocol, or an alert (RFC 7301 section 3.2) */
static int
on_alpn(SSL *ssl, const unsigned char **ret, unsigned char *ret_size, const unsigned char *theirs,
	unsigned size, void *arg)
{
	const struct tls_context *c = arg;

	(void)ssl; /* all its connections have the same list */
	for (size_t i = 0; i < c->alpn_size; i += 1u + c->alpn[i])
		for (unsigned j = 0; j < size && j + theirs[j] < size; j += 1u + theirs[j])
			if (theirs[j] == c->alpn[i] &&
				memcmp(&theirs[j + 1], &c->alpn[i + 1], theirs[j]) == 0) {
				*ret = &c->alpn[i + 1];
				*ret_size = c->alpn[i];
				return SSL_TLSEXT_ERR_OK;
			}
	return SSL_TLSEXT_ERR_ALERT_FATAL;
}

static int
set_alpn(struct tls_context *c, const struct cfg_tls *cfg, struct cfg_report *report)
{
	size_t size = 0, at = 0;

	for (size_t i = 0; i < cfg->alpn.count; i++)
		size += 1 + strlen(cfg->alpn.at[i]);
	if (size == 0)
		return 0;
	c->alpn = malloc(size);
	if (c->alpn == NULL)
		return cfg_report_no_memory(report);
	for (size_t i = 0; i < cfg->alpn.count; i++) {
		size_t length = strlen(cfg->alpn.at[i]); /* 1 to 255: the loader has seen to it */

		c->alpn[at++] = (unsigned char)length;
		memcpy(&c->alpn[at], cfg->alpn.at[i], length);
		at += length;
	}
	c->alpn_size = size;
	if (c->role == TLS_SERVER)
		SSL_CTX_set_alpn_select_cb(c->ssl, on_alpn, c);
	else if (SSL_CTX_set_alpn_protos(c->ssl, c->alpn, (unsigned)size) != 0)
		return cfg_report_no_memory(report);
	return 0;
}

int
tls_words_set(struct tls_context *c, const struct cfg_tls *cfg, struct cfg_report *report)
{
	size_t errors = report->errors;

	if (SSL_CTX_set_min_proto_version(c->ssl, cfg->min_version) != 1 ||
		SSL_CTX_set_max_proto_version(c->ssl, cfg->max_version) != 1)
		return cfg_report_error(report, &cfg->place, "this OpenSSL has no TLS of these versions");
	if (set_list(&ciphers, c->ssl, cfg->ciphers != NULL ? cfg->ciphers : default_ciphers,
		    cfg->ciphers != NULL ? &cfg->ciphers_place : &cfg->place, report) == -ENOMEM)
		return -ENOMEM;
	if (cfg->ciphersuites != NULL &&
		set_list(&suites, c->ssl, cfg->ciphersuites, &cfg->ciphersuites_place, report) == -ENOMEM)
		return -ENOMEM;
	if (set_list(&groups, c->ssl, cfg->groups,
		    cfg->groups_place.file != NULL ? &cfg->groups_place : &cfg->place, report) == -ENOMEM ||
		set_alpn(c, cfg, report) == -ENOMEM)
		return -ENOMEM;
	return report->errors > errors ? -EINVAL : 0;
}
