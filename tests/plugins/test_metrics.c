/* plugins/metrics on fakes: what it makes of requests. Nobody can be dialled, so the daemon never
 * answers; tests/system/test_metrics_plugin.py has one. */
#include "plugin_case.h"

enum { ANSWER_SIZE = 4096 };

struct answer {
	char text[ANSWER_SIZE];
};

/* What one connection answers to all that is sent on it. */
static struct answer
asked_bytes(const char *request, size_t size)
{
	struct sockd_fake *f = started(SOCKD_TCP);
	struct answer a;
	ssize_t n;
	size_t all = 0;

	ck_assert_int_eq(sockd_fake_feed(f, request, size), 0);
	sockd_fake_end(f);
	sockd_fake_turn(f);
	while ((n = sockd_fake_take(f, a.text + all, sizeof a.text - 1 - all)) > 0)
		all += (size_t)n;
	a.text[all] = '\0';
	sockd_fake_free(f);
	return a;
}

static struct answer
asked(const char *request)
{
	return asked_bytes(request, strlen(request));
}

static const char *
body_of(const struct answer *a)
{
	const char *end = strstr(a->text, "\r\n\r\n");

	ck_assert_ptr_nonnull(end);
	return end + 4;
}

static void
gives(const char *request, const char *status)
{
	struct answer a = asked(request);

	ck_assert_msg(
		strncmp(a.text, "HTTP/1.1 ", 9) == 0 && strncmp(a.text + 9, status, strlen(status)) == 0,
		"%s gives %s", request, a.text);
}

static unsigned
count(const char *text, const char *word)
{
	unsigned n = 0;

	for (; (text = strstr(text, word)) != NULL; text++)
		n++;
	return n;
}

START_TEST(a_path_that_is_not_there_is_404_and_names_those_that_are)
{
	struct answer a = asked("GET /nothing HTTP/1.1\r\nHost: x\r\n\r\n");

	ck_assert_ptr_nonnull(strstr(a.text, "HTTP/1.1 404 Not Found\r\n"));
	ck_assert_ptr_nonnull(strstr(a.text, "\r\nContent-Type: text/plain; charset=utf-8\r\n"));
	ck_assert_ptr_nonnull(strstr(body_of(&a), "/metrics"));
	gives("GET / HTTP/1.1\r\nHost: x\r\n\r\n", "404");
	gives("GET /metrics/ HTTP/1.1\r\nHost: x\r\n\r\n", "404");
}
END_TEST

START_TEST(head_has_the_length_and_no_body)
{
	struct answer get = asked("GET /x HTTP/1.1\r\nHost: x\r\n\r\n"),
		      head = asked("HEAD /x HTTP/1.1\r\nHost: x\r\n\r\n");
	char length[64];

	snprintf(length, sizeof length, "\r\nContent-Length: %zu\r\n", strlen(body_of(&get)));
	ck_assert_ptr_nonnull(strstr(get.text, length));
	ck_assert_ptr_nonnull(strstr(head.text, length));
	ck_assert_uint_gt(strlen(body_of(&get)), 0);
	ck_assert_str_eq(body_of(&head), "");
}
END_TEST

START_TEST(other_methods_are_405_with_those_that_are_allowed)
{
	struct answer a = asked("DELETE /metrics HTTP/1.1\r\nHost: x\r\n\r\n");

	ck_assert_ptr_nonnull(strstr(a.text, "HTTP/1.1 405 Method Not Allowed\r\n"));
	ck_assert_ptr_nonnull(strstr(a.text, "\r\nAllow: GET, HEAD\r\n"));
}
END_TEST

START_TEST(without_an_answer_of_the_daemon_it_is_503)
{
	gives("GET /metrics HTTP/1.1\r\nHost: x\r\n\r\n", "503 Service Unavailable\r\n");
	gives("GET /livez HTTP/1.1\r\nHost: x\r\n\r\n", "503");
	gives("GET http://sockd.example:9477/readyz?verbose HTTP/1.1\r\nHost: x\r\n\r\n", "503");
}
END_TEST

START_TEST(what_is_no_request_is_400_and_ends_the_connection)
{
	static const char *const texts[] = {
		"hello\r\n\r\n",
		"GET /x\r\n\r\n",
		"GET  HTTP/1.1\r\nHost: x\r\n\r\n",
		"GET x HTTP/1.1\r\nHost: x\r\n\r\n",
		"GET /x HTTP/1.1 \r\nHost: x\r\n\r\n",
		"GET /x http/1.1\r\nHost: x\r\n\r\n",
		"G(T /x HTTP/1.1\r\nHost: x\r\n\r\n",
		"GET /x HTTP/1.1\r\n\r\n",
		"GET /x HTTP/1.1\r\nHost: x\r\nHost: y\r\n\r\n",
		"GET /x HTTP/1.1\r\nHost : x\r\n\r\n",
		"GET /x HTTP/1.1\r\nHost: x\r\n folded\r\n\r\n",
		"GET /x HTTP/1.1\r\nHost: x\r\n: y\r\n\r\n",
		"GET /x HTTP/1.1\r\nHost: x\r\nnothing\r\n\r\n",
		"GET /x HTTP/1.1\r\nHost: x\r\nContent-Length: -1\r\n\r\n",
		"GET /x HTTP/1.1\r\nHost: x\r\nContent-Length: \r\n\r\n",
	};

	for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++) {
		struct answer a;

		gives(texts[i], "400 Bad Request\r\n");
		a = asked(texts[i]);
		ck_assert_ptr_nonnull(strstr(a.text, "\r\nConnection: close\r\n"));
		ck_assert_uint_eq(count(a.text, "HTTP/1.1 "), 1);
	}
	gives("GET /x HTTP/2.0\r\n\r\n", "505");
}
END_TEST

START_TEST(a_nul_within_a_header_is_400)
{
	static const char request[] = "GET /x HTTP/1.1\r\nHost: x\r\nA: b\0c\r\n\r\n";
	struct answer a = asked_bytes(request, sizeof request - 1);

	ck_assert_ptr_nonnull(strstr(a.text, "HTTP/1.1 400 "));
}
END_TEST

START_TEST(a_body_is_413_and_an_empty_one_is_none)
{
	gives("POST /metrics HTTP/1.1\r\nHost: x\r\nContent-Length: 3\r\n\r\nabc", "413");
	gives("POST /metrics HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n", "413");
	gives("GET /x HTTP/1.1\r\nHost: x\r\nContent-Length: 00\r\n\r\n", "404");
}
END_TEST

static char long_text[32 * 1024];

START_TEST(what_is_too_long_is_refused)
{
	size_t n;

	memset(long_text, 'x', sizeof long_text - 1);
	memcpy(long_text, "GET /", 5);
	gives(long_text, "414");

	n = (size_t)snprintf(long_text, sizeof long_text, "GET /x HTTP/1.1\r\nHost: x\r\nA: ");
	memset(long_text + n, 'x', sizeof long_text - 1 - n);
	gives(long_text, "431");

	n = (size_t)snprintf(long_text, sizeof long_text, "GET /x HTTP/1.1\r\nHost: x\r\n");
	for (int i = 0; i < 101; i++)
		n += (size_t)snprintf(long_text + n, sizeof long_text - n, "A: b\r\n");
	snprintf(long_text + n, sizeof long_text - n, "\r\n");
	gives(long_text, "431");

	n = (size_t)snprintf(long_text, sizeof long_text, "GET /x HTTP/1.1\r\nHost: x\r\n");
	for (int i = 0; i < 20; i++)
		n += (size_t)snprintf(long_text + n, sizeof long_text - n, "A: %01000d\r\n", 0);
	snprintf(long_text + n, sizeof long_text - n, "\r\n");
	gives(long_text, "431");
}
END_TEST

START_TEST(requests_follow_each_other_until_one_says_close)
{
	struct answer a = asked("GET /x HTTP/1.1\r\nHost: x\r\n\r\nHEAD /x HTTP/1.1\nhost: x\n\n"
				"\r\nGET /x HTTP/1.1\r\nHost: x\r\nConnection: foo, Close\r\n\r\n"
				"GET /x HTTP/1.1\r\nHost: x\r\n\r\n");

	ck_assert_uint_eq(count(a.text, "HTTP/1.1 404 "), 3);
	ck_assert_uint_eq(count(a.text, "\r\nConnection: close\r\n"), 1);
}
END_TEST

START_TEST(http_1_0_is_one_request_unless_it_asks_for_more)
{
	struct answer one = asked("GET /x HTTP/1.0\r\n\r\nGET /x HTTP/1.0\r\n\r\n");
	struct answer two = asked("GET /x HTTP/1.0\r\nConnection: keep-alive\r\n\r\nGET /x HTTP/1.0\r\n\r\n");

	ck_assert_uint_eq(count(one.text, "HTTP/1.1 404 "), 1);
	ck_assert_uint_eq(count(two.text, "HTTP/1.1 404 "), 2);
	ck_assert_uint_eq(count(two.text, "\r\nConnection: keep-alive\r\n"), 1);
}
END_TEST

START_TEST(half_a_request_is_no_request)
{
	ck_assert_str_eq(asked("GET /x HTTP/1.1\r\nHost: x\r\n").text, "");
	ck_assert_str_eq(asked("GET /x HT").text, "");
	ck_assert_str_eq(asked("").text, "");
}
END_TEST

START_TEST(the_admin_socket_is_a_unix_one)
{
	struct sockd_fake *f = sockd_fake_new(&sockd_plugin, SOCKD_TCP);

	ck_assert_int_eq(sockd_fake_set(f, "admin", "tcp://127.0.0.1:1"), 0);
	ck_assert_int_eq(sockd_fake_start(f), -1);
	ck_assert_str_eq(sockd_fake_error(f), "admin: the admin socket is a unix:// one");
	sockd_fake_free(f);
}
END_TEST

START_TEST(requests_and_failures_are_counted)
{
	struct sockd_fake *f = started(SOCKD_TCP);

	feed(f, "GET /livez HTTP/1.1\r\nHost: x\r\n\r\nGET /x HTTP/1.1\r\nHost: x\r\n\r\n");
	sockd_fake_end(f);
	sockd_fake_turn(f);

	ck_assert_int_eq(sockd_fake_metric(f, "metrics_requests"), 2);
	ck_assert_int_eq(sockd_fake_metric(f, "metrics_failures"), 1);
	ck_assert_ptr_nonnull(strstr(sockd_fake_log(f), "metrics_no_answer"));
	sockd_fake_free(f);
}
END_TEST

UNIT_TESTS("metrics", a_path_that_is_not_there_is_404_and_names_those_that_are,
	head_has_the_length_and_no_body, other_methods_are_405_with_those_that_are_allowed,
	without_an_answer_of_the_daemon_it_is_503, what_is_no_request_is_400_and_ends_the_connection,
	a_nul_within_a_header_is_400, a_body_is_413_and_an_empty_one_is_none, what_is_too_long_is_refused,
	requests_follow_each_other_until_one_says_close, http_1_0_is_one_request_unless_it_asks_for_more,
	half_a_request_is_no_request, the_admin_socket_is_a_unix_one, requests_and_failures_are_counted)
