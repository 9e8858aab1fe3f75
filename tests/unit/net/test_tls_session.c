#include "net/tls_session.h"

#include <stdio.h>
#include <string.h>

#include "sockd/types.h"
#include "tls_memory.h"
#include "unit.h"

#define CERT "certificates: [{cert: a.crt, key: a.key}]"

struct pair {
	struct tls_memory_pipe up, down;
	struct tls_memory_end client_end, server_end;
	struct tls_context *client_context, *server_context;
	struct tls_session *client, *server;
	struct cfg_report report;
};

static struct pair *
pair_new(const char *client, const char *server, const char *name)
{
	struct pair *p = calloc(1, sizeof *p);

	ck_assert_ptr_nonnull(p);
	p->client_end = (struct tls_memory_end){ .in = &p->down, .out = &p->up };
	p->server_end = (struct tls_memory_end){ .in = &p->up, .out = &p->down };
	p->client_context = tls_memory_context(TLS_CLIENT, client, 0, true, &p->report);
	p->server_context = tls_memory_context(TLS_SERVER, server, 0, true, &p->report);
	ck_assert_ptr_nonnull(p->client_context);
	ck_assert_ptr_nonnull(p->server_context);
	ck_assert_int_eq(
		tls_session_new(p->client_context, &tls_memory_io, &p->client_end, name, &p->client), 0);
	ck_assert_int_eq(
		tls_session_new(p->server_context, &tls_memory_io, &p->server_end, NULL, &p->server), 0);
	return p;
}

static void
pair_free(struct pair *p)
{
	tls_session_free(p->client);
	tls_session_free(p->server);
	tls_context_unref(p->client_context);
	tls_context_unref(p->server_context);
	cfg_report_fini(&p->report);
	free(p);
}

/* Until neither gets on. */
static void
shake(struct pair *p, int *ret_client, int *ret_server)
{
	*ret_client = *ret_server = -EAGAIN;
	for (int i = 0; i < 10; i++) {
		if (*ret_client == -EAGAIN)
			*ret_client = tls_session_handshake(p->client);
		if (*ret_server == -EAGAIN)
			*ret_server = tls_session_handshake(p->server);
	}
}

static void
expect_shaken(struct pair *p)
{
	int client, server;

	shake(p, &client, &server);
	ck_assert_msg(client == 1 && server == 1, "%d %d %s %s", client, server,
		tls_session_failure(p->client) != NULL ? tls_session_failure(p->client) : "",
		tls_session_failure(p->server) != NULL ? tls_session_failure(p->server) : "");
}

START_TEST(a_client_that_trusts_the_certificate_talks_to_us)
{
	struct pair *p = pair_new("server: {ca: a.crt}, alpn: [b, a]", CERT ", alpn: [a, b]", "localhost");
	const struct sockd_tls_info *info;
	char buf[64];

	expect_shaken(p);
	ck_assert_int_eq(tls_session_write(p->client, "hello", 5, 16384), 0);
	ck_assert_int_eq(tls_session_read(p->server, buf, sizeof buf), 5);
	ck_assert_mem_eq(buf, "hello", 5);
	ck_assert(!tls_session_has_pending(p->server));
	ck_assert_int_eq(tls_session_read(p->server, buf, sizeof buf), -EAGAIN);
	info = tls_session_info(p->server);
	ck_assert_str_eq(info->version, "TLSv1.3");
	ck_assert_str_eq(info->alpn, "a"); /* the server's order */
	ck_assert_str_eq(info->sni, "localhost");
	info = tls_session_info(p->client);
	ck_assert_str_eq(info->subject, "CN=localhost");
	ck_assert_str_eq(info->sans[0], "dns:localhost");
	ck_assert_str_eq(info->sans[1], "ip:127.0.0.1");
	ck_assert(info->verified && !info->resumed);
	pair_free(p);
}
END_TEST

START_TEST(a_client_refuses_another_name_and_an_unknown_authority)
{
	static const struct {
		const char *settings, *name, *says;
		bool taken;
	} rows[] = {
		{ "server: {ca: a.crt}", "localhost", NULL, true },
		{ "server: {ca: a.crt}", "127.0.0.1", NULL, true },
		{ "server: {ca: a.crt}", "example.org", "hostname mismatch", false },
		{ "server: {ca: a.crt}", "127.0.0.2", "IP address mismatch", false },
		{ "server: {verify: none}", "example.org", NULL, true },
	};

	for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
		struct pair *p = pair_new(rows[i].settings, CERT, rows[i].name);
		int client, server;

		shake(p, &client, &server);
		ck_assert_int_eq(client, rows[i].taken ? 1 : -EPROTO);
		if (!rows[i].taken)
			ck_assert_msg(strcasestr(tls_session_failure(p->client), rows[i].says) != NULL, "%s",
				tls_session_failure(p->client));
		pair_free(p);
	}
}
END_TEST

/* Another connection of the same two contexts. @return whether it came back without a full handshake */
static bool
comes_back(struct pair *p, const char *peer, const char *name)
{
	char byte;
	bool resumed;

	tls_session_free(p->client);
	tls_session_free(p->server);
	memset(&p->up, 0, sizeof p->up);
	memset(&p->down, 0, sizeof p->down);
	ck_assert_int_eq(
		tls_session_new(p->client_context, &tls_memory_io, &p->client_end, name, &p->client), 0);
	ck_assert_int_eq(
		tls_session_new(p->server_context, &tls_memory_io, &p->server_end, NULL, &p->server), 0);
	ck_assert_int_eq(tls_session_resume(p->client, peer, name), 0);
	expect_shaken(p);
	ck_assert_int_eq(tls_session_read(p->client, &byte, 1), -EAGAIN); /* it takes the tickets */
	resumed = tls_session_info(p->client)->resumed;
	ck_assert_int_eq(resumed, tls_session_info(p->server)->resumed);
	return resumed;
}

START_TEST(a_client_comes_back_to_the_same_peer_and_name_only)
{
	static const char *const versions[] = { "", ", max_version: 1.2" };

	for (size_t i = 0; i < array_len(versions); i++) {
		char client[64];
		struct pair *p;

		snprintf(client, sizeof client, "server: {ca: a.crt}%s", versions[i]);
		p = pair_new(client, CERT, "localhost");

		ck_assert(!comes_back(p, "here:1", "localhost"));
		ck_assert(comes_back(p, "here:1", "localhost"));
		ck_assert(comes_back(p, "here:1", "localhost"));
		ck_assert(!comes_back(p, "there:1", "localhost"));
		ck_assert(!comes_back(p, "here:1", "127.0.0.1"));
		pair_free(p);
	}
}
END_TEST

START_TEST(a_client_without_tickets_does_not_come_back)
{
	struct pair *p = pair_new("server: {ca: a.crt}, session_tickets: false", CERT, "localhost");

	ck_assert(!comes_back(p, "here:1", "localhost"));
	ck_assert(!comes_back(p, "here:1", "localhost"));
	pair_free(p);
}
END_TEST

START_TEST(an_end_is_told_from_a_truncation)
{
	struct pair *p = pair_new("server: {ca: a.crt}", CERT, "localhost");
	char buf[8];

	expect_shaken(p);
	ck_assert_int_eq(tls_session_write(p->client, "a", 1, 16384), 0);
	ck_assert_int_eq(tls_session_end(p->client), 0);
	p->up.fin = true;
	ck_assert_int_eq(tls_session_read(p->server, buf, sizeof buf), 1);
	ck_assert_int_eq(tls_session_read(p->server, buf, sizeof buf), 0);
	ck_assert_int_eq(tls_session_write(p->server, "b", 1, 16384), 0);
	ck_assert_int_eq(tls_session_end(p->server), 0);
	ck_assert_int_eq(tls_session_read(p->client, buf, sizeof buf), 1);
	ck_assert_int_eq(tls_session_read(p->client, buf, sizeof buf), 0);
	pair_free(p);

	p = pair_new("server: {ca: a.crt}", CERT, "localhost");
	expect_shaken(p);
	ck_assert_int_eq(tls_session_write(p->client, "a", 1, 16384), 0);
	p->up.fin = true;
	ck_assert_int_eq(tls_session_read(p->server, buf, sizeof buf), 1);
	ck_assert_int_eq(tls_session_read(p->server, buf, sizeof buf), -EPIPE);
	ck_assert_int_eq(tls_session_write(p->server, "b", 1, 16384), 0); /* we may still answer */
	ck_assert_int_eq(tls_session_read(p->client, buf, sizeof buf), 1);
	pair_free(p);
}
END_TEST

START_TEST(records_are_as_long_as_they_are_asked_to_be)
{
	struct pair *p = pair_new("server: {ca: a.crt}", CERT, "localhost");
	static char text[5000], back[sizeof text];
	size_t got = 0, before;

	expect_shaken(p);
	before = p->up.to;
	memset(text, 'x', sizeof text);
	ck_assert_int_eq(tls_session_write(p->client, text, sizeof text, 1000), 0);
	ck_assert_uint_eq(p->up.to - before, 5 * (1000 + 22)); /* TLS 1.3 adds 22 bytes to each */
	while (got < sizeof back) {
		ssize_t n = tls_session_read(p->server, back + got, sizeof back - got);

		ck_assert_int_gt(n, 0);
		got += (size_t)n;
	}
	ck_assert_mem_eq(back, text, sizeof text);
	pair_free(p);
}
END_TEST

START_TEST(a_piece_of_a_record_is_nothing_to_go_on_with)
{
	struct pair *p = pair_new("server: {ca: a.crt}", CERT, "localhost");
	char buf[64];
	size_t whole;

	expect_shaken(p);
	while (tls_session_read(p->client, buf, sizeof buf) > 0)
		; /* tickets */
	ck_assert_int_eq(tls_session_write(p->client, "hello", 5, 16384), 0);
	whole = p->up.to;
	p->up.to -= 3;

	ck_assert_int_eq(tls_session_read(p->server, buf, sizeof buf), -EAGAIN);
	ck_assert(!tls_session_has_pending(p->server));

	memmove(p->up.bytes, p->up.bytes + whole - 3, 3);
	p->up.from = 0;
	p->up.to = 3;
	ck_assert_int_eq(tls_session_read(p->server, buf, sizeof buf), 5);
	pair_free(p);
}
END_TEST

START_TEST(dates_are_judged_by_the_time_that_is_given)
{
	static const struct {
		int64_t now_s;
		bool matter, taken;
		const char *says;
	} rows[] = {
		{ 1000000000, true, false, "is not valid yet, only from" },
		{ 1000000000, false, true, "is not valid yet, only from" },
		{ 9000000000, true, false, "has expired: it was valid until" },
		{ 9000000000, false, true, "has expired: it was valid until" },
		{ 1798761600, true, true, NULL },
	};

	for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
		struct cfg_report report = { 0 };
		struct tls_context *c =
			tls_memory_context(TLS_SERVER, CERT, rows[i].now_s, rows[i].matter, &report);
		bool told = false;

		ck_assert_int_eq(c != NULL, rows[i].taken);
		for (size_t k = 0; k < report.count && rows[i].says != NULL; k++)
			told |= strstr(report.findings[k].text, rows[i].says) != NULL;
		ck_assert_msg(told == (rows[i].says != NULL), "row %zu", i);
		tls_context_unref(c);
		cfg_report_fini(&report);
	}
}
END_TEST

UNIT_TESTS("tls_session", a_client_that_trusts_the_certificate_talks_to_us,
	a_client_refuses_another_name_and_an_unknown_authority, an_end_is_told_from_a_truncation,
	records_are_as_long_as_they_are_asked_to_be, a_piece_of_a_record_is_nothing_to_go_on_with,
	dates_are_judged_by_the_time_that_is_given, a_client_comes_back_to_the_same_peer_and_name_only,
	a_client_without_tickets_does_not_come_back)
