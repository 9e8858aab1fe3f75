/* A ring: what is put takes the place of the oldest, what is taken leaves a hole. The search begins with the
 * youngest, which is nearly always the one. A lock is enough: a handshake costs a hundred times what it does.
 */
#include "net/tls_resume.h"

#include <pthread.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

enum { KEPT_MAX = 256 };

struct kept {
	SSL_SESSION *session; /* owned; NULL: a hole */
	char *peer;           /* owned */
};

struct tls_resume {
	pthread_mutex_t lock;
	struct kept kept[KEPT_MAX];
	unsigned next;
};

struct tls_resume *
tls_resume_new(void)
{
	struct tls_resume *r = mem_new(*r);

	if (r != NULL)
		pthread_mutex_init(&r->lock, NULL);
	return r;
}

static void
kept_fini(struct kept *k)
{
	SSL_SESSION_free(k->session);
	free(k->peer);
	*k = (struct kept){ 0 };
}

void
tls_resume_free(struct tls_resume *r)
{
	if (r == NULL)
		return;
	for (unsigned i = 0; i < KEPT_MAX; i++)
		kept_fini(&r->kept[i]);
	pthread_mutex_destroy(&r->lock);
	free(r);
}

void
tls_resume_put(struct tls_resume *r, const char *peer, SSL_SESSION *session)
{
	struct kept now = { .session = session, .peer = strdup(peer) }, before;

	if (now.peer == NULL) {
		SSL_SESSION_free(session);
		return;
	}
	pthread_mutex_lock(&r->lock);
	before = r->kept[r->next];
	r->kept[r->next] = now;
	r->next = (r->next + 1) % KEPT_MAX;
	pthread_mutex_unlock(&r->lock);
	kept_fini(&before);
}

/* The certificate was good when the session began; it may have expired since. */
static bool
is_good(const SSL_SESSION *s)
{
	const X509 *server = SSL_SESSION_get0_peer((SSL_SESSION *)(uintptr_t)s);

	if (SSL_SESSION_is_resumable(s) != 1 ||
		SSL_SESSION_get_time(s) + SSL_SESSION_get_timeout(s) < time(NULL))
		return false;
	return server == NULL || X509_cmp_current_time(X509_get0_notAfter(server)) > 0;
}

static struct kept
take_youngest(struct tls_resume *r, const char *peer)
{
	for (unsigned i = 1; i <= KEPT_MAX; i++) {
		struct kept *k = &r->kept[(r->next + KEPT_MAX - i) % KEPT_MAX];

		if (k->session != NULL && strcmp(k->peer, peer) == 0) {
			struct kept found = *k;

			*k = (struct kept){ 0 };
			return found;
		}
	}
	return (struct kept){ 0 };
}

SSL_SESSION *
tls_resume_take(struct tls_resume *r, const char *peer)
{
	for (;;) {
		struct kept k;
		SSL_SESSION *session;

		pthread_mutex_lock(&r->lock);
		k = take_youngest(r, peer);
		pthread_mutex_unlock(&r->lock);
		session = k.session;
		if (session != NULL && !is_good(session)) {
			kept_fini(&k);
			continue;
		}
		free(k.peer);
		return session;
	}
}
