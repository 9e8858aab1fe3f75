/* What an outgoing connection in event style tells: its callbacks, letter by letter, and its end. */
#ifndef TESTS_TOLD_H
#define TESTS_TOLD_H

#include <errno.h>
#include <string.h>

#include <sockd/plugin.h>

struct told {
	char text[64]; /* t: opened with TLS, o: without; d: answered; c: closed */
	int closes, reason, error;
};

static void
say(struct sockd_conn c, char what)
{
	struct told *t = sockd_conn_data(c);
	size_t n = strlen(t->text);

	if (n < sizeof t->text - 1)
		t->text[n] = what;
}

static void
up_open(struct sockd_conn c, struct sockd_reader r, struct sockd_writer w)
{
	(void)r;
	say(c, sockd_conn_tls(c) != NULL ? 't' : 'o');
	(void)sockd_write(w, "hello\n", 6);
}

static void
up_data(struct sockd_conn c, struct sockd_reader r, struct sockd_writer w)
{
	char buf[16];

	(void)w;
	if (sockd_read_until(r, "\n", 1, buf, sizeof buf) != 6)
		return;
	say(c, 'd');
	(void)sockd_conn_close(c);
}

static void
up_close(struct sockd_conn c, int reason)
{
	struct told *t = sockd_conn_data(c);

	t->error = errno;
	t->reason = reason;
	t->closes++;
	say(c, 'c');
}

static const struct sockd_events up_events = {
	.size = sizeof up_events, .open = up_open, .data = up_data, .close = up_close
};

#endif
