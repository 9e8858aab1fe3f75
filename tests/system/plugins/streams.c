/* What straight-line code may ask of a stream, of its connection and of the daemon. */
#include "scenario.h"

static const struct sockd_option options[] = {
	{ .name = "number", .type = SOCKD_T_INT, .fallback = "7", .max = 1000, .help = "any number" },
	{ 0 },
};

static int instance, state;

static int
start(struct sockd_host h, const struct sockd_settings *s, void **ret, struct sockd_error *e)
{
	(void)e;
	if (sockd_host_thread_state(h) != NULL || sockd_setting_int(s, "number") != 42)
		return -1;
	*ret = &instance;
	return 0;
}

static int
thread_start(struct sockd_host h, void *data, void **ret, struct sockd_error *e)
{
	(void)e;
	if (data != &instance || sockd_host_instance(h) != &instance || sockd_host_thread_state(h) != NULL)
		return -1;
	*ret = &state;
	return 0;
}

static void
a_connection_tells_of_itself(struct sockd_conn c, struct sockd_reader r, struct sockd_writer w)
{
	int transport = sockd_conn_transport(c);
	const struct sockd_cred *cred = sockd_conn_cred(c);

	CHECK(sockd_conn_id(c) != 0);
	CHECK(transport == SOCKD_TCP || transport == SOCKD_UNIX);
	CHECK(strcmp(sockd_conn_listener(c), "t") == 0);
	CHECK(sockd_conn_local(c)->len > sizeof(sa_family_t));
	CHECK(transport == SOCKD_UNIX || sockd_conn_remote(c)->len > sizeof(sa_family_t));
	CHECK(transport == SOCKD_TCP || sockd_conn_remote(c)->len == 0); /* unnamed */
	CHECK(strlen(sockd_conn_remote_text(c)) > 0);
	CHECK(sockd_conn_local(c) == sockd_conn_local(c));
	CHECK(transport == SOCKD_TCP ? cred == NULL : cred->pid > 0);
	CHECK(sockd_conn_tls(c) == NULL);
	CHECK(sockd_conn_proxy(c) == NULL);
	CHECK(sockd_conn_state(c) == SOCKD_HANDLER);
	CHECK(sockd_conn_draining(c) == 0);
	CHECK(sockd_conn_reader(c).ref == r.ref && sockd_conn_writer(c).ref == w.ref);
}

static void
a_connection_keeps_what_is_put_there(struct sockd_conn c, struct sockd_reader r, struct sockd_writer w)
{
	int mine;

	(void)r, (void)w;
	CHECK(sockd_conn_data(c) == NULL);
	CHECK(sockd_conn_set_data(c, &mine) == 0);
	CHECK(sockd_conn_data(c) == &mine);
	CHECK(sockd_conn_set_data(c, NULL) == 0);
}

static void
every_handle_leads_to_the_instance(struct sockd_conn c, struct sockd_reader r, struct sockd_writer w)
{
	struct sockd_host h = sockd_conn_host(c);

	(void)r, (void)w;
	CHECK(sockd_conn_instance(c) == &instance && sockd_host_instance(h) == &instance);
	CHECK(sockd_conn_thread_state(c) == &state && sockd_host_thread_state(h) == &state);
	CHECK(sockd_setting_int(sockd_host_settings(h), "number") == 42);
	CHECK(sockd_open_connections(h) >= 1);
	CHECK(sockd_wall(h) > INT64_C(1600000000000));
}

static void
a_sleep_takes_its_time(struct sockd_conn c, struct sockd_reader r, struct sockd_writer w)
{
	struct sockd_host h = sockd_conn_host(c);
	int64_t begun = sockd_now(h);

	(void)r, (void)w;
	CHECK(sockd_sleep(h, 30) == 0);
	CHECK(sockd_now(h) - begun >= 30);
	CHECK(sockd_sleep(h, 0) == 0);
}

static void
nonsense_is_refused(struct sockd_conn c, struct sockd_reader r, struct sockd_writer w)
{
	struct iovec iov = { .iov_base = failure, .iov_len = 1 };

	(void)r;
	CHECK(FAILS(sockd_conn_set_timeout(c, 99, 10), EINVAL));
	CHECK(FAILS(sockd_conn_set_timeout(c, SOCKD_TIMEOUT_READ, -7), EINVAL));
	CHECK(FAILS(sockd_writev(w, &iov, -1), EINVAL));
	CHECK(FAILS(sockd_write_to(w, sockd_conn_remote(c), NULL, "x", 1), ENOTSUP));
	CHECK(FAILS(sockd_log(sockd_conn_host(c), 99, "x", "y"), EINVAL));
	CHECK(FAILS(sockd_log(sockd_conn_host(c), SOCKD_LOG_INFO, NULL, "y"), EINVAL));
	CHECK(sockd_write(w, "", 0) == 0);
}

/* The client has sent "abcdefgh", perhaps in pieces. */
static void
reads_take_what_they_ask_for(struct sockd_conn c, struct sockd_reader r, struct sockd_writer w)
{
	char buf[8];
	size_t n;

	(void)c, (void)w;
	CHECK(sockd_read_full(r, buf, 3) == 1 && memcmp(buf, "abc", 3) == 0);
	CHECK(sockd_receive(r, buf, 1, &n) == 1 && n == 1 && buf[0] == 'd');
	CHECK(sockd_read(r, buf, 0) == 0);
	CHECK(sockd_read_full(r, buf, 4) == 1 && memcmp(buf, "efgh", 4) == 0);
	CHECK(sockd_readable(r) == 0);
	CHECK(sockd_discard(r, 100) == 0);
}

static void
a_read_has_a_deadline(struct sockd_conn c, struct sockd_reader r, struct sockd_writer w)
{
	char byte;

	CHECK(sockd_conn_set_timeout(c, SOCKD_TIMEOUT_READ, 20) == 0);
	CHECK(FAILS(sockd_read(r, &byte, 1), ETIMEDOUT));
	CHECK(FAILS(sockd_read(r, &byte, 1), ETIMEDOUT)); /* a deadline, not a span */
	CHECK(sockd_conn_set_timeout(c, SOCKD_TIMEOUT_READ, SOCKD_FOREVER) == 0);
	CHECK(sockd_write(w, "!", 1) == 1);
	CHECK(sockd_read(r, &byte, 1) == 1 && byte == '!');
}

/* Nobody reads: "full\n" tells the client when it may. */
static void
a_write_has_a_deadline(struct sockd_conn c, struct sockd_reader r, struct sockd_writer w)
{
	static char block[1 << 20];
	ssize_t n;

	(void)r;
	CHECK(sockd_conn_set_timeout(c, SOCKD_TIMEOUT_WRITE, 50) == 0);
	do
		n = sockd_write(w, block, sizeof block);
	while (n > 0);
	CHECK(n == -1 && errno == ETIMEDOUT);
	(void)sockd_log(sockd_conn_host(c), SOCKD_LOG_NOTICE, "write_timed_out", "%zu", sockd_writable(w));
	(void)sockd_conn_abort(c);
}

/* The client sends "half" and then ends. */
static void
the_end_in_the_middle_is_an_error(struct sockd_conn c, struct sockd_reader r, struct sockd_writer w)
{
	char buf[8];

	(void)c, (void)w;
	CHECK(FAILS(sockd_read_full(r, buf, sizeof buf), EPIPE));
	CHECK(sockd_read(r, buf, sizeof buf) == 4);
	CHECK(sockd_read_full(r, buf, sizeof buf) == 0);
	CHECK(sockd_conn_state(c) == SOCKD_CLOSE_READ);
}

static void
a_write_of_pieces_is_one_write(struct sockd_conn c, struct sockd_reader r, struct sockd_writer w)
{
	struct iovec iov[] = { { .iov_base = "one,", .iov_len = 4 }, { .iov_base = "", .iov_len = 0 },
		{ .iov_base = "two\n", .iov_len = 4 } };

	(void)c, (void)r;
	CHECK(sockd_writev(w, iov, 3) == 8);
	CHECK(sockd_flush(w) == 0);
	CHECK(sockd_writable(w) > 0);
}

/* A write far larger than the buffer and the socket waits for room. */
static void
a_large_write_waits(struct sockd_conn c, struct sockd_reader r, struct sockd_writer w)
{
	enum { SIZE = 3 << 20 };
	char *bytes = malloc(SIZE);

	(void)c, (void)r;
	CHECK(bytes != NULL);
	memset(bytes, 'L', SIZE);
	CHECK(HOLDS(sockd_write(w, bytes, SIZE) == SIZE));
	free(bytes);
	CHECK(sockd_flush(w) == 0);
}

static void
after_close_write_nothing_is_taken(struct sockd_conn c, struct sockd_reader r, struct sockd_writer w)
{
	char byte;

	CHECK(sockd_write(w, "last", 4) == 4);
	CHECK(sockd_close_write(w) == 0);
	CHECK(FAILS(sockd_write(w, "x", 1), EPIPE));
	CHECK(sockd_read(r, &byte, 1) == 1 && byte == 'y'); /* the other way is open */
	(void)sockd_log(sockd_conn_host(c), SOCKD_LOG_NOTICE, "read_after_close_write", "%c", byte);
}

static void
after_close_read_there_is_nothing(struct sockd_conn c, struct sockd_reader r, struct sockd_writer w)
{
	char byte;
	size_t n = 99;

	(void)c, (void)w;
	CHECK(sockd_close_read(r) == 0);
	CHECK(sockd_read(r, &byte, 1) == 0);
	CHECK(sockd_receive(r, &byte, 1, &n) == 0 && n == 99); /* untouched */
	CHECK(sockd_readable(r) == 0);
}

static int
read_a_byte(struct sockd_host h, void *arg)
{
	char byte;

	(void)h;
	return (int)sockd_read(*(struct sockd_reader *)arg, &byte, 1);
}

static void
a_read_that_waits_ends_with_close_read(struct sockd_conn c, struct sockd_reader r, struct sockd_writer w)
{
	struct sockd_host h = sockd_conn_host(c);
	uint64_t fiber = sockd_spawn(h, read_a_byte, &r);

	(void)w;
	CHECK(fiber != 0 && sockd_sleep(h, 5) == 0);
	CHECK(sockd_close_read(r) == 0);
	CHECK(sockd_join(h, fiber) == 0);
}

static void
a_denied_client_is_told_nothing_more(struct sockd_conn c, struct sockd_reader r, struct sockd_writer w)
{
	(void)r;
	CHECK(sockd_conn_deny(c) == 0);
	CHECK(FAILS(sockd_write(w, "x", 1), EPIPE));
	CHECK(sockd_conn_close(c) == 0); /* the first reason wins */
}

static const struct scenario scenarios[] = {
	{ "a_connection_tells_of_itself", a_connection_tells_of_itself },
	{ "a_connection_keeps_what_is_put_there", a_connection_keeps_what_is_put_there },
	{ "every_handle_leads_to_the_instance", every_handle_leads_to_the_instance },
	{ "a_sleep_takes_its_time", a_sleep_takes_its_time },
	{ "nonsense_is_refused", nonsense_is_refused },
	{ "reads_take_what_they_ask_for", reads_take_what_they_ask_for },
	{ "a_read_has_a_deadline", a_read_has_a_deadline },
	{ "a_write_has_a_deadline", a_write_has_a_deadline },
	{ "the_end_in_the_middle_is_an_error", the_end_in_the_middle_is_an_error },
	{ "a_write_of_pieces_is_one_write", a_write_of_pieces_is_one_write },
	{ "a_large_write_waits", a_large_write_waits },
	{ "after_close_write_nothing_is_taken", after_close_write_nothing_is_taken },
	{ "after_close_read_there_is_nothing", after_close_read_there_is_nothing },
	{ "a_read_that_waits_ends_with_close_read", a_read_that_waits_ends_with_close_read },
	{ "a_denied_client_is_told_nothing_more", a_denied_client_is_told_nothing_more },
	{ NULL, NULL },
};

/* The name comes up to its newline and not a byte further, so that what follows is the scenario's. */
static void
serve(struct sockd_conn c, struct sockd_reader r, struct sockd_writer w)
{
	char name[65];
	size_t n = 0;

	while (n < sizeof name - 1 && sockd_read(r, &name[n], 1) == 1) {
		if (name[n++] != '\n')
			continue;
		name[n - 1] = '\0';
		n = 0;
		scenario_run(scenarios, name, c, r, w);
		if (failure[0] == '\0')
			(void)sockd_write(w, "ok\n", 3);
		else
			(void)sockd_write(w, failure, strlen(failure));
	}
}

SOCKD_EXPORT const struct sockd_plugin sockd_plugin = {
	SOCKD_PLUGIN_INIT,
	.name = "streams",
	.version = "1.0",
	.transports = SOCKD_STREAMS,
	.options = options,
	.start = start,
	.thread_start = thread_start,
	.serve = serve,
};
