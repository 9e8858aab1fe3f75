/* Mail between threads: nothing lost, nothing out of order, one wake-up a batch. */
#include "unit.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>

#include "base/cleanup.h"
#include "engine/mailbox.h"

enum { SENDERS = 4, MESSAGES = 100 * 1000 };

/* Stands where the loop does: the mailbox only passes it on. */
struct receiver {
	struct mailbox *mailbox;
	unsigned got, out_of_order;
	unsigned next[SENDERS];
	bool answer;
};

struct message {
	struct mail mail;
	unsigned sender, number;
};

static struct loop *
as_loop(struct receiver *r)
{
	return (struct loop *)(void *)r;
}

static void
on_message(struct loop *loop, struct mail *mail)
{
	struct message *m = container_of(mail, struct message, mail);
	struct receiver *r = (struct receiver *)(void *)loop;

	r->got++;
	r->out_of_order += m->number != r->next[m->sender];
	r->next[m->sender] = m->number + 1;
	free(m);
}

static struct message *
new_message(unsigned sender, unsigned number)
{
	struct message *m = mem_new(*m);

	ck_assert_ptr_nonnull(m);
	*m = (struct message){ .mail = { .deliver = on_message }, .sender = sender, .number = number };
	return m;
}

static void
send_message(struct mailbox *box, unsigned sender, unsigned number)
{
	ck_assert_int_eq(mailbox_send(box, &new_message(sender, number)->mail), 0);
}

static bool
is_ringing(const struct mailbox *box)
{
	struct pollfd p = { .fd = box->fd, .events = POLLIN };

	return poll(&p, 1, 0) == 1;
}

static void
wait_for_ring(const struct mailbox *box)
{
	struct pollfd p = { .fd = box->fd, .events = POLLIN };

	ck_assert_int_eq(poll(&p, 1, UNIT_TIMEOUT_S * 1000), 1);
}

START_TEST(messages_come_in_the_order_of_sending)
{
	struct mailbox box;
	struct receiver r = { .mailbox = &box };

	ck_assert_int_eq(mailbox_init(&box, NULL), 0);
	ck_assert(!is_ringing(&box));
	for (unsigned i = 0; i < 100; i++)
		send_message(&box, 0, i);

	ck_assert(is_ringing(&box));
	ck_assert_uint_eq(mailbox_deliver(&box, as_loop(&r)), 100);
	ck_assert_uint_eq(r.got, 100);
	ck_assert_uint_eq(r.out_of_order, 0);
	ck_assert(!is_ringing(&box));
	ck_assert_uint_eq(mailbox_deliver(&box, as_loop(&r)), 0);
	mailbox_fini(&box);
}
END_TEST

START_TEST(the_loop_is_woken_once_a_batch)
{
	struct mailbox box;
	struct receiver r = { .mailbox = &box };
	uint64_t rings = 0;

	ck_assert_int_eq(mailbox_init(&box, NULL), 0);
	for (unsigned batch = 0; batch < 3; batch++) {
		for (unsigned i = 0; i < 50; i++)
			send_message(&box, 0, batch * 50 + i);
		ck_assert_int_eq(read(box.fd, &rings, sizeof(rings)), sizeof(rings));
		ck_assert_uint_eq(rings, 1);
		ck_assert_uint_eq(mailbox_deliver(&box, as_loop(&r)), 50);
	}
	ck_assert_uint_eq(r.out_of_order, 0);
	mailbox_fini(&box);
}
END_TEST

START_TEST(the_eventfd_neither_blocks_nor_leaks_into_children)
{
	struct mailbox box;

	ck_assert_int_eq(mailbox_init(&box, NULL), 0);
	ck_assert_int_ne(fcntl(box.fd, F_GETFL) & O_NONBLOCK, 0);
	ck_assert_int_ne(fcntl(box.fd, F_GETFD) & FD_CLOEXEC, 0);
	mailbox_fini(&box);
	ck_assert_int_eq(box.fd, -1);
}
END_TEST

static void
on_message_answer(struct loop *loop, struct mail *mail)
{
	struct receiver *r = (struct receiver *)(void *)loop;

	on_message(loop, mail);
	if (r->answer)
		send_message(r->mailbox, 0, r->next[0]);
}

START_TEST(what_a_delivery_sends_comes_with_the_next_one)
{
	struct mailbox box;
	struct receiver r = { .mailbox = &box, .answer = true };
	struct message *first = new_message(0, 0);

	ck_assert_int_eq(mailbox_init(&box, NULL), 0);
	first->mail.deliver = on_message_answer;
	ck_assert_int_eq(mailbox_send(&box, &first->mail), 0);

	ck_assert_uint_eq(mailbox_deliver(&box, as_loop(&r)), 1);
	ck_assert(is_ringing(&box));
	ck_assert_uint_eq(mailbox_deliver(&box, as_loop(&r)), 1);
	ck_assert(!is_ringing(&box));
	ck_assert_uint_eq(r.got, 2);
	mailbox_fini(&box);
}
END_TEST

struct sender {
	pthread_t thread;
	struct mailbox *box;
	unsigned number, sent;
};

static void *
send_many(void *arg)
{
	struct sender *s = arg;

	for (s->sent = 0; s->sent < MESSAGES; s->sent++)
		send_message(s->box, s->number, s->sent);
	return NULL;
}

static void
start_senders(struct sender *senders, struct mailbox *box, void *(*fn)(void *))
{
	for (unsigned i = 0; i < SENDERS; i++) {
		senders[i] = (struct sender){ .box = box, .number = i };
		ck_assert_int_eq(pthread_create(&senders[i].thread, NULL, fn, &senders[i]), 0);
	}
}

/* @return how many messages all of them sent */
static unsigned
join_senders(struct sender *senders)
{
	unsigned sent = 0;

	for (unsigned i = 0; i < SENDERS; i++) {
		ck_assert_int_eq(pthread_join(senders[i].thread, NULL), 0);
		sent += senders[i].sent;
	}
	return sent;
}

START_TEST(four_threads_send_and_nothing_is_lost_or_out_of_order)
{
	struct sender senders[SENDERS];
	struct mailbox box;
	struct receiver r = { .mailbox = &box };
	unsigned batches = 0;

	ck_assert_int_eq(mailbox_init(&box, NULL), 0);
	start_senders(senders, &box, send_many);
	while (r.got < SENDERS * MESSAGES) {
		wait_for_ring(&box);
		mailbox_deliver(&box, as_loop(&r));
		batches++;
	}

	ck_assert_uint_eq(join_senders(senders), SENDERS * MESSAGES);
	ck_assert_uint_eq(r.got, SENDERS * MESSAGES);
	ck_assert_uint_eq(r.out_of_order, 0);
	ck_assert_uint_eq(mailbox_deliver(&box, as_loop(&r)), 0);
	dprintf(STDOUT_FILENO, "# %u messages in %u batches\n", r.got, batches);
	mailbox_fini(&box);
}
END_TEST

static void *
send_until_refused(void *arg)
{
	struct sender *s = arg;

	for (;;) {
		struct message *m = new_message(s->number, s->sent);
		int rc = mailbox_send(s->box, &m->mail);

		if (rc == 0) {
			s->sent++;
			continue;
		}
		ck_assert_int_eq(rc, -EPIPE);
		free(m); /* it stayed ours */
		return NULL;
	}
}

START_TEST(closing_delivers_all_that_was_taken_and_refuses_the_rest)
{
	for (unsigned round = 0; round < 50; round++) {
		struct sender senders[SENDERS];
		struct mailbox box;
		struct receiver r = { .mailbox = &box };

		ck_assert_int_eq(mailbox_init(&box, NULL), 0);
		start_senders(senders, &box, send_until_refused);
		while (r.got < 20 * round) {
			wait_for_ring(&box);
			mailbox_deliver(&box, as_loop(&r));
		}
		mailbox_close(&box, as_loop(&r));

		ck_assert_uint_eq(join_senders(senders), r.got);
		ck_assert_uint_eq(r.out_of_order, 0);
		ck_assert_uint_eq(mailbox_deliver(&box, as_loop(&r)), 0);
		mailbox_close(&box, as_loop(&r));
		mailbox_fini(&box);
	}
}
END_TEST

START_TEST(a_closed_mailbox_stays_closed)
{
	struct mailbox box;
	struct receiver r = { .mailbox = &box };
	struct message *late = new_message(0, 9);

	ck_assert_int_eq(mailbox_init(&box, NULL), 0);
	send_message(&box, 0, 0);
	send_message(&box, 0, 1);
	mailbox_close(&box, as_loop(&r));

	ck_assert_uint_eq(r.got, 2);
	ck_assert_uint_eq(r.out_of_order, 0);
	ck_assert_int_eq(mailbox_send(&box, &late->mail), -EPIPE);
	ck_assert_uint_eq(mailbox_deliver(&box, as_loop(&r)), 0);
	ck_assert_int_eq(mailbox_send(&box, &late->mail), -EPIPE);
	ck_assert_uint_eq(r.got, 2);
	free(late);
	mailbox_fini(&box);
}
END_TEST

START_TEST(without_descriptors_there_is_no_mailbox)
{
	struct mailbox box;
	struct err e = { 0 };
	int rc;

	while (dup(STDERR_FILENO) >= 0)
		;
	rc = mailbox_init(&box, &e);
	closefrom(STDERR_FILENO + 1);

	ck_assert_int_eq(rc, -EMFILE);
	ck_assert_str_eq(e.text, "cannot create an eventfd: Too many open files");
}
END_TEST

UNIT_TESTS("mailbox", messages_come_in_the_order_of_sending, the_loop_is_woken_once_a_batch,
	the_eventfd_neither_blocks_nor_leaks_into_children, what_a_delivery_sends_comes_with_the_next_one,
	four_threads_send_and_nothing_is_lost_or_out_of_order,
	closing_delivers_all_that_was_taken_and_refuses_the_rest, a_closed_mailbox_stays_closed,
	without_descriptors_there_is_no_mailbox)
