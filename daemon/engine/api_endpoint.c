/* What a plugin may ask of the connection that stands for datagrams: who sent the one that was read last, and
 * whom it was sent to. What belongs to a stream's life, an id, data, timeouts, a close, is not supported. */
#include "engine/dgram.h"

#include <errno.h>

#include "engine/api.h"
#include "engine/scope.h"
#include "net/addr.h"
#include "net/peer.h"

static uint64_t
conn_id(struct sockd_conn c)
{
	if (endpoint_find(c.ref, "sockd_conn_id") != NULL)
		errno = ENOTSUP;
	return 0;
}

static const struct sockd_addr *
conn_local(struct sockd_conn c)
{
	const struct endpoint *ep = endpoint_find(c.ref, "sockd_conn_local");

	return ep != NULL ? &ep->local : NULL;
}

static const struct sockd_addr *
conn_remote(struct sockd_conn c)
{
	const struct endpoint *ep = endpoint_find(c.ref, "sockd_conn_remote");

	return ep != NULL ? &ep->remote : NULL;
}

static const char *
conn_remote_text(struct sockd_conn c)
{
	struct endpoint *ep = endpoint_find(c.ref, "sockd_conn_remote_text");

	if (ep == NULL)
		return NULL;
	if (!ep->has_text)
		net_addr_text(&ep->remote.sa, ep->remote.len, ep->remote_text, sizeof ep->remote_text);
	ep->has_text = true;
	return ep->remote_text;
}

static const char *
conn_listener(struct sockd_conn c)
{
	const struct endpoint *ep = endpoint_find(c.ref, "sockd_conn_listener");

	return ep != NULL ? ep->scope->listener->cfg->name : NULL;
}

static int
conn_transport(struct sockd_conn c)
{
	const struct endpoint *ep = endpoint_find(c.ref, "sockd_conn_transport");

	return ep != NULL ? ep->transport : -1;
}

void
endpoint_meet_sender(struct endpoint *ep, const struct msghdr *m)
{
	struct net_peer peer;

	ep->has_cred = net_peer_of_datagram(m, &peer) == 0;
	if (ep->has_cred)
		ep->cred = (struct sockd_cred){ .pid = peer.pid, .uid = peer.uid, .gid = peer.gid };
}

/* Nothing encrypts datagrams, and no balancer stands before them. */
static const struct sockd_tls_info *
conn_tls(struct sockd_conn c)
{
	if (endpoint_find(c.ref, "sockd_conn_tls") != NULL)
		errno = 0;
	return NULL;
}

static int
conn_tls_export(struct sockd_conn c, const char *label, const void *context, size_t context_size, void *out,
	size_t size)
{
	(void)label, (void)context, (void)context_size, (void)out, (void)size; /* there is no session */
	return endpoint_find(c.ref, "sockd_conn_tls_export") != NULL ? api_fail(-ENOTSUP) : -1;
}

static const struct sockd_addr *
conn_proxy(struct sockd_conn c)
{
	if (endpoint_find(c.ref, "sockd_conn_proxy") != NULL)
		errno = 0;
	return NULL;
}

static ssize_t
conn_proxy_tlv(struct sockd_conn c, int type, void *buf, size_t size)
{
	(void)type, (void)buf, (void)size; /* there is no header */
	return endpoint_find(c.ref, "sockd_conn_proxy_tlv") != NULL ? api_fail(-ENOENT) : -1;
}

static const struct sockd_cred *
conn_cred(struct sockd_conn c)
{
	const struct endpoint *ep = endpoint_find(c.ref, "sockd_conn_cred");

	if (ep != NULL && !ep->has_cred)
		errno = ENOTSUP;
	return ep != NULL && ep->has_cred ? &ep->cred : NULL;
}

static int
conn_state(struct sockd_conn c)
{
	return endpoint_find(c.ref, "sockd_conn_state") != NULL ? SOCKD_HANDLER : -1;
}

static int64_t
conn_draining(struct sockd_conn c)
{
	const struct endpoint *ep = endpoint_find(c.ref, "sockd_conn_draining");
	int64_t left_ms;

	if (ep == NULL)
		return -1;
	if (ep->state == ENDPOINT_OPEN)
		return 0;
	left_ms = endpoint_loop(ep)->drain_deadline_ms - loop_now_ms(endpoint_loop(ep));
	return left_ms > 1 ? left_ms : 1;
}

static int
conn_set_busy(struct sockd_conn c, bool busy)
{
	(void)busy; /* a drain never ends an endpoint that still has something to read */
	return endpoint_find(c.ref, "sockd_conn_set_busy") != NULL ? api_fail(-ENOTSUP) : -1;
}

static int
conn_set_timeout(struct sockd_conn c, int which, int64_t ms)
{
	(void)which, (void)ms; /* there is no peer whose silence would mean anything */
	return endpoint_find(c.ref, "sockd_conn_set_timeout") != NULL ? api_fail(-ENOTSUP) : -1;
}

static int
conn_set_data(struct sockd_conn c, void *data)
{
	(void)data; /* no close() would ever give it back */
	return endpoint_find(c.ref, "sockd_conn_set_data") != NULL ? api_fail(-ENOTSUP) : -1;
}

static void *
conn_data(struct sockd_conn c)
{
	if (endpoint_find(c.ref, "sockd_conn_data") != NULL)
		errno = ENOTSUP;
	return NULL;
}

static void *
conn_instance(struct sockd_conn c)
{
	const struct endpoint *ep = endpoint_find(c.ref, "sockd_conn_instance");

	return ep != NULL ? ep->scope->thread->handler->data : NULL;
}

static void *
conn_thread_state(struct sockd_conn c)
{
	const struct endpoint *ep = endpoint_find(c.ref, "sockd_conn_thread_state");

	return ep != NULL ? ep->scope->thread->state : NULL;
}

static struct sockd_reader
conn_reader(struct sockd_conn c)
{
	return (struct sockd_reader){
		.ops = endpoint_find(c.ref, "sockd_conn_reader") != NULL ? &endpoint_reader_ops : NULL,
		.ref = c.ref
	};
}

static struct sockd_writer
conn_writer(struct sockd_conn c)
{
	return (struct sockd_writer){
		.ops = endpoint_find(c.ref, "sockd_conn_writer") != NULL ? &endpoint_writer_ops : NULL,
		.ref = c.ref
	};
}

static struct sockd_host
conn_host(struct sockd_conn c)
{
	const struct endpoint *ep = endpoint_find(c.ref, "sockd_conn_host");

	return ep != NULL ? handler_thread_host(ep->scope->thread) : (struct sockd_host){ 0 };
}

static int
conn_start_tls(struct sockd_conn c, const char *server_name)
{
	(void)server_name; /* nothing encrypts datagrams */
	return endpoint_find(c.ref, "sockd_conn_start_tls") != NULL ? api_fail(-ENOTSUP) : -1;
}

static int64_t
conn_relay(struct sockd_conn c, struct sockd_conn other)
{
	(void)other; /* whoever it is: there is no end to carry over */
	return endpoint_find(c.ref, "sockd_relay") != NULL ? api_fail(-ENOTSUP) : -1;
}

static int
conn_deny(struct sockd_conn c)
{
	return endpoint_find(c.ref, "sockd_conn_deny") != NULL ? api_fail(-ENOTSUP) : -1;
}

static int
conn_close(struct sockd_conn c)
{
	return endpoint_find(c.ref, "sockd_conn_close") != NULL ? api_fail(-ENOTSUP) : -1;
}

static int
conn_abort(struct sockd_conn c)
{
	return endpoint_find(c.ref, "sockd_conn_abort") != NULL ? api_fail(-ENOTSUP) : -1;
}

const struct sockd_conn_ops endpoint_conn_ops = {
	.size = sizeof(struct sockd_conn_ops),
	.id = conn_id,
	.local = conn_local,
	.remote = conn_remote,
	.remote_text = conn_remote_text,
	.listener = conn_listener,
	.transport = conn_transport,
	.tls = conn_tls,
	.tls_export = conn_tls_export,
	.cred = conn_cred,
	.proxy = conn_proxy,
	.proxy_tlv = conn_proxy_tlv,
	.state = conn_state,
	.draining = conn_draining,
	.set_busy = conn_set_busy,
	.set_timeout = conn_set_timeout,
	.set_data = conn_set_data,
	.data = conn_data,
	.instance = conn_instance,
	.thread_state = conn_thread_state,
	.reader = conn_reader,
	.writer = conn_writer,
	.host = conn_host,
	.start_tls = conn_start_tls,
	.deny = conn_deny,
	.close = conn_close,
	.abort = conn_abort,
	.relay = conn_relay,
};
