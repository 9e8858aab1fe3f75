#include "link.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdint.h>
#include <unistd.h>

enum { SOURCES = 100, DATAGRAM_BUFFER = 4 << 20 };

static SSL_CTX *context;

/* The session belongs to whoever opened the link. */
static int
keep_session(SSL *ssl, SSL_SESSION *session)
{
	SSL_SESSION **kept = SSL_get_app_data(ssl);

	if (kept == NULL)
		return 0;
	SSL_SESSION_free(*kept);
	*kept = session;
	return 1;
}

void
link_prepare(const struct target *t, bool resume)
{
	if (t->transport != TLS)
		return;
	context = SSL_CTX_new(TLS_client_method());
	if (context == NULL)
		die("SSL_CTX_new");
	SSL_CTX_set_mode(context, SSL_MODE_ENABLE_PARTIAL_WRITE | SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER |
					  SSL_MODE_RELEASE_BUFFERS);
	SSL_CTX_set_session_cache_mode(
		context, resume ? SSL_SESS_CACHE_CLIENT | SSL_SESS_CACHE_NO_INTERNAL : SSL_SESS_CACHE_OFF);
	if (resume)
		SSL_CTX_sess_set_new_cb(context, keep_session);
}

/* Ports run out when the same two addresses meet too often: 127/8 has many. */
static int
bind_source(int fd, const struct target *t, unsigned number)
{
	const struct sockaddr_in *to = (const struct sockaddr_in *)&t->address;
	struct sockaddr_in from = { .sin_family = AF_INET };

	if (ntohl(to->sin_addr.s_addr) >> 24 != 127)
		return 0;
	from.sin_addr.s_addr = htonl(0x7f000001 + number % SOURCES);
	if (setsockopt(fd, IPPROTO_IP, IP_BIND_ADDRESS_NO_PORT, &(int){ 1 }, sizeof(int)) < 0)
		return -1;
	return bind(fd, (const struct sockaddr *)&from, sizeof from);
}

static int
prepare_socket(int fd, const struct target *t, unsigned number)
{
	int size = DATAGRAM_BUFFER;

	if (target_is_datagram(t)) {
		if (setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &size, sizeof size) < 0 ||
			setsockopt(fd, SOL_SOCKET, SO_SNDBUF, &size, sizeof size) < 0)
			return -1;
	}
	if (t->transport == UNIXGRAM) /* a name of the kernel's choice: without one it can't be answered */
		return bind(fd, &(struct sockaddr){ .sa_family = AF_UNIX }, sizeof(sa_family_t));
	if (t->transport != TCP && t->transport != TLS)
		return 0;
	if (setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &(int){ 1 }, sizeof(int)) < 0)
		return -1;
	return bind_source(fd, t, number);
}

static int
begin_tls(struct link *l, SSL_SESSION **session)
{
	SSL_SESSION *copy;

	l->ssl = SSL_new(context);
	if (l->ssl == NULL || SSL_set_fd(l->ssl, l->fd) != 1)
		return -ENOMEM;
	SSL_set_connect_state(l->ssl);
	SSL_set_app_data(l->ssl, session);
	if (session == NULL || *session == NULL)
		return 0;
	copy = SSL_SESSION_dup(*session); /* the used one counts as spent afterwards */
	if (copy == NULL)
		return -ENOMEM;
	SSL_set_session(l->ssl, copy);
	SSL_SESSION_free(copy);
	return 0;
}

int
link_open(struct link *l, const struct target *t, unsigned number, SSL_SESSION **session)
{
	int type = (target_is_datagram(t) ? SOCK_DGRAM : SOCK_STREAM) | SOCK_NONBLOCK | SOCK_CLOEXEC, r = 0;

	*l = (struct link){ .fd = socket(t->address.ss_family, type, 0), .established = t->transport != TLS };
	if (l->fd < 0)
		return -errno;
	if (prepare_socket(l->fd, t, number) < 0 ||
		(connect(l->fd, (const struct sockaddr *)&t->address, t->size) < 0 && errno != EINPROGRESS))
		r = -errno;
	else if (t->transport == TLS)
		r = begin_tls(l, session);
	if (r < 0)
		link_close(l);
	return r;
}

void
link_close(struct link *l)
{
	if (l->ssl != NULL && l->established)
		SSL_shutdown(l->ssl);
	SSL_free(l->ssl);
	l->ssl = NULL;
	if (l->fd >= 0)
		close(l->fd);
	l->fd = -1;
}

/* Of OpenSSL's results to ours. */
static int
tls_result(const SSL *ssl, int n)
{
	int error;

	if (n > 0)
		return n;
	error = SSL_get_error(ssl, n);
	return error == SSL_ERROR_WANT_READ || error == SSL_ERROR_WANT_WRITE ? 0 : -1;
}

int
link_handshake(struct link *l)
{
	int r = l->established ? 1 : tls_result(l->ssl, SSL_do_handshake(l->ssl));

	if (r > 0)
		l->established = true;
	return r;
}

bool
link_was_resumed(const struct link *l)
{
	return l->ssl != NULL && SSL_session_reused(l->ssl);
}

ssize_t
link_send(struct link *l, const void *bytes, size_t size)
{
	ssize_t n;

	if (l->ssl != NULL)
		return tls_result(l->ssl, SSL_write(l->ssl, bytes, (int)size));
	n = send(l->fd, bytes, size, MSG_NOSIGNAL);
	if (n < 0 && (errno == EAGAIN || errno == ENOTCONN)) /* ENOTCONN: the connect is under way */
		return 0;
	return n;
}

ssize_t
link_receive(struct link *l, void *scratch, size_t size, bool is_tcp)
{
	ssize_t n;

	if (l->ssl != NULL)
		return tls_result(l->ssl, SSL_read(l->ssl, scratch, (int)size));
	n = recv(l->fd, scratch, size, is_tcp ? MSG_TRUNC : 0);
	if (n < 0 && errno == EAGAIN)
		return 0;
	return n > 0 ? n : -1;
}
