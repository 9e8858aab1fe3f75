/* Dialling with TLS, in both styles, and TLS that begins on a dialled connection. */
#include "scenario.h"
#include "told.h"

static char told_error[300];

static const char *
setting(struct sockd_conn c, const char *name)
{
	return sockd_setting_string(sockd_host_settings(sockd_conn_host(c)), name);
}

static struct sockd_dial_options
options_of(struct sockd_conn c)
{
	struct sockd_dial_options o = { .size = sizeof o };

	o.tls = setting(c, "tls");
	o.server_name = setting(c, "name");
	o.timeout_ms = (int32_t)sockd_setting_duration_ms(sockd_host_settings(sockd_conn_host(c)), "timeout");
	return o;
}

static struct sockd_conn
dial(struct sockd_conn c)
{
	const struct sockd_dial_options o = options_of(c);

	told_error[0] = '\0';
	return sockd_dial(sockd_conn_host(c), setting(c, "to"), &o);
}

/* A line there and back, by a server that echoes, and the end of each side. */
static void
converse(struct sockd_conn up)
{
	struct sockd_reader r = sockd_conn_reader(up);
	char buf[16];

	CHECK(sockd_write(sockd_conn_writer(up), "hello\n", 6) == 6);
	CHECK(sockd_read_until(r, "\n", 1, buf, sizeof buf) == 6);
	CHECK(memcmp(buf, "hello\n", 6) == 0);
	CHECK(sockd_close_write(sockd_conn_writer(up)) == 0);
	CHECK(sockd_read(r, buf, sizeof buf) == 0);
	CHECK(sockd_conn_close(up) == 0);
}

static void
check_info(struct sockd_conn c, struct sockd_conn up)
{
	const struct sockd_tls_info *i = sockd_conn_tls(up);
	const char *sni = setting(c, "sni"), *alpn = setting(c, "alpn");

	CHECK(i != NULL && strncmp(i->version, "TLSv1.", 6) == 0);
	CHECK(i->verified == sockd_setting_bool(sockd_host_settings(sockd_conn_host(c)), "verified"));
	CHECK(i->subject != NULL && i->sha256 != NULL);
	CHECK(sni == NULL ? i->sni == NULL : i->sni != NULL && strcmp(i->sni, sni) == 0);
	CHECK(alpn == NULL || (i->alpn != NULL && strcmp(i->alpn, alpn) == 0));
}

static void
there_and_back(struct sockd_conn c, struct sockd_reader r, struct sockd_writer w)
{
	struct sockd_conn up = dial(c);

	(void)r, (void)w;
	CHECK(!sockd_null(up));
	check_info(c, up);
	if (failure[0] == '\0')
		converse(up);
}

/* Connect in plain text, and have the server go over to TLS. A null handle: it did not come to that. */
static struct sockd_conn
about_to_start(struct sockd_conn c)
{
	const struct sockd_conn none = { NULL, 0 };
	struct sockd_conn up = sockd_dial(sockd_conn_host(c), setting(c, "to"), NULL);
	char buf[16];

	return HOLDS(!sockd_null(up)) && HOLDS(sockd_write(sockd_conn_writer(up), "starttls\n", 9) == 9) &&
			       HOLDS(sockd_read_until(sockd_conn_reader(up), "\n", 1, buf, sizeof buf) == 9)
		       ? up
		       : none;
}

static void
starttls(struct sockd_conn c, struct sockd_reader r, struct sockd_writer w)
{
	struct sockd_conn up = about_to_start(c);

	(void)r, (void)w;
	CHECK(!sockd_null(up));
	CHECK(FAILS(sockd_conn_start_tls(up, ""), EINVAL));
	CHECK(FAILS(sockd_conn_start_tls(c, "localhost"), ENOTSUP));
	CHECK(sockd_conn_start_tls(up, setting(c, "name")) == 0);
	CHECK(FAILS(sockd_conn_start_tls(up, "localhost"), EALREADY));
	check_info(c, up);
	if (failure[0] == '\0')
		converse(up);
}

static void
starttls_refused(struct sockd_conn c, struct sockd_reader r, struct sockd_writer w)
{
	struct sockd_conn up = about_to_start(c);

	(void)r, (void)w;
	CHECK(!sockd_null(up));
	CHECK(FAILS(sockd_conn_start_tls(up, "other.example"), EPROTO));
	CHECK(strstr(told_error, "hostname mismatch") != NULL);
}

static void
fails_with(struct sockd_conn c, int error)
{
	CHECK(sockd_null(dial(c)) && errno == error);
	CHECK(HOLDS(strstr(told_error, setting(c, "expect")) != NULL));
}

static void
refused(struct sockd_conn c, struct sockd_reader r, struct sockd_writer w)
{
	(void)r, (void)w;
	fails_with(c, EPROTO);
}

static void
gone(struct sockd_conn c, struct sockd_reader r, struct sockd_writer w)
{
	(void)r, (void)w;
	fails_with(c, ECONNRESET);
}

static void
silent(struct sockd_conn c, struct sockd_reader r, struct sockd_writer w)
{
	(void)r, (void)w;
	fails_with(c, ETIMEDOUT);
}

/* The server finds our certificate wanting after we are done with the handshake (TLS 1.3), or before. */
static void
unwelcome(struct sockd_conn c, struct sockd_reader r, struct sockd_writer w)
{
	struct sockd_conn up = dial(c);
	char byte;

	(void)r, (void)w;
	if (sockd_null(up)) {
		CHECK(errno == EPROTO);
		return;
	}
	CHECK(FAILS(sockd_read(sockd_conn_reader(up), &byte, 1), ECONNRESET));
	CHECK(strstr(told_error, "certificate required") != NULL);
}

static void
truncated(struct sockd_conn c, struct sockd_reader r, struct sockd_writer w)
{
	struct sockd_conn up = dial(c);
	char buf[16];

	(void)r, (void)w;
	CHECK(!sockd_null(up));
	CHECK(sockd_read_full(sockd_conn_reader(up), buf, 4) == 1);
	CHECK(FAILS(sockd_read(sockd_conn_reader(up), buf, sizeof buf), ECONNRESET));
}

static int
dial_it(struct sockd_host h, void *arg)
{
	return sockd_null(sockd_dial(h, "tcp://localhost:1", arg)) ? errno : 0;
}

static void
nonsense(struct sockd_conn c, struct sockd_reader r, struct sockd_writer w)
{
	struct sockd_host h = sockd_conn_host(c);
	struct sockd_dial_options o = options_of(c);

	(void)r, (void)w;
	o.tls = "no-such-entry";
	CHECK(dial_it(h, &o) == ENOENT);
	o.tls = "unused";
	CHECK(dial_it(h, &o) == ENOENT);
	o.tls = NULL;
	o.server_name = "x";
	CHECK(dial_it(h, &o) == EINVAL);
	o.tls = setting(c, "tls");
	o.server_name = "";
	CHECK(dial_it(h, &o) == EINVAL);
	o.server_name = NULL;
	CHECK(sockd_null(sockd_dial(h, "udp://127.0.0.1:9", &o)) && errno == EINVAL);
	CHECK(sockd_null(sockd_dial(h, "unix:///nowhere", &o)) && errno == EINVAL);
	CHECK(dial_it(h, &o) == ECONNREFUSED);
}

/* ---- event style ---- */

static struct told
told_by_events(struct sockd_conn c)
{
	struct told t = { "", 0, 0, 0 };
	struct sockd_dial_options o = options_of(c);

	o.events = &up_events;
	o.data = &t;
	if (HOLDS(!sockd_null(sockd_dial(sockd_conn_host(c), setting(c, "to"), &o))))
		for (int i = 0; i < 2000 && t.closes == 0; i++)
			(void)sockd_sleep(sockd_conn_host(c), 10);
	return t;
}

static void
events_there_and_back(struct sockd_conn c, struct sockd_reader r, struct sockd_writer w)
{
	struct told t = told_by_events(c);

	(void)r, (void)w;
	CHECK(t.closes == 1 && t.reason == SOCKD_BY_HANDLER && strcmp(t.text, "tdc") == 0);
}

static void
events_refused(struct sockd_conn c, struct sockd_reader r, struct sockd_writer w)
{
	struct told t = told_by_events(c);

	(void)r, (void)w;
	CHECK(t.closes == 1 && t.reason == SOCKD_BY_HANDSHAKE_FAILED && strcmp(t.text, "c") == 0);
	CHECK(t.error == EPROTO);
}

/* The server never answers. */
static void
events_given_up(struct sockd_conn c, struct sockd_reader r, struct sockd_writer w)
{
	struct told t = { "", 0, 0, 0 };
	struct sockd_dial_options o = options_of(c);
	struct sockd_conn up;

	(void)r, (void)w;
	o.events = &up_events;
	o.data = &t;
	o.timeout_ms = SOCKD_FOREVER;
	up = sockd_dial(sockd_conn_host(c), setting(c, "to"), &o);
	CHECK(!sockd_null(up));
	CHECK(sockd_sleep(sockd_conn_host(c), 50) == 0);
	CHECK(FAILS(sockd_write(sockd_conn_writer(up), "x", 1), EAGAIN));
	CHECK(sockd_conn_tls(up) == NULL);
	CHECK(sockd_conn_close(up) == 0);
	for (int i = 0; i < 2000 && t.closes == 0; i++)
		CHECK(sockd_sleep(sockd_conn_host(c), 10) == 0);
	CHECK(t.closes == 1 && t.reason == SOCKD_BY_HANDLER && strcmp(t.text, "c") == 0);
}

static int
dial_for_ever(struct sockd_host h, void *arg)
{
	const struct sockd_settings *s = sockd_host_settings(h);
	const struct sockd_dial_options o = {
		.size = sizeof o, .timeout_ms = SOCKD_FOREVER, .tls = sockd_setting_string(s, "tls")
	};

	(void)arg;
	return sockd_null(sockd_dial(h, sockd_setting_string(s, "to"), &o)) ? errno : 0;
}

static void
cancelled(struct sockd_conn c, struct sockd_reader r, struct sockd_writer w)
{
	struct sockd_host h = sockd_conn_host(c);
	uint64_t id = sockd_spawn(h, dial_for_ever, NULL);

	(void)r, (void)w;
	CHECK(sockd_sleep(h, 50) == 0);
	CHECK(sockd_cancel(h, id) == 0);
	CHECK(sockd_join(h, id) == ECANCELED);
}

static const struct scenario scenarios[] = { { "there_and_back", there_and_back }, { "starttls", starttls },
	{ "starttls_refused", starttls_refused }, { "refused", refused }, { "gone", gone },
	{ "silent", silent }, { "unwelcome", unwelcome }, { "truncated", truncated },
	{ "nonsense", nonsense }, { "events_there_and_back", events_there_and_back },
	{ "events_refused", events_refused }, { "events_given_up", events_given_up },
	{ "cancelled", cancelled }, { NULL, NULL } };

static void
serve(struct sockd_conn c, struct sockd_reader r, struct sockd_writer w)
{
	scenario_serve(scenarios, c, r, w);
}

static void
on_error(void *instance, struct sockd_conn c, int error, const char *text)
{
	(void)instance, (void)c, (void)error;
	snprintf(told_error, sizeof told_error, "%s", text);
}

static const struct sockd_option options[] = {
	{ .name = "to", .type = SOCKD_T_STRING, .help = "Whom to dial." },
	{ .name = "tls", .type = SOCKD_T_TLS, .help = "With what." },
	{ .name = "name", .type = SOCKD_T_STRING, .help = "Its name." },
	{ .name = "sni", .type = SOCKD_T_STRING, .help = "The name that the handshake says." },
	{ .name = "alpn", .type = SOCKD_T_STRING, .help = "The protocol that is agreed on." },
	{ .name = "expect", .type = SOCKD_T_STRING, .help = "A part of the reason." },
	{ .name = "verified", .type = SOCKD_T_BOOL, .fallback = "true", .help = "Whether it is." },
	{ .name = "timeout", .type = SOCKD_T_DURATION, .fallback = "20s", .max = 60000, .help = "How long." },
	{ 0 },
};

SOCKD_EXPORT const struct sockd_plugin sockd_plugin = { SOCKD_PLUGIN_INIT, .name = "dial_tls",
	.version = "1.0", .options = options, .serve = serve, .on_error = on_error };
