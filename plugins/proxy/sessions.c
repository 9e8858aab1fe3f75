/* udp has no connections, so each client of a loop gets a session: a connected socket to an upstream, and a
 * fiber that sends back what comes from there, to the client and from the address that the client asked. It
 * ends when nothing has come or gone for a while.
 *
 * A session is found by the client's address and the one that it asked. While its upstream is still being
 * reached, a few datagrams wait in it. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "proxy.h"

#define HASH_NONFATAL_OOM          1
#define uthash_nonfatal_oom(entry) ((entry)->unlinked = true)
#include <uthash.h>

enum { DATAGRAM_MAX = 65536, WAITING_MAX = 16, WAITING_BYTES_MAX = 65536, TELL_MS = 60 * 1000 };

struct waiting {
	struct waiting *next;
	size_t size;
	char bytes[];
};

/* Both addresses, with all the bytes that are not theirs zero. */
struct key {
	struct sockd_addr client, server;
};

struct session {
	UT_hash_handle hh;
	bool unlinked; /* the table had no memory for it */
	struct key key;
	struct sessions *owner;
	struct proxy *proxy;
	struct sockd_writer back;   /* the listener's, which answers clients */
	struct sockd_conn upstream; /* null until it is reached */
	struct upstream *server;    /* behind it */
	struct waiting *first, **end;
	size_t waiting, waiting_bytes;
	int64_t active_ms;
};

struct sessions {
	struct session *table;
	int64_t told_ms;           /* when it was said last that there is no room; 0: never */
	char record[DATAGRAM_MAX]; /* what is on its way to an upstream */
};

struct sessions *
sessions_new(void)
{
	return calloc(1, sizeof(struct sessions));
}

static void
session_free(struct session *s)
{
	while (s->first != NULL) {
		struct waiting *w = s->first;

		s->first = w->next;
		free(w);
	}
	free(s);
}

/* The fibers have ended, and with them their sessions. */
void
sessions_free(struct sessions *s)
{
	free(s);
}

/* ---- towards the client ---- */

static void
send_waiting(struct session *s)
{
	while (s->first != NULL) {
		struct waiting *w = s->first;

		s->first = w->next;
		(void)sockd_write(sockd_conn_writer(s->upstream), w->bytes, w->size); /* lost, as udp loses */
		free(w);
	}
	s->end = &s->first;
	s->waiting = s->waiting_bytes = 0;
}

/* Answers come back until nothing has come or gone for a while, or there is nobody behind that port. A server
 * that answers works; that it was connected to says nothing. */
static void
carry_back(struct sockd_host h, struct session *s, char *buffer)
{
	struct sockd_reader r = sockd_conn_reader(s->upstream);
	int64_t left_ms;
	size_t size;

	while ((left_ms = s->active_ms + s->proxy->session_idle_ms - sockd_now(h)) > 0) {
		int got;

		(void)sockd_conn_set_timeout(s->upstream, SOCKD_TIMEOUT_READ, left_ms);
		got = sockd_receive(r, buffer, DATAGRAM_MAX, &size);
		if (got > 0) {
			s->active_ms = sockd_now(h);
			proxy_works(h, s->server);
			(void)sockd_write_to(s->back, &s->key.client, &s->key.server, buffer, size);
		} else if (got < 0 && errno == ECONNREFUSED) {
			proxy_failed(h, s->proxy, &s->proxy->datagrams, s->server, ECONNREFUSED);
			return;
		} else if (got == 0 || errno != ETIMEDOUT) {
			return;
		}
	}
}

static int
session_run(struct sockd_host h, void *arg)
{
	struct session *s = arg;
	char *buffer = malloc(DATAGRAM_MAX);
	struct sockd_conn server = { NULL, 0 };

	if (buffer != NULL)
		server = proxy_connect(h, s->proxy, &s->proxy->datagrams, &s->key.client, &s->server);
	if (!sockd_null(server)) {
		s->upstream = server;
		s->active_ms = sockd_now(h);
		send_waiting(s);
		carry_back(h, s, buffer);
		(void)sockd_conn_close(server);
		upstream_done(s->server);
	}
	free(buffer);
	HASH_DEL(s->owner->table, s);
	session_free(s);
	return 0;
}

/* ---- towards the upstream ---- */

static void
session_wait(struct session *s, const char *bytes, size_t size)
{
	struct waiting *w;

	if (s->waiting == WAITING_MAX || s->waiting_bytes + size > WAITING_BYTES_MAX)
		return; /* dropped, as a full socket would */
	w = malloc(sizeof *w + size);
	if (w == NULL)
		return;
	w->next = NULL;
	w->size = size;
	memcpy(w->bytes, bytes, size);
	*s->end = w;
	s->end = &w->next;
	s->waiting++;
	s->waiting_bytes += size;
}

static void
copy_address(struct sockd_addr *to, const struct sockd_addr *from)
{
	if (from == NULL)
		return;
	to->len = from->len;
	memcpy(&to->sa, &from->sa, from->len);
}

/* Who floods us does not flood the log. */
static void
tell_full(struct loop *loop, const struct proxy *p)
{
	int64_t now_ms = sockd_now(loop->host);

	if (loop->sessions->told_ms != 0 && now_ms - loop->sessions->told_ms < TELL_MS)
		return;
	loop->sessions->told_ms = now_ms;
	(void)sockd_log(loop->host, SOCKD_LOG_INFO, "proxy_sessions_full",
		"there are %lld sessions, as many as 'sessions' allows; datagrams of more clients are "
		"dropped",
		(long long)p->sessions_max);
}

static struct session *
session_new(struct sockd_conn c, struct loop *loop, const struct key *key)
{
	struct proxy *p = sockd_conn_instance(c);
	struct session *s;

	if ((int64_t)HASH_COUNT(loop->sessions->table) >= p->sessions_max) {
		tell_full(loop, p);
		return NULL;
	}
	s = calloc(1, sizeof *s);
	if (s == NULL)
		return NULL;
	s->key = *key;
	s->owner = loop->sessions;
	s->proxy = p;
	s->back = sockd_conn_writer(c);
	s->end = &s->first;
	HASH_ADD(hh, loop->sessions->table, key, sizeof s->key, s);
	if (s->unlinked) {
		free(s);
		return NULL;
	}
	if (sockd_spawn(loop->host, session_run, s) == 0) {
		HASH_DEL(loop->sessions->table, s);
		free(s);
		return NULL;
	}
	return s;
}

void
session_datagram(struct sockd_conn c, struct sockd_reader r)
{
	struct loop *loop = sockd_conn_thread_state(c);
	const struct proxy *p = sockd_conn_instance(c);
	struct key key;
	struct session *s;
	size_t size;

	memset(&key, 0, sizeof key);
	copy_address(&key.client, sockd_conn_remote(c));
	copy_address(&key.server, sockd_conn_local(c));
	if (sockd_receive(r, loop->sessions->record, DATAGRAM_MAX, &size) <= 0)
		return;
	HASH_FIND(hh, loop->sessions->table, &key, sizeof key, s);
	if (s == NULL)
		s = session_new(c, loop, &key);
	if (s == NULL) {
		(void)sockd_metric_add(loop->host, p->dropped, 1);
		return;
	}
	s->active_ms = sockd_now(loop->host);
	if (sockd_null(s->upstream))
		session_wait(s, loop->sessions->record, size);
	else
		(void)sockd_write(sockd_conn_writer(s->upstream), loop->sessions->record, size);
}
