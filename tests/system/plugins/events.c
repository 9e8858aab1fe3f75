/* An event handler that is told what to do by its client, a letter a time, and logs what happens to it. */
#include "scenario.h"

static char block[1 << 20];

static void
told(struct sockd_conn c, const char *event, int64_t number)
{
	(void)sockd_log(sockd_conn_host(c), SOCKD_LOG_NOTICE, event, "%lld", (long long)number);
}

static int
tune(struct sockd_conn c, int fd)
{
	int size = 8192;

	(void)c;
	return setsockopt(fd, SOL_SOCKET, SO_SNDBUF, &size, sizeof size);
}

static void
on_open(struct sockd_conn c, struct sockd_reader r, struct sockd_writer w)
{
	(void)r, (void)w;
	told(c, "opened", sockd_conn_state(c));
}

/* Calls that may wait, and what else an event handler gets wrong. */
static void
mistakes(struct sockd_conn c, struct sockd_reader r, struct sockd_writer w)
{
	char buf[8];

	CHECK(FAILS(sockd_sleep(sockd_conn_host(c), 1), EDEADLK));
	CHECK(FAILS(sockd_flush(w), EDEADLK));
	CHECK(FAILS(sockd_copy(w, r), EDEADLK));
	CHECK(FAILS(sockd_read(r, buf, sizeof buf), EAGAIN));
	CHECK(FAILS(sockd_read_full(r, buf, sizeof buf), EAGAIN));
	CHECK(FAILS(sockd_write(w, block, sizeof block), EMSGSIZE));
	CHECK(sockd_move(w, r) == 0);
}

static void
fill(struct sockd_conn c, struct sockd_writer w)
{
	ssize_t n;
	int64_t total = 0;

	while ((n = sockd_write(w, block, 10000)) > 0)
		total += n;
	told(c, "filled", errno == EAGAIN ? total : -1);
}

static void
obey(char order, struct sockd_conn c, struct sockd_reader r, struct sockd_writer w)
{
	switch (order) {
	case 'm':
		failure[0] = '\0';
		mistakes(c, r, w);
		(void)(failure[0] == '\0' ? sockd_write(w, "ok\n", 3)
					  : sockd_write(w, failure, strlen(failure)));
		break;
	case 'f':
		fill(c, w);
		break;
	case 'c':
		(void)sockd_write(w, "bye", 3);
		(void)sockd_conn_close(c);
		(void)sockd_conn_close(c);
		break;
	case 'a':
		(void)sockd_conn_abort(c);
		break;
	case 'd':
		(void)sockd_conn_deny(c);
		break;
	case 'r':
		(void)sockd_conn_set_timeout(c, SOCKD_TIMEOUT_READ, 20);
		break;
	case 'w':
		(void)sockd_conn_set_timeout(c, SOCKD_TIMEOUT_WRITE, 20);
		break;
	case 'i':
		(void)sockd_conn_set_timeout(c, SOCKD_TIMEOUT_IDLE, 20);
		break;
	case 'l':
		(void)sockd_conn_set_timeout(c, SOCKD_TIMEOUT_LIFETIME, 20);
		break;
	case 'b':
		(void)sockd_conn_set_busy(c, true);
		(void)sockd_write(w, "busy", 4);
		break;
	case 'q':
		(void)sockd_write(w, "quiet", 5);
		(void)sockd_conn_set_busy(c, false);
		break;
	case 'e':
		(void)sockd_close_write(w);
		break;
	default:
		(void)sockd_write(w, &order, 1);
	}
}

static void
on_data(struct sockd_conn c, struct sockd_reader r, struct sockd_writer w)
{
	char order;

	while (sockd_read(r, &order, 1) == 1)
		obey(order, c, r, w);
}

static void
on_eof(struct sockd_conn c, struct sockd_reader r, struct sockd_writer w)
{
	(void)r;
	told(c, "ended", sockd_conn_state(c));
	(void)sockd_write(w, "seen", 4);
	(void)sockd_close_write(w);
}

static void
on_writable(struct sockd_conn c, struct sockd_reader r, struct sockd_writer w)
{
	(void)r;
	told(c, "writable", (int64_t)sockd_writable(w));
}

/* The first one is put off. */
static void
on_timeout(struct sockd_conn c, int which)
{
	told(c, "timeout", which);
	if (sockd_conn_data(c) == NULL && which != SOCKD_TIMEOUT_IDLE) {
		(void)sockd_conn_set_data(c, block);
		(void)sockd_conn_set_timeout(c, which, 30);
	}
}

static void
on_draining(struct sockd_conn c, int64_t ms_left)
{
	told(c, "drain_told", ms_left > 0 && sockd_conn_draining(c) > 0);
	(void)sockd_write(sockd_conn_writer(c), "drain", 5);
	(void)sockd_conn_close(c);
}

static void
on_close(struct sockd_conn c, int reason)
{
	told(c, "closed", reason);
}

SOCKD_EXPORT const struct sockd_plugin sockd_plugin = {
	SOCKD_PLUGIN_INIT,
	.name = "events",
	.version = "1.0",
	.tune = tune,
	.open = on_open,
	.data = on_data,
	.eof = on_eof,
	.writable = on_writable,
	.draining = on_draining,
	.timeout = on_timeout,
	.close = on_close,
};
