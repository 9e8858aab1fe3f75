/* The yardstick for TLS: OpenSSL straight on the sockets, under edge-triggered epoll, a loop a thread.
 *
 *   raw_tls_echo TARGET CERTIFICATE KEY [THREADS] */
#include <errno.h>
#include <openssl/ssl.h>
#include <pthread.h>
#include <signal.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <unistd.h>

#include "target.h"

enum { CHUNK = 16384, EVENTS = 512, ACCEPTS = 64 };

struct client {
	SSL *ssl;
	int fd, held; /* held: what SSL_write() has to be given again */
	char *rest;   /* held bytes */
};

static struct target target;
static SSL_CTX *context;
static bool many_threads;

static bool
is_for_later(const SSL *ssl, int result)
{
	int error = SSL_get_error(ssl, result);

	return error == SSL_ERROR_WANT_READ || error == SSL_ERROR_WANT_WRITE;
}

/* Write all of it or keep the rest. @return false when the client is gone */
static bool
send_back(struct client *c, const char *bytes, int size)
{
	while (size > 0) {
		int n = SSL_write(c->ssl, bytes, size);

		if (n <= 0 && !is_for_later(c->ssl, n))
			return false;
		if (n <= 0)
			break;
		bytes += n;
		size -= n;
	}
	c->held = size;
	if (size > 0 && c->rest == NULL)
		c->rest = malloc(CHUNK);
	if (size > 0 && c->rest == NULL)
		return false;
	if (size > 0)
		memmove(c->rest, bytes, (size_t)size);
	return true;
}

static bool
echo(struct client *c, char *chunk)
{
	if (c->held > 0 && !send_back(c, c->rest, c->held))
		return false;
	if (c->held == 0) {
		free(c->rest);
		c->rest = NULL;
	}
	while (c->held == 0) {
		int n = SSL_read(c->ssl, chunk, CHUNK);

		if (n <= 0)
			return is_for_later(c->ssl, n);
		if (!send_back(c, chunk, n))
			return false;
	}
	return true;
}

static void
drop(struct client *c)
{
	SSL_set_quiet_shutdown(c->ssl, 1); /* the client has said its close_notify, or never will */
	SSL_shutdown(c->ssl);
	SSL_free(c->ssl);
	close(c->fd);
	free(c->rest);
	free(c);
}

static void
accept_some(int epoll, int listener)
{
	for (int i = 0; i < ACCEPTS; i++) {
		int fd = accept4(listener, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);
		struct client *c;

		if (fd < 0)
			return;
		c = calloc(1, sizeof *c);
		if (c == NULL)
			die("calloc");
		c->fd = fd;
		c->ssl = SSL_new(context);
		if (c->ssl == NULL || SSL_set_fd(c->ssl, fd) != 1)
			die("SSL_new");
		SSL_set_accept_state(c->ssl);
		if (epoll_ctl(epoll, EPOLL_CTL_ADD, fd,
			    &(struct epoll_event){
				    .events = EPOLLIN | EPOLLOUT | EPOLLRDHUP | EPOLLET, .data.ptr = c }) < 0)
			die("epoll_ctl");
	}
}

static void *
serve(void *unused)
{
	int epoll = epoll_create1(EPOLL_CLOEXEC), listener = target_listen(&target, many_threads);
	char *chunk = malloc(CHUNK);
	struct epoll_event events[EVENTS];

	(void)unused; /* all threads serve the same target */
	if (epoll < 0 || chunk == NULL ||
		epoll_ctl(epoll, EPOLL_CTL_ADD, listener, &(struct epoll_event){ .events = EPOLLIN }) < 0)
		die("epoll");
	for (;;) {
		int n = epoll_wait(epoll, events, EVENTS, -1);

		for (int i = 0; i < n; i++) {
			if (events[i].data.ptr == NULL)
				accept_some(epoll, listener);
			else if (!echo(events[i].data.ptr, chunk))
				drop(events[i].data.ptr);
		}
	}
	return NULL;
}

static void
make_context(const char *certificate, const char *key)
{
	context = SSL_CTX_new(TLS_server_method());
	errno = 0;
	if (context == NULL || SSL_CTX_use_certificate_chain_file(context, certificate) != 1 ||
		SSL_CTX_use_PrivateKey_file(context, key, SSL_FILETYPE_PEM) != 1)
		die("cannot use this certificate and key");
	SSL_CTX_set_mode(context, SSL_MODE_ENABLE_PARTIAL_WRITE | SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER |
					  SSL_MODE_RELEASE_BUFFERS);
	SSL_CTX_set_session_cache_mode(context, SSL_SESS_CACHE_OFF); /* tickets do without */
}

int
main(int argc, char **argv)
{
	int threads = argc > 4 ? atoi(argv[4]) : 1;

	if (argc < 4 || threads < 1 || threads > 64) {
		errno = 0;
		die("usage: raw_tls_echo TARGET CERTIFICATE KEY [THREADS]");
	}
	target = target_parse(argv[1]);
	many_threads = threads > 1;
	make_context(argv[2], argv[3]);
	raise_descriptor_limit();
	signal(SIGPIPE, SIG_IGN);
	for (int i = 1; i < threads; i++) {
		pthread_t thread;

		if (pthread_create(&thread, NULL, serve, NULL) != 0)
			die("pthread_create");
	}
	serve(NULL);
	return 0;
}
