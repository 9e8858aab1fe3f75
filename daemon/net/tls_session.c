/* OpenSSL over one BIO. Its write half never asks OpenSSL to come again: what the socket does not take is the
 * output's, so no write is ever half done. Its read half may, and notes when it met the end of the stream:
 * with SSL_OP_IGNORE_UNEXPECTED_EOF OpenSSL says "received shutdown" for a FIN without close_notify too (and
 * lets us go on writing), so only what the BIO saw tells an end from a truncation.
 *
 * `starved`: after OpenSSL asked in vain, whatever lies in its buffer is a piece of a record, which nothing
 * but the socket can complete; SSL_has_pending() does not know that. */
#include "net/tls_session.h"

#include <arpa/inet.h>
#include <errno.h>
#include <limits.h>
#include <openssl/err.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>
#include <stdio.h>
#include <string.h>

#include "sockd/types.h"

#include "net/tls_error.h"
#include "net/tls_info.h"
#include "net/tls_private.h"
#include "net/tls_resume.h"

struct tls_session {
	SSL *ssl;                    /* owned */
	struct tls_context *context; /* ref */
	const struct tls_io *io;     /* borrowed */
	void *arg;                   /* the functions' */
	char *peer;                  /* owned; client: whom its sessions are with; NULL: none are kept */
	char *failure;               /* owned; NULL: none */
	struct sockd_tls_info *info; /* owned; made when asked for */
	int error;                   /* of the functions: a negative errno */
	bool fin, starved, ended;
};

/* ---- the BIO ---- */

static int
bio_read(BIO *b, char *buf, int size)
{
	struct tls_session *s = BIO_get_data(b);
	ssize_t n = s->io->read(s->arg, buf, (size_t)size);

	BIO_clear_retry_flags(b);
	if (n == -EAGAIN) {
		s->starved = true;
		BIO_set_retry_read(b);
		return -1;
	}
	if (n == 0)
		s->fin = true;
	if (n < 0)
		s->error = (int)n;
	return n < 0 ? -1 : (int)n;
}

static int
bio_write(BIO *b, const char *bytes, int size)
{
	struct tls_session *s = BIO_get_data(b);
	int r = s->io->write(s->arg, bytes, (size_t)size);

	BIO_clear_retry_flags(b);
	if (r < 0)
		s->error = r;
	return r < 0 ? -1 : size;
}

static long
bio_ctrl(BIO *b, int command, long number, void *pointer)
{
	struct tls_session *s = BIO_get_data(b);

	(void)number, (void)pointer; /* of commands that we do not have */
	if (command == BIO_CTRL_EOF)
		return s != NULL && s->fin;
	return command == BIO_CTRL_FLUSH;
}

BIO_METHOD *
tls_session_bio_method(void)
{
	/* A number of BIO_get_new_index() would be used up by each context; none is ever looked for by it. */
	BIO_METHOD *m = BIO_meth_new(BIO_TYPE_SOURCE_SINK | 0x7f, "sockd");

	if (m == NULL)
		return NULL;
	BIO_meth_set_read(m, bio_read);
	BIO_meth_set_write(m, bio_write);
	BIO_meth_set_ctrl(m, bio_ctrl);
	return m;
}

/* ---- its life ---- */

static int
set_name(SSL *ssl, const char *name)
{
	unsigned char ip[sizeof(struct in6_addr)];
	bool is_ip = inet_pton(AF_INET, name, ip) == 1 || inet_pton(AF_INET6, name, ip) == 1;

	if (is_ip)
		return X509_VERIFY_PARAM_set1_ip_asc(SSL_get0_param(ssl), name);
	return SSL_set1_host(ssl, name) == 1 && SSL_set_tlsext_host_name(ssl, name) == 1;
}

int
tls_session_new(struct tls_context *context, const struct tls_io *io, void *arg, const char *name,
	struct tls_session **ret)
{
	struct tls_session *s = mem_new(*s);
	BIO *b = BIO_new(context->bio);

	if (s == NULL || b == NULL) {
		free(s);
		BIO_free(b);
		return -ENOMEM;
	}
	*s = (struct tls_session){
		.context = tls_context_ref(context), .io = io, .arg = arg, .ssl = SSL_new(context->ssl)
	};
	BIO_set_data(b, s);
	BIO_set_init(b, 1);
	if (s->ssl == NULL) {
		BIO_free(b);
		tls_session_free(s);
		return -ENOMEM;
	}
	SSL_set_bio(s->ssl, b, b);
	SSL_set_app_data(s->ssl, s);
	if (context->role == TLS_SERVER)
		SSL_set_accept_state(s->ssl);
	else
		SSL_set_connect_state(s->ssl);
	if (name != NULL && !set_name(s->ssl, name)) {
		tls_session_free(s);
		return -ENOMEM;
	}
	*ret = s;
	return 0;
}

void
tls_session_free(struct tls_session *s)
{
	if (s == NULL)
		return;
	SSL_free(s->ssl);
	tls_context_unref(s->context);
	tls_info_free(s->info);
	free(s->peer);
	free(s->failure);
	free(s);
}

struct tls_session *
tls_session_of(const SSL *ssl)
{
	return SSL_get_app_data(ssl);
}

/* ---- coming back ---- */

int
tls_session_resume(struct tls_session *s, const char *peer, const char *name)
{
	SSL_SESSION *before;

	if (s->context->resume == NULL)
		return 0;
	if (asprintf(&s->peer, "%s %s", peer, name != NULL ? name : "") < 0) {
		s->peer = NULL;
		return -ENOMEM;
	}
	before = tls_resume_take(s->context->resume, s->peer);
	if (before != NULL)
		(void)SSL_set_session(s->ssl, before); /* without it the handshake is a full one */
	SSL_SESSION_free(before);
	return 0;
}

/* A copy: OpenSSL spoils its own when a connection ends without close_notify, as one that is reset does. */
static void
keep(const struct tls_session *s, SSL_SESSION *session)
{
	SSL_SESSION *copy = s->peer != NULL ? SSL_SESSION_dup(session) : NULL;

	if (copy != NULL)
		tls_resume_put(s->context->resume, s->peer, copy);
}

int
tls_session_given(SSL *ssl, SSL_SESSION *session)
{
	keep(tls_session_of(ssl), session);
	return 0;
}

/* Before TLS 1.3 one that was used is good for another time, and no new one is given. */
static void
keep_used(const struct tls_session *s)
{
	if (SSL_session_reused(s->ssl) == 1 && SSL_version(s->ssl) < TLS1_3_VERSION)
		keep(s, SSL_get0_session(s->ssl));
}

/* ---- failing ---- */

void
tls_session_refuse(struct tls_session *s, const char *text)
{
	free(s->failure);
	s->failure = strdup(text);
}

const char *
tls_session_failure(const struct tls_session *s)
{
	return s->failure;
}

/* A call of OpenSSL's gave up. @return why, as a negative errno */
static int
failed(struct tls_session *s)
{
	char text[TLS_ERROR_SIZE];

	if (s->error < 0) {
		ERR_clear_error();
		return s->error;
	}
	tls_error_take(text);
	if (s->failure == NULL)
		tls_session_refuse(s, text);
	return -EPROTO;
}

/* What others left in this thread's queue of errors must not be taken for ours. */
static void
begin(struct tls_session *s)
{
	if (unlikely(ERR_peek_error() != 0))
		ERR_clear_error();
	s->starved = false;
}

/* ---- moving bytes ---- */

int
tls_session_handshake(struct tls_session *s)
{
	int r;

	begin(s);
	r = SSL_do_handshake(s->ssl);
	if (r == 1) {
		keep_used(s);
		return 1;
	}
	if (SSL_get_error(s->ssl, r) == SSL_ERROR_WANT_READ)
		return -EAGAIN;
	if (s->fin && s->failure == NULL) {
		ERR_clear_error();
		return -ECONNRESET;
	}
	return failed(s);
}

ssize_t
tls_session_read(struct tls_session *s, void *buf, size_t size)
{
	int r;

	begin(s);
	r = SSL_read(s->ssl, buf, size < INT_MAX ? (int)size : INT_MAX);
	if (r > 0)
		return r;
	switch (SSL_get_error(s->ssl, r)) {
	case SSL_ERROR_WANT_READ:
		return -EAGAIN;
	case SSL_ERROR_ZERO_RETURN:
		return s->fin ? -EPIPE : 0;
	default:
		return failed(s);
	}
}

int
tls_session_write(struct tls_session *s, const void *bytes, size_t size, size_t record)
{
	const char *at = bytes;

	while (size > 0) {
		int part = (int)(size < record ? size : record), r;

		begin(s);
		r = SSL_write(s->ssl, at, part);
		if (r <= 0)
			return failed(s);
		at += r;
		size -= (size_t)r;
	}
	return 0;
}

bool
tls_session_has_pending(const struct tls_session *s)
{
	return !s->starved && SSL_has_pending(s->ssl) == 1;
}

int
tls_session_end(struct tls_session *s)
{
	if (s->ended || !SSL_is_init_finished(s->ssl))
		return 0;
	s->ended = true;
	begin(s);
	return SSL_shutdown(s->ssl) < 0 ? failed(s) : 0;
}

/* ---- asking ---- */

const struct sockd_tls_info *
tls_session_info(struct tls_session *s)
{
	if (s->info == NULL)
		s->info = tls_info_new(s->ssl);
	return s->info;
}

int
tls_session_export(struct tls_session *s, const char *label, const void *context, size_t context_size,
	void *out, size_t size)
{
	begin(s);
	if (SSL_export_keying_material(
		    s->ssl, out, size, label, strlen(label), context, context_size, context != NULL) == 1)
		return 0;
	ERR_clear_error();
	return -EINVAL;
}
