/* proxy - hands on what it is sent to one of several servers, and their answers back: streams and, by
 * sessions, udp.
 *
 * A stream is straight-line code: connect, tell the client's address, relay. A server that cannot be reached
 * is left alone for a while, and the next one is tried before the client has lost a byte. */
#include "proxy.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "header.h"

enum { URL_SHOWN = 200 };

static const char *const balances[] = {
	[BALANCE_ROUND_ROBIN] = "round_robin", [BALANCE_LEAST] = "least", [BALANCE_SOURCE] = "source", NULL
};

static const struct sockd_option options[] = {
	{ .name = "upstream",
		.type = SOCKD_T_URL | SOCKD_T_LIST,
		.required = 1,
		.help = "The servers: tcp://HOST:PORT and unix:///PATH for streams, udp://HOST:PORT for udp "
			"listeners" },
	{ .name = "balance",
		.type = SOCKD_T_WORD,
		.fallback = "round_robin",
		.words = balances,
		.help = "Which server a client gets: each in turn, the one with the fewest connections, or "
			"always the "
			"same by its address" },
	{ .name = "connect_timeout",
		.type = SOCKD_T_DURATION,
		.fallback = "5s",
		.min = 1,
		.max = 3600 * 1000,
		.help = "How long a server may take to accept before the next one is tried" },
	{ .name = "fail_time",
		.type = SOCKD_T_DURATION,
		.fallback = "10s",
		.min = 0,
		.max = 24 * 3600 * 1000,
		.help = "How long a server that failed is left alone, unless all have; then one client "
			"tries it for all" },
	{ .name = "send_proxy",
		.type = SOCKD_T_BOOL,
		.fallback = "false",
		.help = "Begin each stream with a PROXY header, version 2, that tells the client's address" },
	{ .name = "tls",
		.type = SOCKD_T_TLS,
		.help = "Speak TLS to the servers, as this entry of tls: says" },
	{ .name = "server_name",
		.type = SOCKD_T_STRING,
		.help = "The name that the servers' certificates have to have; without it the host of the "
			"address" },
	{ .name = "session_idle",
		.type = SOCKD_T_DURATION,
		.fallback = "60s",
		.min = 1,
		.max = 24 * 3600 * 1000,
		.help = "udp: how long a client's session lives without a datagram" },
	{ .name = "sessions",
		.type = SOCKD_T_INT,
		.fallback = "1000",
		.min = 1,
		.max = 1000000,
		.help = "udp: how many sessions an event loop may have; datagrams of more clients are "
			"dropped" },
	{ 0 },
};

static bool
is_udp(const char *url)
{
	return strncmp(url, "udp", 3) == 0;
}

static int
check(const struct sockd_settings *s, struct sockd_error *e)
{
	const char *url;
	bool streams = false;

	if (sockd_setting_list(s, "upstream", 0) == NULL)
		return sockd_error_set(e, "upstream", "names no server");
	if (sockd_setting_list(s, "upstream", UPSTREAMS_MAX) != NULL)
		return sockd_error_set(e, "upstream", "has more than %d servers", UPSTREAMS_MAX);
	for (size_t i = 0; (url = sockd_setting_list(s, "upstream", i)) != NULL; i++) {
		char item[32];

		snprintf(item, sizeof item, "upstream[%zu]", i);
		if (strncmp(url, "unixgram:", 9) == 0)
			return sockd_error_set(e, item, "unixgram servers cannot be proxied");
		streams = streams || !is_udp(url);
	}
	if (sockd_setting_string(s, "tls") != NULL && !streams)
		return sockd_error_set(e, "tls", "there is no TLS over udp");
	if (sockd_setting_string(s, "server_name") != NULL && sockd_setting_string(s, "tls") == NULL)
		return sockd_error_set(e, "server_name", "means nothing without tls");
	return 0;
}

static enum balance
balance_of(const struct sockd_settings *s)
{
	const char *word = sockd_setting_string(s, "balance");
	int i = 0;

	while (balances[i + 1] != NULL && strcmp(balances[i], word) != 0)
		i++;
	return (enum balance)i;
}

static void
add_upstream(struct upstreams *u, const char *url)
{
	u->items[u->count++].url = url;
}

static int
start(struct sockd_host h, const struct sockd_settings *s, void **ret_instance, struct sockd_error *e)
{
	struct proxy *p = calloc(1, sizeof *p);
	const char *url;

	if (p == NULL)
		return sockd_error_set(e, NULL, "no memory");
	for (size_t i = 0; i < UPSTREAMS_MAX && (url = sockd_setting_list(s, "upstream", i)) != NULL; i++)
		add_upstream(is_udp(url) ? &p->datagrams : &p->streams, url);
	p->streams.balance = p->datagrams.balance = balance_of(s);
	p->streams.fail_ms = p->datagrams.fail_ms = sockd_setting_duration_ms(s, "fail_time");
	p->streams.trial_ms = sockd_setting_duration_ms(s, "connect_timeout");
	p->connect_ms = (int32_t)sockd_setting_duration_ms(s, "connect_timeout");
	p->send_header = sockd_setting_bool(s, "send_proxy");
	p->tls = sockd_setting_string(s, "tls");
	p->server_name = sockd_setting_string(s, "server_name");
	p->session_idle_ms = sockd_setting_duration_ms(s, "session_idle");
	p->sessions_max = sockd_setting_int(s, "sessions");
	p->failures =
		sockd_metric_register(h, 1, "proxy_failures", "Times that a server could not be reached");
	p->refused =
		sockd_metric_register(h, 1, "proxy_refused", "Clients that no server could be reached for");
	p->dropped = sockd_metric_register(
		h, 1, "proxy_dropped", "Datagrams of clients for whom there was no session");
	*ret_instance = p;
	return 0;
}

static void
stop(void *instance)
{
	free(instance);
}

static int
thread_start(struct sockd_host h, void *instance, void **ret_state, struct sockd_error *e)
{
	struct loop *loop = calloc(1, sizeof *loop);

	(void)instance;
	if (loop != NULL)
		loop->sessions = sessions_new();
	if (loop == NULL || loop->sessions == NULL) {
		free(loop);
		return sockd_error_set(e, NULL, "no memory");
	}
	loop->host = h;
	*ret_state = loop;
	return 0;
}

static void
thread_stop(void *instance, void *state)
{
	struct loop *loop = state;

	(void)instance;
	sessions_free(loop->sessions);
	free(loop);
}

/* ---- servers ---- */

static struct sockd_conn
dial(struct sockd_host h, const struct proxy *p, const struct upstream *one)
{
	struct sockd_dial_options o = { .size = sizeof o, .timeout_ms = p->connect_ms };

	if (!is_udp(one->url)) {
		o.tls = p->tls;
		o.server_name = p->server_name;
	}
	return sockd_dial(h, one->url, &o);
}

/* Why a server was not reached, for a person: two of the numbers would mislead one. */
static const char *
why(int error)
{
	switch (error) {
	case EPROTO:
		return "no TLS session; 'dial_tls_failed', of level info, says why";
	case EADDRNOTAVAIL:
		return "no address is known for its name, or no port is free here to call from";
	case EAGAIN:
		return "the name service does not answer";
	default:
		return strerror(error);
	}
}

void
proxy_failed(
	struct sockd_host h, const struct proxy *p, struct upstreams *of, struct upstream *one, int error)
{
	(void)sockd_metric_add(h, p->failures, 1);
	if (upstream_failed(of, one, sockd_now(h)))
		(void)sockd_log(h, SOCKD_LOG_WARNING, "proxy_upstream_down", "%.*s: %s", URL_SHOWN, one->url,
			why(error));
}

void
proxy_works(struct sockd_host h, struct upstream *one)
{
	if (upstream_works(one))
		(void)sockd_log(
			h, SOCKD_LOG_NOTICE, "proxy_upstream_up", "%.*s answers again", URL_SHOWN, one->url);
}

struct sockd_conn
proxy_connect(struct sockd_host h, struct proxy *p, struct upstreams *of, const struct sockd_addr *from,
	struct upstream **ret_upstream)
{
	struct sockd_conn server = { NULL, 0 };
	struct upstream *one;
	uint64_t tried = 0;

	while ((one = upstream_choose(of, from, sockd_now(h), &tried)) != NULL) {
		server = dial(h, p, one);
		if (!sockd_null(server)) {
			*ret_upstream = one;
			return server;
		}
		upstream_done(one);
		if (errno == ECANCELED)
			return server; /* our client is gone: that says nothing of the server */
		proxy_failed(h, p, of, one, errno);
	}
	if (of->count == 0 && !atomic_exchange(&of->told, true))
		(void)sockd_log(h, SOCKD_LOG_WARNING, "proxy_no_upstream",
			"upstream names no server for %s: no client of these is served",
			of == &p->streams ? "streams" : "udp");
	(void)sockd_metric_add(h, p->refused, 1);
	return server;
}

/* ---- streams ---- */

static bool
tell_client(struct sockd_conn c, struct sockd_conn server, const struct proxy *p)
{
	unsigned char header[PROXY_HEADER_MAX];
	size_t size;

	if (!p->send_header)
		return true;
	size = proxy_header(header, sockd_conn_remote(c), sockd_conn_local(c), false);
	return sockd_write(sockd_conn_writer(server), header, size) >= 0;
}

/* What broke on one side is broken on the other, which an end would not tell. That it was the client's, its
 * close reason tells. */
static void
join(struct sockd_conn c, struct sockd_conn server, const char *url)
{
	int error;

	if (sockd_relay(c, server) >= 0)
		return;
	error = errno;
	if (sockd_conn_state(server) < 0)
		(void)sockd_log(sockd_conn_host(c), SOCKD_LOG_INFO, "proxy_upstream_broke", "%.*s: %s",
			URL_SHOWN, url, strerror(error));
	else if (error == ECONNRESET)
		(void)sockd_conn_abort(server);
	(void)sockd_conn_abort(c);
}

static void
serve(struct sockd_conn c, struct sockd_reader r, struct sockd_writer w)
{
	struct proxy *p = sockd_conn_instance(c);
	struct sockd_host h = sockd_conn_host(c);
	struct upstream *upstream = NULL;
	const struct sockd_addr *from = p->streams.balance == BALANCE_SOURCE ? sockd_conn_remote(c) : NULL;
	struct sockd_conn server = proxy_connect(h, p, &p->streams, from, &upstream);

	(void)r, (void)w;
	if (sockd_null(server)) {
		(void)sockd_conn_abort(c); /* a reset tells more than an end */
		return;
	}
	proxy_works(h, upstream);
	if (tell_client(c, server, p))
		join(c, server, upstream->url);
	(void)sockd_conn_close(server);
	upstream_done(upstream);
}

/* ---- datagrams ---- */

static void
on_datagram(struct sockd_conn c, struct sockd_reader r, struct sockd_writer w)
{
	(void)w;
	session_datagram(c, r);
}

SOCKD_EXPORT const struct sockd_plugin sockd_plugin = {
	SOCKD_PLUGIN_INIT,
	.name = "proxy",
	.version = "1.0",
	.summary = "Hands streams and datagrams on to other servers",
	.license = "MIT",
	.transports = SOCKD_STREAMS | 1u << SOCKD_UDP,
	.options = options,
	.check = check,
	.start = start,
	.stop = stop,
	.thread_start = thread_start,
	.thread_stop = thread_stop,
	.serve = serve,
	.datagram = on_datagram,
};
