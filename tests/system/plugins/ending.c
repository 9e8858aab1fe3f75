/* What becomes of fibers and timers when their scope ends; told in the log. */
#include "scenario.h"

static void
told(struct sockd_host h, const char *event, int error)
{
	(void)sockd_log(h, SOCKD_LOG_NOTICE, event, "%s", strerror(error));
}

static int
linger(struct sockd_host h, void *arg)
{
	(void)arg;
	while (sockd_sleep(h, SOCKD_FOREVER) == 0)
		;
	told(h, "child_ended", errno);
	return 0;
}

static void
never(struct sockd_host h, void *arg)
{
	(void)arg;
	told(h, "a_dead_timer_fired", 0);
}

/* serve() returns and leaves children and timers behind. */
static void
leave_children(struct sockd_conn c, struct sockd_reader r, struct sockd_writer w)
{
	struct sockd_host h = sockd_conn_host(c);

	(void)r;
	(void)w;
	for (int i = 0; i < 24; i++)
		CHECK(sockd_spawn(h, linger, NULL) != 0);
	CHECK(sockd_timer_start(h, 1, 1, never, NULL) != 0);
}

/* For the loop's housekeeper to join. */
static __thread struct {
	struct sockd_host scope;
	uint64_t fiber;
} to_join;

/* serve() returns while a fiber of another scope joins its child. */
static void
leave_one_who_is_joined(struct sockd_conn c, struct sockd_reader r, struct sockd_writer w)
{
	struct sockd_host h = sockd_conn_host(c);

	(void)r;
	(void)w;
	to_join.scope = h;
	to_join.fiber = sockd_spawn(h, linger, NULL);
	CHECK(to_join.fiber != 0);
	while (to_join.fiber != 0)
		CHECK(sockd_sleep(h, 1) == 0);
}

static int
nap_twice(struct sockd_host h, void *arg)
{
	int first;

	(void)arg;
	first = sockd_sleep(h, SOCKD_FOREVER) < 0 ? errno : 0;
	told(h, "first_sleep", first);
	told(h, "second_sleep", sockd_sleep(h, 30) < 0 ? errno : 0); /* interrupted once only */
	return 0;
}

static int
read_on(struct sockd_host h, void *arg)
{
	char buf[8];
	ssize_t n = sockd_read(*(struct sockd_reader *)arg, buf, sizeof buf);

	told(h, n == 0 ? "read_gave_the_end" : "read_failed", errno);
	return 0;
}

static int
wait_on(struct sockd_host h, void *arg)
{
	told(h, "wait_ended", sockd_wait(h, arg, SOCKD_FOREVER) < 0 ? errno : 0);
	return 0;
}

/* Everything that a drain may interrupt, at once; this fiber joins. */
static void
wait_in_every_way(struct sockd_conn c, struct sockd_reader r, struct sockd_writer w)
{
	struct sockd_host h = sockd_conn_host(c);
	uint64_t ids[3] = { sockd_spawn(h, nap_twice, NULL), sockd_spawn(h, read_on, &r),
		sockd_spawn(h, wait_on, &r) };

	CHECK(sockd_write(w, "waiting\n", 8) == 8);
	for (int i = 0; i < 3; i++)
		CHECK(sockd_join(h, ids[i]) == 0);
	told(h, "joined_all", 0);
}

/* Does not end by itself when it is asked to. */
static void
stay_until_forced(struct sockd_conn c, struct sockd_reader r, struct sockd_writer w)
{
	struct sockd_host h = sockd_conn_host(c);

	(void)r;
	CHECK(sockd_write(w, "waiting\n", 8) == 8);
	while (sockd_sleep(h, SOCKD_FOREVER) == 0 || errno == ESHUTDOWN)
		;
	told(h, "forced", errno);
}

static const struct scenario scenarios[] = { { "leave_children", leave_children },
	{ "leave_one_who_is_joined", leave_one_who_is_joined }, { "wait_in_every_way", wait_in_every_way },
	{ "stay_until_forced", stay_until_forced }, { NULL, NULL } };

static void
serve(struct sockd_conn c, struct sockd_reader r, struct sockd_writer w)
{
	char name[64];
	size_t n;

	if (sockd_receive(r, name, sizeof name - 1, &n) <= 0)
		return;
	name[n] = '\0';
	name[strcspn(name, "\n")] = '\0';
	scenario_run(scenarios, name, c, r, w);
	if (failure[0] != '\0')
		(void)sockd_log(sockd_conn_host(c), SOCKD_LOG_ERROR, "scenario_failed", "%s", failure);
}

static void
on_close(struct sockd_conn c, int reason)
{
	char buf[1];

	(void)reason;
	told(sockd_conn_host(c), "closed", FAILS(sockd_read(sockd_conn_reader(c), buf, 1), EBADF) ? 0 : EIO);
	if (sockd_spawn(sockd_conn_host(c), linger, NULL) != 0)
		told(sockd_conn_host(c), "spawned_in_close", 0);
}

static int
keep_house(struct sockd_host h, void *arg)
{
	(void)arg;
	while (sockd_sleep(h, 1) == 0)
		if (to_join.fiber != 0) {
			uint64_t fiber = to_join.fiber;

			to_join.fiber = 0;
			told(h, "housekeeper_joined", sockd_join(to_join.scope, fiber) < 0 ? errno : 0);
			errno = 0;
		}
	told(h, "housekeeper_ended", errno);
	return 0;
}

static int
thread_start(struct sockd_host h, void *instance, void **ret_state, struct sockd_error *e)
{
	(void)instance;
	(void)ret_state;
	if (sockd_spawn(h, keep_house, NULL) == 0 || sockd_timer_start(h, 3600000, 0, never, NULL) == 0)
		return sockd_error_set(e, NULL, "no fiber, or no timer");
	if (sockd_setting_bool(sockd_host_settings(h), "refuse"))
		return sockd_error_set(e, NULL, "refused, as it was told to");
	return 0;
}

static void
thread_stop(void *instance, void *state)
{
	(void)instance;
	(void)state;
}

static int
start(struct sockd_host h, const struct sockd_settings *s, void **ret_instance, struct sockd_error *e)
{
	(void)s;
	(void)ret_instance;
	if (sockd_timer_start(h, 1, 0, never, NULL) != 0 || errno != EINVAL)
		return sockd_error_set(e, NULL, "an instance has no loop to fire timers on");
	if (sockd_spawn(h, linger, NULL) != 0 || errno != EINVAL)
		return sockd_error_set(e, NULL, "an instance has no loop to run fibers on");
	return 0;
}

static const struct sockd_option options[] = {
	{ "refuse", SOCKD_T_BOOL, 0, "false", 0, 0, NULL, "Fail in thread_start()." }, { 0 }
};

SOCKD_EXPORT const struct sockd_plugin sockd_plugin = { SOCKD_PLUGIN_INIT, .name = "ending", .version = "1.0",
	.options = options, .start = start, .thread_start = thread_start, .thread_stop = thread_stop,
	.serve = serve, .close = on_close };
