#include <openssl/rand.h>
#include <openssl/ssl.h>
#include <string.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include "net/tls_private.h"
#include "tls_memory.h"
#include "unit.h"

static int64_t skipped_s; /* time that has not really gone by */

int
clock_gettime(clockid_t which, struct timespec *t)
{
	long r = syscall(SYS_clock_gettime, which, t);

	if (r == 0 && which == CLOCK_MONOTONIC)
		t->tv_sec += skipped_s;
	return (int)r;
}

static bool is_random = true;
static void *made; /* where the last key was made */

int
RAND_priv_bytes(unsigned char *bytes, int size)
{
	if (size == TLS_TICKET_KEY_SIZE) {
		made = bytes;
		if (!is_random)
			return 0;
	}
	return RAND_bytes(bytes, size);
}

#undef explicit_bzero
static void
forget(void *bytes, size_t size)
{
	memset(bytes, 0, size);
	if (bytes == made && size >= TLS_TICKET_KEY_SIZE)
		made = NULL;
}
void explicit_bzero(void *bytes, size_t size);
void
explicit_bzero(void *bytes, size_t size)
{
	forget(bytes, size);
}
void __explicit_bzero_chk(void *bytes, size_t size, size_t there);
void
__explicit_bzero_chk(void *bytes, size_t size, size_t there)
{
	(void)there;
	forget(bytes, size);
}

static struct tls_context *
server_new(void)
{
	struct cfg_report report = { 0 };
	struct tls_context *c = tls_memory_context(
		TLS_SERVER, "certificates: [{cert: a.crt, key: a.key}], max_version: 1.2", 0, true, &report);

	ck_assert_ptr_nonnull(c);
	cfg_report_fini(&report);
	return c;
}

static void
carry_up(BIO *from, struct tls_memory_pipe *to)
{
	int n = BIO_read(from, to->bytes + to->to, (int)(sizeof to->bytes - to->to));

	to->to += n > 0 ? (size_t)n : 0;
}

static void
carry_down(struct tls_memory_pipe *from, BIO *to)
{
	ck_assert_int_eq(BIO_write(to, from->bytes, (int)from->to), (int)from->to);
	from->to = 0;
}

/* One handshake of a client of OpenSSL's own. @return whether it resumed; *io_session becomes the newest */
static bool
shake(struct tls_context *context, SSL_SESSION **io_session)
{
	struct tls_memory_pipe *up = calloc(1, sizeof *up), *down = calloc(1, sizeof *down);
	struct tls_memory_end end = { .in = up, .out = down };
	SSL_CTX *ctx = SSL_CTX_new(TLS_client_method());
	SSL *ssl = SSL_new(ctx);
	BIO *in = BIO_new(BIO_s_mem()), *out = BIO_new(BIO_s_mem());
	struct tls_session *server;
	int client = 0, served = -EAGAIN;
	bool resumed;

	SSL_set_bio(ssl, in, out);
	SSL_set_connect_state(ssl);
	if (*io_session != NULL)
		SSL_set_session(ssl, *io_session);
	ck_assert_int_eq(tls_session_new(context, &tls_memory_io, &end, NULL, &server), 0);
	for (int i = 0; i < 6; i++) {
		client = SSL_do_handshake(ssl);
		carry_up(out, up);
		if (served == -EAGAIN)
			served = tls_session_handshake(server);
		if (down->to > 0)
			carry_down(down, in);
	}
	ck_assert_int_eq(client, 1);
	ck_assert_int_eq(served, 1);
	resumed = SSL_session_reused(ssl) == 1;
	SSL_SESSION_free(*io_session);
	*io_session = SSL_get1_session(ssl);
	tls_session_free(server);
	SSL_set_shutdown(ssl, SSL_SENT_SHUTDOWN | SSL_RECEIVED_SHUTDOWN); /* or the session is thrown away */
	SSL_free(ssl);
	SSL_CTX_free(ctx);
	free(up);
	free(down);
	return resumed;
}

START_TEST(a_key_opens_tickets_for_two_hours_after_its_own)
{
	struct tls_context *server = server_new();
	SSL_SESSION *session = NULL, *first;

	ck_assert(!shake(server, &session));
	first = SSL_SESSION_dup(session);
	ck_assert(shake(server, &session));
	skipped_s += TLS_TICKET_ROTATE_S + 1;
	SSL_SESSION_free(session);
	session = SSL_SESSION_dup(first);
	ck_assert(shake(server, &session)); /* by an older key, and renewed */
	skipped_s += 2 * TLS_TICKET_ROTATE_S;
	ck_assert(shake(server, &session));
	ck_assert(!shake(server, &first)); /* its key is gone */
	skipped_s = 0;                     /* Check measures how long a test took */
	SSL_SESSION_free(session);
	SSL_SESSION_free(first);
	tls_context_unref(server);
}
END_TEST

START_TEST(a_long_night_leaves_no_key_of_before)
{
	struct tls_context *server = server_new();
	SSL_SESSION *session = NULL;

	ck_assert(!shake(server, &session));
	skipped_s += 1000 * TLS_TICKET_ROTATE_S;
	ck_assert(!shake(server, &session));
	ck_assert(shake(server, &session));
	skipped_s = 0;
	SSL_SESSION_free(session);
	tls_context_unref(server);
}
END_TEST

START_TEST(another_context_has_other_keys)
{
	struct tls_context *server = server_new(), *other = server_new();
	SSL_SESSION *session = NULL;

	ck_assert(!shake(server, &session));
	ck_assert(!shake(other, &session));
	SSL_SESSION_free(session);
	tls_context_unref(server);
	tls_context_unref(other);
}
END_TEST

START_TEST(a_fresh_key_is_wiped_where_it_was_made)
{
	struct tls_context *server = server_new();
	SSL_SESSION *session = NULL;

	for (int hours = 1; hours < 6; hours++) {
		skipped_s += hours * TLS_TICKET_ROTATE_S;
		made = &skipped_s;
		ck_assert(!shake(server, &session) || hours < 3);
		ck_assert_msg(made == NULL, "the key lies there still");
	}
	skipped_s = 0;
	SSL_SESSION_free(session);
	tls_context_unref(server);
}
END_TEST

START_TEST(without_random_bytes_the_old_keys_go_on)
{
	struct tls_context *server = server_new();
	SSL_SESSION *session = NULL;

	ck_assert(!shake(server, &session));
	skipped_s += 2 * TLS_TICKET_ROTATE_S + 1;
	is_random = false;
	ck_assert(shake(server, &session));
	is_random = true;
	ck_assert(shake(server, &session));
	skipped_s = 0;
	SSL_SESSION_free(session);
	tls_context_unref(server);
}
END_TEST

UNIT_TESTS("tls_ticket", a_fresh_key_is_wiped_where_it_was_made, without_random_bytes_the_old_keys_go_on,
	a_key_opens_tickets_for_two_hours_after_its_own, a_long_night_leaves_no_key_of_before,
	another_context_has_other_keys)
