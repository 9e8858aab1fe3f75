/* What a plugin may ask of, and do to, a stream connection. */
#include "engine/api.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>

#include "engine/conn_wait.h"
#include "engine/engine_private.h"
#include "engine/misuse.h"
#include "engine/proxied.h"
#include "engine/relay.h"
#include "engine/scope.h"
#include "engine/strand.h"
#include "engine/stream.h"
#include "net/addr.h"

int
api_fail(int error)
{
	errno = -error;
	return error == 0 ? 0 : -1;
}

struct conn *
api_find(uint64_t ref, const char *who)
{
	struct loop *loop = loop_here();
	struct conn *c;

	if (loop == NULL || ref_loop(ref) != loop->index) {
		misuse_foreign_thread(who);
		errno = EXDEV;
		return NULL;
	}
	c = ref_kind(ref) == REF_CONN ? slab_find(&loop->conns, ref) : NULL;
	if (c == NULL)
		errno = EBADF;
	return c;
}

struct conn *
api_find_open(uint64_t ref, const char *who)
{
	struct conn *c = api_find(ref, who);
	const struct strand *self;

	if (c == NULL)
		return NULL;
	self = strand_here(conn_loop(c));
	if (likely(!c->gone && (self == NULL || !self->cancelled)))
		return c;
	errno = c->gone ? EBADF : c->state == CONN_ENDING ? -conn_ending_error(c) : ECANCELED;
	return NULL;
}

struct conn *
api_find_input(uint64_t ref, const char *who)
{
	struct conn *c = api_find_open(ref, who);

	if (c == NULL || c->relay == NULL)
		return c;
	errno = EBUSY;
	return NULL;
}

const char *
api_reason_name(int reason)
{
	static const char *const names[] = { "unknown", "eof", "handler", "error", "idle_timeout",
		"first_byte_timeout", "write_timeout", "handshake_failed", "limit", "denied", "drain",
		"drain_forced", "killed", "reset", "shutdown", "lifetime_timeout", "tls_truncated" };

	_Static_assert(array_len(names) == SOCKD_BY_TLS_TRUNCATED + 1, "one word for each reason");
	return names[reason > 0 && reason < (int)array_len(names) ? reason : 0];
}

/* ---- addresses ---- */

/* Who is at the other end of the socket. */
static void
conn_fill_peer(const struct conn *c, struct sockd_addr *ret)
{
	ret->len = sizeof ret->sa;
	if (c->transport == CFG_TCP) {
		memcpy(&ret->sa, &c->peer, sizeof c->peer);
		ret->len = c->peer.sa.sa_family == AF_INET6 ? sizeof c->peer.in6 : sizeof c->peer.in;
	} else if (c->unnamed || getpeername(c->fd, (struct sockaddr *)&ret->sa, &ret->len) < 0 ||
		   ret->len <= sizeof(sa_family_t)) {
		ret->len = 0; /* an unnamed unix client, or one that is gone already */
	}
}

/* Who the client is: of a connection through a balancer the one that its header named. */
static void
conn_fill_remote(const struct conn *c, struct sockd_addr *ret)
{
	if (c->proxied != NULL && c->proxied->client.len > 0)
		*ret = c->proxied->client;
	else
		conn_fill_peer(c, ret);
}

void
conn_balancer_text(const struct conn *c, char ret[CONN_PEER_TEXT_SIZE])
{
	struct sockd_addr balancer;

	conn_fill_peer(c, &balancer);
	net_addr_text(&balancer.sa, balancer.len, ret, CONN_PEER_TEXT_SIZE);
}

void
conn_peer_text(const struct conn *c, char ret[CONN_PEER_TEXT_SIZE])
{
	struct sockd_addr remote;

	conn_fill_remote(c, &remote);
	net_addr_text(&remote.sa, remote.len, ret, CONN_PEER_TEXT_SIZE);
}

void
conn_text_fill(const struct conn *c, struct conn_text *ret)
{
	socklen_t size = sizeof ret->cred;

	memset(ret, 0, sizeof *ret);
	conn_fill_remote(c, &ret->remote);
	net_addr_text(&ret->remote.sa, ret->remote.len, ret->remote_text, sizeof ret->remote_text);
	ret->local.len = sizeof ret->local.sa;
	if (getsockname(c->fd, (struct sockaddr *)&ret->local.sa, &ret->local.len) < 0)
		ret->local.len = 0;
	if (c->proxied != NULL) {
		conn_fill_peer(c, &ret->balancer);
		if (c->proxied->server.len > 0)
			ret->local = c->proxied->server;
	}
	ret->has_cred = c->transport == CFG_UNIX &&
			getsockopt(c->fd, SOL_SOCKET, SO_PEERCRED, &ret->cred, &size) == 0;
}

const struct conn_text *
conn_text_get(struct conn *c)
{
	if (c->text == NULL) {
		c->text = malloc(sizeof *c->text);
		if (c->text == NULL) {
			errno = ENOMEM;
			return NULL;
		}
		conn_text_fill(c, c->text);
	}
	return c->text;
}

static const struct conn_text *
find_text(struct sockd_conn h, const char *who)
{
	struct conn *c = api_find(h.ref, who);

	return c != NULL ? conn_text_get(c) : NULL;
}

static const struct sockd_addr *
conn_op_local(struct sockd_conn h)
{
	const struct conn_text *t = find_text(h, "sockd_conn_local");

	return t != NULL ? &t->local : NULL;
}

static const struct sockd_addr *
conn_op_remote(struct sockd_conn h)
{
	const struct conn_text *t = find_text(h, "sockd_conn_remote");

	return t != NULL ? &t->remote : NULL;
}

static const char *
conn_op_remote_text(struct sockd_conn h)
{
	const struct conn_text *t = find_text(h, "sockd_conn_remote_text");

	return t != NULL ? t->remote_text : NULL;
}

static const struct sockd_cred *
conn_op_cred(struct sockd_conn h)
{
	const struct conn_text *t = find_text(h, "sockd_conn_cred");

	if (t != NULL && !t->has_cred)
		errno = ENOTSUP;
	return t != NULL && t->has_cred ? &t->cred : NULL;
}

/* ---- what it is ---- */

static uint64_t
conn_op_id(struct sockd_conn h)
{
	const struct conn *c = api_find(h.ref, "sockd_conn_id");

	return c != NULL ? c->id : 0;
}

static const char *
conn_op_listener(struct sockd_conn h)
{
	const struct conn *c = api_find(h.ref, "sockd_conn_listener");

	return c != NULL ? conn_cfg(c)->name : NULL;
}

static int
conn_op_transport(struct sockd_conn h)
{
	const struct conn *c = api_find(h.ref, "sockd_conn_transport");

	return c != NULL ? c->transport : -1;
}

static int
conn_op_state(struct sockd_conn h)
{
	const struct conn *c = api_find(h.ref, "sockd_conn_state");

	if (c == NULL)
		return -1;
	if (c->state == CONN_ENDING)
		return SOCKD_CLOSE;
	if (c->fin_sent)
		return SOCKD_CLOSE_WRITE;
	if (c->fin_read || c->read_closed)
		return SOCKD_CLOSE_READ;
	if (c->dialled != NULL)
		return c->state == CONN_OPEN ? SOCKD_HANDLER : SOCKD_NEW; /* nobody is told, on a fiber */
	return c->told_open ? SOCKD_HANDLER : SOCKD_NEW;
}

static int64_t
conn_op_draining(struct sockd_conn h)
{
	const struct conn *c = api_find(h.ref, "sockd_conn_draining");
	int64_t left;

	if (c == NULL)
		return -1;
	if (c->drain_by_ms == CLOCK_NEVER)
		return 0;
	left = c->drain_by_ms - loop_now_ms(conn_loop(c));
	return left > 0 ? left : 1;
}

static void *
conn_op_data(struct sockd_conn h)
{
	const struct conn *c = api_find(h.ref, "sockd_conn_data");

	return c != NULL ? c->data : NULL;
}

static void *
conn_op_instance(struct sockd_conn h)
{
	const struct conn *c = api_find(h.ref, "sockd_conn_instance");

	return c != NULL ? c->scope->thread->handler->data : NULL;
}

static void *
conn_op_thread_state(struct sockd_conn h)
{
	const struct conn *c = api_find(h.ref, "sockd_conn_thread_state");

	return c != NULL ? c->scope->thread->state : NULL;
}

static struct sockd_reader
conn_op_reader(struct sockd_conn h)
{
	const struct conn *c = api_find(h.ref, "sockd_conn_reader");

	return c != NULL ? api_reader(c) : (struct sockd_reader){ 0 };
}

static struct sockd_writer
conn_op_writer(struct sockd_conn h)
{
	const struct conn *c = api_find(h.ref, "sockd_conn_writer");

	return c != NULL ? api_writer(c) : (struct sockd_writer){ 0 };
}

static struct sockd_host
conn_op_host(struct sockd_conn h)
{
	return api_find(h.ref, "sockd_conn_host") != NULL
		       ? (struct sockd_host){ .ops = &host_ops, .ref = h.ref }
		       : (struct sockd_host){ 0 };
}

/* ---- what may be done to it ---- */

static int
conn_op_set_busy(struct sockd_conn h, bool busy)
{
	struct conn *c = api_find(h.ref, "sockd_conn_set_busy");

	if (c == NULL)
		return -1;
	c->held_busy = busy;
	if (!busy)
		conn_may_be_quiet(c);
	return 0;
}

static int
conn_op_set_timeout(struct sockd_conn h, int which, int64_t ms)
{
	struct conn *c = api_find(h.ref, "sockd_conn_set_timeout");
	int64_t at;

	if (c == NULL)
		return -1;
	if (ms < 0 && ms != SOCKD_FOREVER)
		return api_fail(-EINVAL);
	at = ms == SOCKD_FOREVER ? CLOCK_NEVER : clock_after_ms(clock_now_ms(), ms); /* the turn may be old */
	switch (which) {
	case SOCKD_TIMEOUT_READ:
		c->read_by_ms = at;
		break;
	case SOCKD_TIMEOUT_WRITE:
		c->write_by_ms = at;
		break;
	case SOCKD_TIMEOUT_IDLE:
		c->idle_ms = at == CLOCK_NEVER ? CFG_OFF : ms;
		conn_touch(c);
		break;
	case SOCKD_TIMEOUT_LIFETIME:
		c->lifetime_by_ms = at;
		break;
	default:
		return api_fail(-EINVAL);
	}
	conn_rearm(c);
	return 0;
}

static int
conn_op_set_data(struct sockd_conn h, void *data)
{
	struct conn *c = api_find(h.ref, "sockd_conn_set_data");

	if (c == NULL)
		return -1;
	c->data = data;
	return 0;
}

static int
conn_op_deny(struct sockd_conn h)
{
	struct conn *c = api_find(h.ref, "sockd_conn_deny");

	if (c == NULL)
		return -1;
	conn_finish(c, SOCKD_BY_DENIED);
	return 0;
}

static int
conn_op_close(struct sockd_conn h)
{
	struct conn *c = api_find(h.ref, "sockd_conn_close");

	if (c == NULL)
		return -1;
	conn_finish(c, SOCKD_BY_HANDLER);
	return 0;
}

static int
conn_op_abort(struct sockd_conn h)
{
	struct conn *c = api_find(h.ref, "sockd_conn_abort");

	if (c == NULL)
		return -1;
	c->aborted = true;
	conn_cut(c, SOCKD_BY_HANDLER);
	return 0;
}

static int64_t
conn_op_relay(struct sockd_conn h, struct sockd_conn other)
{
	struct conn *a = api_find_open(h.ref, "sockd_relay"), *b;
	int64_t n;

	if (a == NULL)
		return -1;
	if (other.ops != &stream_conn_ops)
		return api_fail(sockd_null(other) ? -EBADF : -ENOTSUP);
	b = api_find_open(other.ref, "sockd_relay");
	if (b == NULL)
		return -1;
	if (strand_here(conn_loop(a)) == NULL)
		return api_fail(-EDEADLK);
	if (a == b)
		return api_fail(-EINVAL);
	if (a->datagrams || b->datagrams)
		return api_fail(-ENOTSUP);
	if (a->relay != NULL || b->relay != NULL || a->reader != NULL || b->reader != NULL)
		return api_fail(-EBUSY);
	if (a->state != CONN_OPEN || b->state != CONN_OPEN)
		return api_fail(conn_ending_error(a->state != CONN_OPEN ? a : b));
	n = relay_run(a, b);
	return n < 0 ? api_fail((int)n) : n;
}

const struct sockd_conn_ops stream_conn_ops = {
	.size = sizeof(struct sockd_conn_ops),
	.id = conn_op_id,
	.local = conn_op_local,
	.remote = conn_op_remote,
	.remote_text = conn_op_remote_text,
	.listener = conn_op_listener,
	.transport = conn_op_transport,
	.tls = api_conn_tls,
	.cred = conn_op_cred,
	.proxy = proxied_op_proxy,
	.proxy_tlv = proxied_op_tlv,
	.tls_export = api_conn_tls_export,
	.state = conn_op_state,
	.draining = conn_op_draining,
	.set_busy = conn_op_set_busy,
	.set_timeout = conn_op_set_timeout,
	.set_data = conn_op_set_data,
	.data = conn_op_data,
	.instance = conn_op_instance,
	.thread_state = conn_op_thread_state,
	.reader = conn_op_reader,
	.writer = conn_op_writer,
	.host = conn_op_host,
	.start_tls = api_conn_start_tls,
	.deny = conn_op_deny,
	.close = conn_op_close,
	.abort = conn_op_abort,
	.relay = conn_op_relay,
};
