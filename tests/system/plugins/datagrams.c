/* What a handler may ask of datagrams; with -DEVENTS in event style. */
#include "scenario.h"

static int instance, state;

static int
start(struct sockd_host h, const struct sockd_settings *s, void **ret, struct sockd_error *e)
{
	(void)h, (void)s, (void)e;
	*ret = &instance;
	return 0;
}

static int
thread_start(struct sockd_host h, void *data, void **ret, struct sockd_error *e)
{
	(void)h, (void)data, (void)e;
	*ret = &state;
	return 0;
}

static void
it_tells_of_the_sender(struct sockd_conn c, struct sockd_reader r, struct sockd_writer w)
{
	int transport = sockd_conn_transport(c);

	CHECK(transport == SOCKD_UDP || transport == SOCKD_UNIXGRAM);
	CHECK(sockd_conn_remote(c)->len > sizeof(sa_family_t));
	CHECK(sockd_conn_local(c)->len > sizeof(sa_family_t));
	CHECK(strlen(sockd_conn_remote_text(c)) > 0);
	CHECK(sockd_conn_remote_text(c) == sockd_conn_remote_text(c));
	CHECK(strcmp(sockd_conn_listener(c), "t") == 0);
	CHECK(sockd_conn_state(c) == SOCKD_HANDLER);
	CHECK(sockd_conn_draining(c) == 0);
	CHECK(sockd_conn_instance(c) == &instance && sockd_conn_thread_state(c) == &state);
	CHECK(sockd_host_instance(sockd_conn_host(c)) == &instance);
	CHECK(sockd_host_thread_state(sockd_conn_host(c)) == &state);
	CHECK(sockd_conn_reader(c).ref == r.ref && sockd_conn_writer(c).ref == w.ref);
}

static void
it_tells_who_sent(struct sockd_conn c, struct sockd_reader r, struct sockd_writer w)
{
	const struct sockd_cred *cred;

	(void)r, (void)w;
	errno = 0;
	cred = sockd_conn_cred(c);
	if (sockd_conn_transport(c) == SOCKD_UDP)
		CHECK(cred == NULL && errno == ENOTSUP);
	else
		CHECK(cred != NULL && cred->pid > 0 && cred->uid == getuid() && cred->gid == getgid());
}

static void
what_a_stream_has_is_not_supported(struct sockd_conn c, struct sockd_reader r, struct sockd_writer w)
{
	(void)r, (void)w;
	errno = 0;
	CHECK(sockd_conn_id(c) == 0 && errno == ENOTSUP);
	errno = 0;
	CHECK(sockd_conn_data(c) == NULL && errno == ENOTSUP);
	CHECK(FAILS(sockd_conn_set_data(c, &state), ENOTSUP));
	CHECK(FAILS(sockd_conn_set_busy(c, true), ENOTSUP));
	CHECK(FAILS(sockd_conn_set_timeout(c, SOCKD_TIMEOUT_IDLE, 5), ENOTSUP));
	CHECK(FAILS(sockd_conn_deny(c), ENOTSUP));
	CHECK(FAILS(sockd_conn_close(c), ENOTSUP));
	CHECK(FAILS(sockd_conn_abort(c), ENOTSUP));
	CHECK(sockd_conn_tls(c) == NULL);
}

static void
sizes_have_a_bound(struct sockd_conn c, struct sockd_reader r, struct sockd_writer w)
{
	static char large[1 << 20];
	const struct sockd_addr nobody = { 0 };
	struct iovec iov = { .iov_base = large, .iov_len = sizeof large };

	(void)r;
	CHECK(FAILS(sockd_write(w, large, sizeof large), EMSGSIZE));
	CHECK(FAILS(sockd_writev(w, &iov, 1), EMSGSIZE));
	CHECK(FAILS(sockd_writev(w, &iov, -1), EINVAL));
	CHECK(FAILS(sockd_write_to(w, &nobody, NULL, "x", 1), EDESTADDRREQ));
	CHECK(sockd_writable(w) > 0);
	CHECK(sockd_conn_remote(c)->len > 0);
}

static void
an_answer_may_go_to_the_address(struct sockd_conn c, struct sockd_reader r, struct sockd_writer w)
{
	struct sockd_addr to = *sockd_conn_remote(c), from = *sockd_conn_local(c);

	(void)r;
	CHECK(sockd_write_to(w, &to, &from, "direct", 6) == 6);
}

static void
pieces_are_one_datagram(struct sockd_conn c, struct sockd_reader r, struct sockd_writer w)
{
	struct iovec iov[] = { { .iov_base = "one,", .iov_len = 4 }, { .iov_base = "two", .iov_len = 3 } };

	(void)c, (void)r;
	CHECK(sockd_writev(w, iov, 2) == 7);
}

static const struct scenario scenarios[] = {
	{ "it_tells_of_the_sender", it_tells_of_the_sender },
	{ "it_tells_who_sent", it_tells_who_sent },
	{ "what_a_stream_has_is_not_supported", what_a_stream_has_is_not_supported },
	{ "sizes_have_a_bound", sizes_have_a_bound },
	{ "an_answer_may_go_to_the_address", an_answer_may_go_to_the_address },
	{ "pieces_are_one_datagram", pieces_are_one_datagram },
	{ NULL, NULL },
};

static void
answer(struct sockd_conn c, struct sockd_reader r, struct sockd_writer w)
{
	scenario_serve(scenarios, c, r, w);
}

SOCKD_EXPORT const struct sockd_plugin sockd_plugin = {
	SOCKD_PLUGIN_INIT,
	.name = "datagrams",
	.version = "1.0",
	.transports = SOCKD_DATAGRAMS,
	.start = start,
	.thread_start = thread_start,
#ifdef EVENTS
	.datagram = answer,
#else
	.serve = answer,
#endif
};
