/* Handlers that do what they should not. The client's first line says what; what the plugin is told of it
 * stands in the log as event=told. */
#include <sockd/plugin.h>

#include <errno.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static struct {
	struct sockd_conn conn;
	struct sockd_reader reader;
	struct sockd_writer writer;
} kept;

static pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;

static void
tell(struct sockd_host h, const char *what, int64_t result)
{
	int error = errno;

	sockd_log(h, SOCKD_LOG_NOTICE, "told", "%s: %lld %s", what, (long long)result,
		result < 0 ? strerror(error) : "");
}

#define TELL(h, call) tell(h, #call, (int64_t)(call))

static void
return_early(struct sockd_conn c, struct sockd_reader r, struct sockd_writer w)
{
	(void)c;
	(void)r;
	sockd_write(w, "bye\n", 4);
}

/* Nobody reads what it writes; the kernel says so with a delay. */
static void
write_after_the_peer_left(struct sockd_conn c, struct sockd_reader r, struct sockd_writer w)
{
	static char block[65536];
	struct sockd_host h = sockd_conn_host(c);
	char buf[16];

	while (sockd_read(r, buf, sizeof buf) > 0)
		;
	sockd_log(h, SOCKD_LOG_NOTICE, "waits", "until it has left altogether");
	sockd_wait(h, &kept, SOCKD_FOREVER);
	errno = 0;
	while (sockd_write(w, block, sizeof block) > 0 && sockd_flush(w) == 0)
		;
	tell(h, "write", -1);
	TELL(h, sockd_write(w, block, 1));
}

static void
keep_handles(struct sockd_conn c, struct sockd_reader r, struct sockd_writer w)
{
	kept.conn = c;
	kept.reader = r;
	kept.writer = w;
	sockd_write(w, "kept\n", 5);
}

static void
use_kept_handles(struct sockd_conn c, struct sockd_reader r, struct sockd_writer w)
{
	struct sockd_host h = sockd_conn_host(c);
	char buf[16];

	(void)r;
	TELL(h, sockd_write(kept.writer, "secret", 6));
	TELL(h, sockd_read(kept.reader, buf, sizeof buf));
	TELL(h, sockd_conn_close(kept.conn));
	TELL(h, sockd_relay(c, kept.conn));
	sockd_write(w, "used\n", 5);
}

static void *
call_from_here(void *arg)
{
	const struct sockd_host *h = arg;
	char buf[16];

	TELL(*h, sockd_write(kept.writer, "x", 1));
	TELL(*h, sockd_read(kept.reader, buf, sizeof buf));
	TELL(*h, sockd_conn_set_busy(kept.conn, true));
	return NULL;
}

static void
call_from_a_foreign_thread(struct sockd_conn c, struct sockd_reader r, struct sockd_writer w)
{
	pthread_t thread;
	struct sockd_host *h = sockd_conn_instance(c);

	keep_handles(c, r, w);
	if (pthread_create(&thread, NULL, call_from_here, h) == 0)
		pthread_join(thread, NULL);
	sockd_write(w, "done\n", 5);
}

static void
hold_a_mutex(struct sockd_conn c, struct sockd_reader r, struct sockd_writer w)
{
	char buf[16];

	(void)c;
	pthread_mutex_lock(&mutex);
	sockd_write(w, "held\n", 5);
	sockd_read(r, buf, sizeof buf);
	pthread_mutex_unlock(&mutex);
}

static void
spin(void)
{
	for (volatile int i = 0;; i = !i)
		;
}

static int
spin_on_a_fiber(struct sockd_host h, void *arg)
{
	(void)h;
	(void)arg;
	spin();
	return 0;
}

static void
spin_in_a_timer(struct sockd_host h, void *arg)
{
	(void)h;
	(void)arg;
	spin();
}

static void
loop_on_a_fiber(struct sockd_conn c, struct sockd_reader r, struct sockd_writer w)
{
	char buf[16];

	(void)w;
	sockd_spawn(sockd_conn_host(c), spin_on_a_fiber, NULL);
	sockd_read(r, buf, sizeof buf);
}

static void
loop_in_a_timer(struct sockd_conn c, struct sockd_reader r, struct sockd_writer w)
{
	char buf[16];

	(void)w;
	sockd_timer_start(sockd_conn_host(c), 1, 0, spin_in_a_timer, NULL);
	sockd_read(r, buf, sizeof buf);
}

static void
wake(struct sockd_conn c, struct sockd_reader r, struct sockd_writer w)
{
	(void)r;
	sockd_wake(sockd_conn_host(c), &kept);
	sockd_write(w, "woken\n", 6);
}

static const struct {
	const char *name;
	void (*run)(struct sockd_conn c, struct sockd_reader r, struct sockd_writer w);
} deeds[] = {
	{ "return_early", return_early },
	{ "write_after_the_peer_left", write_after_the_peer_left },
	{ "keep_handles", keep_handles },
	{ "use_kept_handles", use_kept_handles },
	{ "call_from_a_foreign_thread", call_from_a_foreign_thread },
	{ "hold_a_mutex", hold_a_mutex },
	{ "loop_on_a_fiber", loop_on_a_fiber },
	{ "loop_in_a_timer", loop_in_a_timer },
	{ "wake", wake },
};

static void
serve(struct sockd_conn c, struct sockd_reader r, struct sockd_writer w)
{
	char line[64];
	ssize_t n = sockd_read_until(r, "\n", 1, line, sizeof line);

	for (size_t i = 0; n > 0 && i < sizeof deeds / sizeof deeds[0]; i++)
		if (strlen(deeds[i].name) == (size_t)n - 1 && memcmp(deeds[i].name, line, (size_t)n - 1) == 0)
			deeds[i].run(c, r, w);
}

static int
start(struct sockd_host h, const struct sockd_settings *s, void **ret_instance, struct sockd_error *e)
{
	struct sockd_host *mine = malloc(sizeof *mine);

	(void)s;
	(void)e;
	if (mine == NULL)
		return -1;
	*mine = h;
	*ret_instance = mine;
	return 0;
}

static void
stop(void *instance)
{
	free(instance);
}

SOCKD_EXPORT const struct sockd_plugin sockd_plugin = {
	SOCKD_PLUGIN_INIT,
	.name = "misbehaving",
	.version = "1.0",
	.start = start,
	.stop = stop,
	.serve = serve,
};
