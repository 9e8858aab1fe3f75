/* supervisor/signals.c */
#include <pthread.h>
#include <signal.h>
#include <string.h>

#include "supervisor/signals.h"
#include "unit.h"

static struct event_base *base;
static enum signal_order seen[8];
static unsigned seen_count;

static void
remember(void *arg, enum signal_order order, const char *name)
{
	(void)arg;
	ck_assert_int_eq(strncmp(name, "SIG", 3), 0);
	seen[seen_count++] = order;
}

static struct signals *
make(void)
{
	struct signals *s = NULL;
	struct err e = { 0 };

	base = event_base_new();
	ck_assert_ptr_nonnull(base);
	ck_assert_int_eq(signals_new(base, remember, NULL, &s, &e), 0);
	return s;
}

START_TEST(each_signal_is_an_order)
{
	static const struct {
		int number;
		enum signal_order order;
	} rows[] = {
		{ SIGTERM, SIGNAL_DRAIN },
		{ SIGINT, SIGNAL_DRAIN },
		{ SIGQUIT, SIGNAL_STOP },
		{ SIGUSR1, SIGNAL_REOPEN },
		{ SIGHUP, SIGNAL_RELOAD },
		{ SIGUSR2, SIGNAL_UPGRADE },
	};
	struct signals *s = make();

	for (size_t i = 0; i < array_len(rows); i++) {
		seen_count = 0;
		kill(getpid(), rows[i].number);
		event_base_loop(base, EVLOOP_ONCE);
		ck_assert_uint_eq(seen_count, 1);
		ck_assert_int_eq(seen[0], rows[i].order);
	}
	signals_free(s);
	event_base_free(base);
}
END_TEST

START_TEST(an_ignored_signal_is_an_order_too)
{
	struct signals *s;

	signal(SIGINT, SIG_IGN);
	s = make();
	kill(getpid(), SIGINT);
	event_base_loop(base, EVLOOP_ONCE);

	ck_assert_uint_eq(seen_count, 1);
	signals_free(s);
	event_base_free(base);
}
END_TEST

static void *
read_mask(void *arg)
{
	pthread_sigmask(SIG_SETMASK, NULL, arg);
	return NULL;
}

START_TEST(threads_made_later_take_no_signals)
{
	struct signals *s = make();
	sigset_t mask;
	pthread_t thread;

	sigemptyset(&mask);
	ck_assert_int_eq(pthread_create(&thread, NULL, read_mask, &mask), 0);
	pthread_join(thread, NULL);

	ck_assert(sigismember(&mask, SIGTERM));
	ck_assert(sigismember(&mask, SIGUSR1));
	ck_assert(!sigismember(&mask, SIGSEGV));
	signals_free(s);
	event_base_free(base);
}
END_TEST

START_TEST(what_arrives_unread_does_not_kill_at_the_end)
{
	struct signals *s = make();

	kill(getpid(), SIGTERM);
	kill(getpid(), SIGUSR1);
	signals_free(s);
	event_base_free(base);

	ck_assert_uint_eq(seen_count, 0); /* and we are still here */
}
END_TEST

UNIT_TESTS("signals", each_signal_is_an_order, an_ignored_signal_is_an_order_too,
	threads_made_later_take_no_signals, what_arrives_unread_does_not_kill_at_the_end)
