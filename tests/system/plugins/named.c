/* Says who answers: the word of its settings, and the version that it was built as. Its life is told in the
 * log, and each stage fails on demand. */
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include <sockd/plugin.h>

#ifndef BUILT_AS
#define BUILT_AS "1"
#endif

static void
tell(struct sockd_host h, const char *event)
{
	(void)sockd_log(h, SOCKD_LOG_NOTICE, event, "%s/" BUILT_AS,
		sockd_setting_string(sockd_host_settings(h), "word"));
}

static bool
fails(const struct sockd_settings *s, const char *stage)
{
	const char *at = sockd_setting_string(s, "fails");

	while (*at != '\0' && *at == *stage)
		at++, stage++;
	return *at == '\0' && *stage == '\0';
}

static int
check(const struct sockd_settings *s, struct sockd_error *e)
{
	if (fails(s, "crash"))
		abort();
	if (fails(s, "exit"))
		_exit(7);
	if (fails(s, "hang"))
		for (;;)
			pause();
	return fails(s, "check") ? sockd_error_set(e, "fails", "as it was told in check") : 0;
}

static int
start(struct sockd_host h, const struct sockd_settings *s, void **ret_instance, struct sockd_error *e)
{
	*ret_instance = malloc(1);
	if (*ret_instance == NULL || fails(s, "start")) {
		free(*ret_instance);
		return sockd_error_set(e, "fails", "as it was told in start");
	}
	tell(h, "named_start");
	return 0;
}

static void
stop(void *instance)
{
	free(instance);
}

struct thread {
	struct sockd_host h;
};

static int
thread_start(struct sockd_host h, void *instance, void **ret_state, struct sockd_error *e)
{
	struct thread *t = malloc(sizeof *t);

	(void)instance;
	if (t == NULL || fails(sockd_host_settings(h), "thread")) {
		free(t);
		return sockd_error_set(e, "fails", "as it was told in thread_start");
	}
	if (fails(sockd_host_settings(h), "slow"))
		sleep(12); /* longer than anybody waits for a loop */
	*t = (struct thread){ h };
	*ret_state = t;
	return 0;
}

static void
thread_stop(void *instance, void *state)
{
	struct thread *t = state;

	(void)instance;
	tell(t->h, "named_thread_stop");
	free(t);
}

static void
answer(struct sockd_conn c, struct sockd_reader r, struct sockd_writer w)
{
	char text[128];
	int size = snprintf(text, sizeof text, "%s/" BUILT_AS "\n",
		sockd_setting_string(sockd_host_settings(sockd_conn_host(c)), "word"));

	(void)sockd_discard(r, 1 << 20);
	(void)sockd_write(w, text, (size_t)size);
}

static const struct sockd_option options[] = {
	{ .name = "word", .type = SOCKD_T_STRING, .fallback = "none", .help = "What it answers" },
	{ .name = "secret", .type = SOCKD_T_SECRET, .help = "Something that lies in a file" },
	{ .name = "fails", .type = SOCKD_T_STRING, .fallback = "never", .help = "The stage that fails" },
	{ 0 },
};

SOCKD_EXPORT const struct sockd_plugin sockd_plugin = {
	SOCKD_PLUGIN_INIT,
	.name = "named",
	.version = BUILT_AS,
	.options = options,
	.check = check,
	.start = start,
	.stop = stop,
	.thread_start = thread_start,
	.thread_stop = thread_stop,
	.data = answer,
	.datagram = answer,
};
