/* supervisor/admin_takeover.c: the clients of one admin socket go to another, as they do in an upgrade. */
#include "admin_case.h"
#include "supervisor/admin_client.h"
#include "supervisor/state.h"

/* Leave all to a new server in the place of the old one. */
static void
take_over(void)
{
	struct admin_socket s = { .fd = -1, .group = (gid_t)-1 };
	struct admin *old = admin;
	struct state_writer w;
	struct state_reader r;
	struct err e = { 0 };
	int fd;

	state_begin(&w);
	admin_pack_clients(&w, old);
	ck_assert(!w.body.failed);
	ck_assert_int_eq(fd_memfd("test", w.body.data, w.body.size, &fd), 0);
	ck_assert_int_eq(state_open(fd, true, &r, &e), 0);
	ck_assert_int_eq(admin_adopt_clients(NULL, &r), 0); /* a rehearsal */
	ck_assert(unpack_is_done(&r.u));
	state_reader_fini(&r);
	ck_assert_int_eq(state_open(fd, false, &r, &e), 0);
	ck_assert_int_eq(admin_new(base, &s, &host, &fake, &admin, &e), 0);
	ck_assert_int_eq(admin_adopt_clients(admin, &r), 0);
	ck_assert(unpack_is_done(&r.u));
	admin_free(old);
	if (fake.kept != NULL)
		fake.kept(fake.kept_arg, 0, "{}"); /* to nobody: only its memory */
	fake.kept = NULL;
	fake.keep = false;
	state_reader_fini(&r); /* what was packed went with the old server */
	state_writer_fini(&w);
	close(fd);
}

START_TEST(a_client_goes_on_in_the_middle_of_its_line)
{
	int fd;

	prepare();
	fd = client();
	say(fd, "{\"verb\":\"sta");

	take_over();
	say(fd, "tus\"}\n");
	ck_assert_str_eq(heard(fd), ""); /* nobody is heard before it is decided who goes on */
	admin_go_on(admin, NULL, NULL);
	turn();

	ck_assert_str_eq(heard(fd), "{\"done\":{\"state\":\"serving\"}}\n");
	close(fd);
	finish();
}
END_TEST

START_TEST(who_asked_for_it_is_told_how_it_went)
{
	static const char *const told[] = { "{\"done\":{\"generation\":2}}\n", "{\"error\":\"no\"}\n" };

	for (int failed = 0; failed <= 1; failed++) {
		json_t *done = json_pack("{s:i}", "generation", 2);
		int fd;

		prepare();
		fd = client();
		fake.keep = true;
		say(fd, "{\"verb\":\"upgrade\"}\n{\"verb\":\"status\"}\n");
		ck_assert(admin_is_quiet(admin));

		take_over();
		turn();
		ck_assert_str_eq(heard(fd), "");
		admin_go_on(admin, done, failed ? "no" : NULL);
		turn();

		ck_assert_ptr_eq(strstr(heard(fd), told[failed]), heard(fd));
		json_decref(done);
		close(fd);
		finish();
	}
}
END_TEST

START_TEST(a_reload_that_waits_is_asked_for_again)
{
	int fd;

	prepare();
	fd = client();
	fake.keep = true;
	say(fd, "{\"verb\":\"reload\",\"dry\":true}\n");
	ck_assert_ptr_nonnull(fake.kept);

	take_over();
	admin_go_on(admin, NULL, NULL);
	turn();

	ck_assert_str_eq(heard(fd), "{\"done\":{\"text\":\"all would be new\"}}\n");
	close(fd);
	finish();
}
END_TEST

START_TEST(a_client_that_is_being_answered_is_waited_for_and_then_dropped)
{
	int busy, other;
	char c;

	prepare();
	busy = client();
	other = client();
	fake.keep = true;
	say(busy, "{\"verb\":\"connections\"}\n");
	say(other, "{\"verb\":");
	ck_assert(!admin_is_quiet(admin));

	take_over();
	admin_go_on(admin, NULL, NULL);
	say(other, "\"status\"}\n");

	ck_assert_str_eq(heard(other), "{\"done\":{\"state\":\"serving\"}}\n");
	ck_assert_int_eq(read(busy, &c, 1), 0);
	close(busy);
	close(other);
	finish();
}
END_TEST

START_TEST(a_caller_that_hung_up_costs_nothing)
{
	int fd;

	prepare();
	fd = client();
	fake.keep = true;
	say(fd, "{\"verb\":\"upgrade\"}\n");
	close(fd);
	turn();

	take_over();
	admin_go_on(admin, NULL, "no");
	turn();

	ck_assert_uint_eq(admin->client_count, 0);
	finish();
}
END_TEST

START_TEST(a_state_that_is_cut_short_is_refused)
{
	struct state_writer w;
	struct state_reader r;
	struct err e = { 0 };
	int fd;

	prepare();
	state_begin(&w);
	pack_u32(&w.body, 1);
	ck_assert_int_eq(fd_memfd("test", w.body.data, w.body.size, &fd), 0);
	ck_assert_int_eq(state_open(fd, false, &r, &e), 0);

	ck_assert_int_eq(admin_adopt_clients(admin, &r), -EBADMSG);

	state_reader_fini(&r);
	state_writer_fini(&w);
	close(fd);
	finish();
}
END_TEST

UNIT_TESTS("admin_takeover", a_client_goes_on_in_the_middle_of_its_line, who_asked_for_it_is_told_how_it_went,
	a_reload_that_waits_is_asked_for_again,
	a_client_that_is_being_answered_is_waited_for_and_then_dropped, a_caller_that_hung_up_costs_nothing,
	a_state_that_is_cut_short_is_refused)
