/* supervisor/admin.c and admin_call.c: clients that behave well, or badly. */
#include <grp.h>
#include <sys/wait.h>

#include "admin_case.h"

START_TEST(requests_are_answered_in_their_order)
{
	int fd;

	prepare();
	fd = client();

	say(fd, "{\"verb\":\"status\"}\n{\"verb\":\"log-level\"}\n");
	ck_assert_str_eq(heard(fd), "{\"done\":{\"state\":\"serving\"}}\n{\"done\":{\"level\":\"info\"}}\n");
	say(fd, "{\"verb\":\"sta");
	ck_assert_str_eq(heard(fd), "");
	say(fd, "tus\"}\n");
	ck_assert_str_eq(heard(fd), "{\"done\":{\"state\":\"serving\"}}\n");
	close(fd);
	finish();
}
END_TEST

START_TEST(who_has_said_all_is_still_answered)
{
	int fd;
	char c;

	prepare();
	fd = client();
	ck_assert_int_eq(write(fd, "{\"verb\":\"status\"}\n", 18), 18);
	ck_assert_int_eq(shutdown(fd, SHUT_WR), 0);

	turn();

	ck_assert_str_eq(heard(fd), "{\"done\":{\"state\":\"serving\"}}\n");
	ck_assert_int_eq(read(fd, &c, 1), 0); /* and then it is over */
	close(fd);
	finish();
}
END_TEST

START_TEST(what_is_no_request_is_told)
{
	static const char *const rows[][2] = {
		{ "hello\n", "{\"error\":\"not a JSON object: " },
		{ "\n", "{\"error\":\"not a JSON object: " },
		{ "{}\n", "{\"error\":\"a request is an object with a member \\\"verb\\\"\"}" },
		{ "[1]\n", "{\"error\":\"a request is an object with a member" },
		{ "{\"verb\":7}\n", "{\"error\":\"a request is an object with a member" },
		{ "{\"verb\":\"dance\"}\n", "{\"error\":\"this sockd does not know the verb 'dance'\"}" },
		{ "{\"verb\":\"status\",\"verb\":\"stop\"}\n", "{\"error\":\"not a JSON object: duplicate" },
		{ "{\"verb\":\"drain\",\"wait\":\"yes\"}\n", "'wait' has to be true or false" },
		{ "{\"verb\":\"kill\",\"id\":\"1\"}\n", "'id' has to be a whole number" },
		{ "{\"verb\":\"kill\",\"id\":-1}\n", "'id' has to be a whole number" },
		{ "{\"verb\":\"connections\",\"peer\":1}\n", "'peer' has to be a string" },
		{ "{\"verb\":\"kill\"}\n", "kill needs an id, a filter" },
		{ "{\"verb\":\"log-level\",\"level\":\"loud\"}\n", "there is no level 'loud'; write error" },
	};

	prepare();
	for (size_t i = 0; i < array_len(rows); i++) {
		const char *text = ask(rows[i][0]);

		ck_assert_msg(strstr(text, rows[i][1]) != NULL, "%s: %s", rows[i][0], text);
		ck_assert_uint_eq(strlen(text), strcspn(text, "\n") + 1);
	}
	ck_assert_str_eq(fake.orders, "");
	finish();
}
END_TEST

START_TEST(a_line_without_end_is_cut_off)
{
	char line[ADMIN_LINE_MAX + 1];
	int fd;
	char c;

	prepare();
	fd = client();
	memset(line, ' ', sizeof line);
	ck_assert_int_eq(write(fd, line, sizeof line), sizeof line);

	turn();

	ck_assert_str_eq(heard(fd), "{\"error\":\"the request is too long\"}\n");
	ck_assert_int_le(read(fd, &c, 1), 0);
	ck_assert_int_ne(errno, EAGAIN);
	close(fd);
	finish();
}
END_TEST

START_TEST(so_many_clients_and_no_more)
{
	int fds[ADMIN_CLIENTS_MAX], late;

	prepare();
	for (size_t i = 0; i < array_len(fds); i++) {
		fds[i] = client();
		turn();
	}
	late = client();
	for (int i = 0; i < ADMIN_CLIENTS_MAX; i++)
		turn();
	ck_assert_ptr_nonnull(strstr(heard(late), "too many clients"));
	close(late);
	close(fds[0]);
	turn();

	ck_assert_str_eq(ask("{\"verb\":\"status\"}\n"), "{\"done\":{\"state\":\"serving\"}}\n");

	for (size_t i = 1; i < array_len(fds); i++)
		close(fds[i]);
	finish();
}
END_TEST

START_TEST(who_takes_nothing_is_given_no_more_than_a_bound)
{
	unsigned asked;
	int fd;

	prepare();
	fake.endless = true;
	fd = client();
	say(fd, "{\"verb\":\"connections\"}\n");
	for (int i = 0; i < 50; i++)
		turn();

	asked = fake.asked;
	turn();
	ck_assert_uint_eq(fake.asked, asked); /* it stopped asking */
	ck_assert_uint_lt(asked * PAGE_ROWS * BIG_ROW, 4 * ADMIN_OUTPUT_MAX);
	for (int i = 0; i < 10; i++) { /* and goes on with a client that reads */
		heard(fd);
		turn();
	}
	ck_assert_uint_gt(fake.asked, asked);
	close(fd);
	for (int i = 0; i < 10; i++)
		turn();
	asked = fake.asked;
	turn();
	ck_assert_uint_eq(fake.asked, asked); /* nobody is there to hear the rest */
	finish();
}
END_TEST

START_TEST(an_answer_may_come_after_its_client)
{
	int fd;

	prepare();
	fake.keep = true;
	fd = client();
	say(fd, "{\"verb\":\"plugins\"}\n");
	ck_assert_str_eq(heard(fd), "");
	close(fd);
	turn();
	ck_assert_str_eq(ask("{\"verb\":\"status\"}\n"), "{\"done\":{\"state\":\"serving\"}}\n");

	for (int worker = 2; worker > 0; worker--) {
		ck_assert_int_eq(fake.request[0], '0' + worker);
		fake.kept(fake.kept_arg, 0, "{\"rows\":[]}");
		turn();
	}
	fd = client();
	say(fd, "{\"verb\":\"connections\"}\n");
	finish(); /* and even after the server */
	fake.kept(fake.kept_arg, 0, "{\"rows\":[],\"next\":{\"loop\":1,\"slot\":0}}");
	ck_assert_uint_eq(fake.asked, 3);
	close(fd);
}
END_TEST

START_TEST(the_last_answers_are_sent_without_the_base)
{
	int fd;

	prepare();
	fd = client();
	ck_assert_int_eq(write(fd, "{\"verb\":\"stop\"}\n", 16), 16);
	event_base_loop(base, EVLOOP_NONBLOCK); /* accepted */
	while (fake.orders[0] == '\0')
		event_base_loop(base, EVLOOP_ONCE | EVLOOP_NONBLOCK);

	admin_over(admin, 0, 0);

	ck_assert_ptr_nonnull(strstr(heard(fd), "{\"done\":{\"open\":3,"));
	close(fd);
	finish();
}
END_TEST

START_TEST(strangers_are_turned_away)
{
	char text[512] = "";
	int pipes[2], status;
	pid_t child;

	if (geteuid() != 0)
		return; /* only root can be somebody else */
	prepare();
	ck_assert_int_eq(pipe(pipes), 0);
	child = fork();
	if (child == 0) {
		int fd = socket(AF_UNIX, SOCK_STREAM, 0);
		ssize_t n;

		if (setgroups(0, NULL) < 0 || setgid(65534) < 0 || setuid(65534) < 0 ||
			connect(fd, (struct sockaddr *)&where, where_size) < 0)
			_exit(1);
		n = read(fd, text, sizeof text - 1);
		_exit(n > 0 && write(pipes[1], text, (size_t)n) == n ? 0 : 1);
	}
	while (waitpid(child, &status, WNOHANG) == 0)
		event_base_loop(base, EVLOOP_NONBLOCK);

	ck_assert_int_eq(status, 0);
	ck_assert_int_gt(read(pipes[0], text, sizeof text - 1), 0);
	ck_assert_ptr_nonnull(strstr(text, "{\"error\":\"permission denied: only root"));
	close(pipes[0]);
	close(pipes[1]);
	finish();
}
END_TEST

UNIT_TESTS("admin", requests_are_answered_in_their_order, who_has_said_all_is_still_answered,
	what_is_no_request_is_told, a_line_without_end_is_cut_off, so_many_clients_and_no_more,
	who_takes_nothing_is_given_no_more_than_a_bound, an_answer_may_come_after_its_client,
	the_last_answers_are_sent_without_the_base, strangers_are_turned_away)
