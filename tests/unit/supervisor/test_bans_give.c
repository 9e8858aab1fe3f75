/* supervisor/bans_give.c */
#include "supervisor/bans_give.h"

#include <errno.h>
#include <jansson.h>
#include <string.h>

#include "../base/log_test.h"

static struct {
	char request[512];
	supervisor_reply_fn *reply;
	void *worker, *arg;
} asked;

static void
on_ask(void *worker, const char *request, supervisor_reply_fn *reply, void *arg)
{
	ck_assert_uint_lt(strlen(request), sizeof asked.request);
	strcpy(asked.request, request);
	asked.worker = worker;
	asked.reply = reply;
	asked.arg = arg;
}

static const struct supervisor_worker_ops ops = { .ask = on_ask };

static void
ban(struct ban_list *l, const char *text, int64_t until_ms)
{
	struct network net;
	struct err e = { 0 };

	ck_assert_msg(network_parse(text, strlen(text), &net, &e) == 0, "%s", e.text);
	ck_assert_int_eq(ban_list_add(l, &net, until_ms), 0);
}

START_TEST(a_worker_is_asked_to_take_the_whole_list)
{
	struct ban_list l = { 0 }, back = { 0 };
	struct strbuf before = { 0 }, after = { 0 };
	const char *argument, *verb;
	json_t *request;
	int worker;

	ban(&l, "192.0.2.0/24", 5000);
	ban(&l, "2001:db8::1", BAN_FOR_GOOD);

	bans_give(&l, &ops, &worker);

	ck_assert_ptr_eq(asked.worker, &worker);
	request = json_loads(asked.request, 0, NULL);
	ck_assert_int_eq(json_unpack(request, "{s:s, s:s}", "ask", &verb, "argument", &argument), 0);
	ck_assert_str_eq(verb, "bans");
	ck_assert_int_eq(ban_list_read(&back, argument, strlen(argument)), 0);
	ban_list_write(&l, &before);
	ban_list_write(&back, &after);
	ck_assert_str_eq(before.data, after.data);
	json_decref(request);
	ban_list_fini(&l);
	ban_list_fini(&back);
	strbuf_fini(&before);
	strbuf_fini(&after);
}
END_TEST

/* The last one was lifted while the worker started: it is to forget what it began with. */
START_TEST(an_empty_list_is_given_too)
{
	const struct ban_list none = { 0 };

	bans_give(&none, &ops, NULL);

	ck_assert_str_eq(asked.request, "{\"ask\":\"bans\",\"argument\":\"\"}");
}
END_TEST

START_TEST(a_worker_that_could_not_take_them_is_told_in_the_log)
{
	const struct ban_list none = { 0 };
	int fd = start(memory_file());
	char *text;

	bans_give(&none, &ops, NULL);
	asked.reply(asked.arg, 0, "");
	asked.reply(asked.arg, -ENOMEM, "it has no memory");
	log_stop();

	text = content(fd);
	ck_assert_uint_eq(count_text(text, "event=bans_lost"), 1);
	ck_assert_uint_eq(count_text(text, "msg=\"it has no memory\""), 1);
	free(text);
	close(fd);
}
END_TEST

START_TEST(a_snapshot_has_the_last_that_were_written)
{
	struct ban_list l = { 0 };
	struct snapshot s = { 0 };

	ck_assert_int_eq(bans_write(&l, &s), 0);
	ck_assert_ptr_null(s.bans);
	ban(&l, "192.0.2.1", 5000);
	ck_assert_int_eq(bans_write(&l, &s), 0);
	ck_assert_str_eq(s.bans, "192.0.2.1 5000\n");
	ban_list_fini(&l);
	l = (struct ban_list){ 0 };
	ck_assert_int_eq(bans_write(&l, &s), 0);
	ck_assert_ptr_null(s.bans);
}
END_TEST

START_TEST(an_upgrade_carries_them)
{
	struct ban_list l = { 0 }, back = { 0 };
	struct state_writer w = { 0 };
	struct state_reader r = { 0 };

	ban(&l, "192.0.2.0/24", 5000);
	bans_pack(&w, &l);
	ck_assert(!w.body.failed);

	r.u = UNPACK(w.body.data, w.body.size);
	ck_assert_int_eq(bans_unpack(&r, &back), 0);
	ck_assert_uint_eq(back.count, 1);
	ck_assert_int_eq(back.bans[0].until_ms, 5000);
	ban_list_fini(&back);

	/* One that ends too early is none, and what is no ban is not taken for one. */
	r.u = UNPACK(w.body.data, w.body.size - 1);
	ck_assert_int_eq(bans_unpack(&r, &back), -EBADMSG);
	w.body.data[w.body.size - 2] = 'x';
	r.u = UNPACK(w.body.data, w.body.size);
	ck_assert_int_eq(bans_unpack(&r, &back), -EBADMSG);
	ban_list_fini(&l);
	ban_list_fini(&back);
	state_writer_fini(&w);
}
END_TEST

UNIT_TESTS("bans_give", a_worker_is_asked_to_take_the_whole_list, an_empty_list_is_given_too,
	a_worker_that_could_not_take_them_is_told_in_the_log, a_snapshot_has_the_last_that_were_written,
	an_upgrade_carries_them)
