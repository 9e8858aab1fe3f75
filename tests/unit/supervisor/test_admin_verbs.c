/* supervisor/admin_verbs.c and admin_pages.c: what the verbs ask of workers and say to the client. */
#include "admin_case.h"
#include "supervisor/admin_client.h"

START_TEST(rows_come_from_all_pages_of_all_workers)
{
	prepare();

	ck_assert_str_eq(ask("{\"verb\":\"connections\"}\n"),
		"{\"row\":{\"id\":5,\"filler\":\"\",\"generation\":2}}\n"
		"{\"row\":{\"id\":5,\"filler\":\"\",\"generation\":2}}\n"
		"{\"row\":{\"id\":5,\"filler\":\"\",\"generation\":1}}\n{\"done\":{\"count\":3}}\n");
	fake.dead = true; /* one of them ends meanwhile */
	ck_assert_str_eq(ask("{\"verb\":\"connections\"}\n"),
		"{\"row\":{\"id\":5,\"filler\":\"\",\"generation\":1}}\n{\"done\":{\"count\":1}}\n");
	ck_assert_str_eq(ask("{\"verb\":\"plugins\"}\n"), "{\"error\":\"no such question\"}\n");
	finish();
}
END_TEST

START_TEST(listeners_are_added_up_over_workers)
{
	prepare();

	ck_assert_str_eq(ask("{\"verb\":\"listeners\"}\n"),
		"{\"row\":{\"name\":\"echo\",\"addresses\":[\"tcp://"
		"127.0.0.1:7\"],\"open\":7,\"limit\":9,\"plugin\":"
		"\"new\"}}\n"
		"{\"row\":{\"name\":\"gone\",\"open\":1}}\n{\"done\":{}}\n");
	finish();
}
END_TEST

START_TEST(kill_by_number_asks_which_is_meant)
{
	prepare();

	ck_assert_ptr_nonnull(
		strstr(ask("{\"verb\":\"kill\",\"id\":5}\n"), "several workers have a connection 5"));
	ck_assert_ptr_nonnull(
		strstr(ask("{\"verb\":\"kill\",\"id\":5,\"generation\":1}\n"), "{\"done\":{\"count\":1}}"));
	ck_assert_str_eq(fake.request,
		"1 {\"ask\":\"kill\",\"argument\":{\"listener\":\"\",\"peer\":\"\",\"older_than_ms\":"
		"0,\"idle_for_ms\":0,\"id\":5}}");
	ck_assert_ptr_nonnull(strstr(ask("{\"verb\":\"kill\",\"all\":true}\n"), "{\"done\":{\"count\":3}}"));
	ck_assert_ptr_nonnull(
		strstr(ask("{\"verb\":\"kill\",\"id\":5,\"generation\":9}\n"), "\"done\"")); /* fake: any */
	finish();
}
END_TEST

START_TEST(a_verdict_is_passed_on_in_full)
{
	prepare();

	ck_assert_str_eq(ask("{\"verb\":\"reload\"}\n"), "{\"done\":{\"text\":\"all is new\"}}\n");
	ck_assert_str_eq(
		ask("{\"verb\":\"reload\",\"dry\":true}\n"), "{\"done\":{\"text\":\"all would be new\"}}\n");
	fake.dead = true;
	ck_assert_str_eq(ask("{\"verb\":\"upgrade\"}\n"),
		"{\"error\":\"a.yaml:1:2: error: bad\\na.yaml:3:4: error: worse\\n\"}\n");
	finish();
}
END_TEST

/* Worker 2 of the host is of a version that does not know the question. */
START_TEST(metrics_of_plugins_follow_our_own)
{
	prepare();

	ck_assert_str_eq(ask("{\"verb\":\"metrics\"}\n"),
		"{\"done\":{\"text\":\"sockd_x 1\\n"
		"# HELP sockd_plugin_n_total H\\n# TYPE sockd_plugin_n_total counter\\n"
		"sockd_plugin_n_total{plugin=\\\"p\\\",listener=\\\"l\\\"} 3\\n\"}}\n");
	finish();
}
END_TEST

START_TEST(orders_to_a_listener_go_to_the_youngest_worker)
{
	prepare();

	ck_assert_str_eq(ask("{\"verb\":\"pause\",\"listener\":\"echo\"}\n"), "{\"done\":{}}\n");
	ck_assert_str_eq(fake.request, "2 {\"ask\":\"pause\",\"argument\":\"echo\"}");
	ck_assert_int_eq(fake.held, SNAPSHOT_PAUSED);
	ask("{\"verb\":\"resume\",\"listener\":\"echo\"}\n");
	ck_assert_str_eq(fake.request, "2 {\"ask\":\"resume\",\"argument\":\"echo\"}");
	ck_assert_int_eq(fake.held, SNAPSHOT_SERVES);
	ask("{\"verb\":\"drain\",\"listener\":\"echo\"}\n");
	ck_assert_str_eq(fake.request, "2 {\"ask\":\"drain\",\"argument\":\"echo\"}");
	ck_assert_int_eq(fake.held, SNAPSHOT_REFUSES);
	fake.unknown = true;
	ck_assert_str_eq(
		ask("{\"verb\":\"pause\",\"listener\":\"echo\"}\n"), "{\"error\":\"no such question\"}\n");
	ck_assert_int_eq(fake.held, SNAPSHOT_REFUSES);
	ck_assert_str_eq(
		ask("{\"verb\":\"pause\"}\n"), "{\"error\":\"the name of a listener is missing\"}\n");
	ck_assert_str_eq(fake.orders, "");
	ck_assert_ptr_nonnull(
		strstr(ask("{\"verb\":\"pause\",\"listener\":7}\n"), "'listener' has to be a string"));
	finish();
}
END_TEST

START_TEST(a_second_drain_only_waits)
{
	int fd;

	prepare();
	fd = client();
	ck_assert_str_eq(ask("{\"verb\":\"drain\"}\n"), "{\"done\":{\"open\":3,\"left_ms\":18000}}\n");
	say(fd, "{\"verb\":\"drain\",\"wait\":true}\n");
	ck_assert_str_eq(fake.orders, "0");
	ck_assert_str_eq(heard(fd), "");

	event_base_loop(base, EVLOOP_ONCE); /* a second of it */
	turn();
	ck_assert_str_eq(heard(fd), "{\"progress\":{\"open\":3,\"at_start\":7,\"left_ms\":18000}}\n");
	admin_over(admin, 6, 1);
	ck_assert_str_eq(heard(fd), "{\"done\":{\"drained\":6,\"forced\":1}}\n");
	close(fd);
	finish();
}
END_TEST

static void
let_ten_seconds_pass(void)
{
	for (int i = 0; i < 10; i++) {
		event_active(admin->tick, EV_TIMEOUT, 0);
		turn();
	}
}

START_TEST(who_waits_for_a_reload_is_told_that_it_goes_on)
{
	int fd;

	prepare();
	fake.keep = true;
	fd = client();
	say(fd, "{\"verb\":\"reload\"}\n");

	fake.steps = 3;
	let_ten_seconds_pass();
	ck_assert_str_eq(heard(fd), "{\"step\":3}\n");
	let_ten_seconds_pass();
	ck_assert_str_eq(heard(fd), ""); /* a plugin holds it up, say */
	fake.steps = 4;
	let_ten_seconds_pass();
	ck_assert_str_eq(heard(fd), "{\"step\":4}\n");

	fake.kept(fake.kept_arg, 0, "{}");
	turn();
	ck_assert_str_eq(heard(fd), "{\"done\":{}}\n");
	fake.steps = 5;
	let_ten_seconds_pass();
	ck_assert_str_eq(heard(fd), "");
	close(fd);
	finish();
}
END_TEST

UNIT_TESTS("admin_verbs", rows_come_from_all_pages_of_all_workers, listeners_are_added_up_over_workers,
	kill_by_number_asks_which_is_meant, a_verdict_is_passed_on_in_full, metrics_of_plugins_follow_our_own,
	orders_to_a_listener_go_to_the_youngest_worker, a_second_drain_only_waits,
	who_waits_for_a_reload_is_told_that_it_goes_on)
