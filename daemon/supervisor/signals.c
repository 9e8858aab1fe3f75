/* signalfd and not libevent's signal events: those need a handler that any thread may run, and a pipe in
 * memory that is global to the process. A blocked signal is queued even where its action is to be ignored (a
 * shell starts background jobs with SIGINT ignored), so an order is never lost to the caller's habits. */
#include "supervisor/signals.h"

#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <sys/signalfd.h>

#include "base/fdutil.h"

static const struct signal_row {
	int number;
	enum signal_order order;
	const char *name;
} rows[] = {
	{ SIGTERM, SIGNAL_DRAIN, "SIGTERM" },
	{ SIGINT, SIGNAL_DRAIN, "SIGINT" },
	{ SIGQUIT, SIGNAL_STOP, "SIGQUIT" },
	{ SIGUSR1, SIGNAL_REOPEN, "SIGUSR1" },
	{ SIGHUP, SIGNAL_RELOAD, "SIGHUP" },
	{ SIGUSR2, SIGNAL_UPGRADE, "SIGUSR2" },
};

struct signals {
	int fd;              /* owned */
	struct event *event; /* owned */
	sigset_t old_mask;
	struct sigaction old_pipe;
	signal_order_fn *fn;
	void *arg;
};

static const struct signal_row *
row_of(uint32_t number)
{
	for (size_t i = 0; i < array_len(rows); i++)
		if ((uint32_t)rows[i].number == number)
			return &rows[i];
	return NULL;
}

static void
on_readable(evutil_socket_t fd, short what, void *arg)
{
	struct signals *s = arg;
	struct signalfd_siginfo info;

	(void)what;
	while (read(fd, &info, sizeof info) == (ssize_t)sizeof info) {
		const struct signal_row *row = row_of(info.ssi_signo);

		if (row != NULL)
			s->fn(s->arg, row->order, row->name);
	}
}

int
signals_new(struct event_base *base, signal_order_fn *fn, void *arg, struct signals **ret, struct err *e)
{
	struct signals *s = mem_new(*s);
	sigset_t set;

	if (s == NULL)
		return err_set(e, -ENOMEM, "out of memory");
	sigemptyset(&set);
	for (size_t i = 0; i < array_len(rows); i++)
		sigaddset(&set, rows[i].number);
	s->fn = fn;
	s->arg = arg;
	pthread_sigmask(SIG_BLOCK, &set, &s->old_mask);
	sigaction(SIGPIPE, &(struct sigaction){ .sa_handler = SIG_IGN }, &s->old_pipe);
	s->fd = signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
	if (s->fd < 0) {
		int code = err_errno(e, "cannot listen to signals");

		signals_free(s);
		return code;
	}
	s->event = event_new(base, s->fd, EV_READ | EV_PERSIST, on_readable, s);
	if (s->event == NULL || event_add(s->event, NULL) < 0) {
		signals_free(s);
		return err_set(e, -ENOMEM, "out of memory");
	}
	*ret = s;
	return 0;
}

void
signals_listen(struct signals *s, bool listen)
{
	if (listen)
		event_add(s->event, NULL);
	else
		event_del(s->event);
}

void
signals_free(struct signals *s)
{
	struct signalfd_siginfo info;

	if (s == NULL)
		return;
	if (s->event != NULL)
		event_free(s->event);
	if (s->fd >= 0) {
		while (read(s->fd, &info, sizeof info) == (ssize_t)sizeof info)
			; /* an order that came too late must not kill us on the last yards */
		close(s->fd);
	}
	sigaction(SIGPIPE, &s->old_pipe, NULL);
	pthread_sigmask(SIG_SETMASK, &s->old_mask, NULL);
	free(s);
}
