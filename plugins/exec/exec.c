/* exec - a program for each connection, as inetd had it: its standard input and output are the client, over
 * TLS as well, since the bytes are relayed through a socket pair.
 *
 * A client that ends its side is the end of the program's input; the end of its output, which comes when it
 * ends and nobody that it started has it still, is the end of the connection. A program that outlives its
 * connection is told so by TERM and, after a while, by KILL, as it is when sockd stops. */
#define _GNU_SOURCE 1
#include <errno.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <sockd/plugin.h>

#include "environment.h"
#include "launch.h"

enum { POLL_MIN_MS = 2, POLL_MAX_MS = 100 };

struct exec {
	struct command command;
	int64_t processes_max, grace_ms;
	_Atomic int64_t processes;
	uint64_t started, refused; /* metrics */
};

struct loop {
	struct sockd_host host;
};

/* ---- settings ---- */

static const char *const destinations[] = {
	[TO_SOCKD] = "sockd", [TO_CLIENT] = "client", [TO_NOWHERE] = "nowhere", NULL
};

static const struct sockd_option options[] = {
	{ .name = "command",
		.type = SOCKD_T_STRING | SOCKD_T_LIST,
		.required = 1,
		.help = "The program, by its absolute path, and its arguments" },
	{ .name = "environment",
		.type = SOCKD_T_STRING | SOCKD_T_LIST,
		.help = "NAME=VALUE, beside PATH and what is said of the client; nothing is inherited" },
	{ .name = "path",
		.type = SOCKD_T_STRING,
		.fallback = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin",
		.help = "The program's PATH" },
	{ .name = "names",
		.type = SOCKD_T_BOOL,
		.fallback = "false",
		.help = "Whether TCPREMOTEHOST and TCPLOCALHOST are looked up, which the client waits for" },
	{ .name = "folder",
		.type = SOCKD_T_PATH,
		.help = "Where it is started; without it, where sockd runs" },
	{ .name = "stderr",
		.type = SOCKD_T_WORD,
		.fallback = "sockd",
		.words = destinations,
		.help = "Where its standard error goes: where sockd's does, to the client, or nowhere" },
	{ .name = "processes",
		.type = SOCKD_T_INT,
		.fallback = "100",
		.min = 1,
		.max = 1000000,
		.help = "How many may run at a time; a client above it is disconnected" },
	{ .name = "grace",
		.type = SOCKD_T_DURATION,
		.fallback = "5s",
		.min = 0,
		.max = 3600 * 1000,
		.help = "How long it may go on without its client, and again after TERM, before KILL" },
	{ 0 },
};

/* A program, or a folder to start it in. @return 0, or -1 with errno */
static int
check_access(const char *path, bool folder)
{
	struct stat st;

	if (access(path, X_OK) < 0 || stat(path, &st) < 0)
		return -1;
	if (S_ISDIR(st.st_mode) == folder)
		return 0;
	errno = folder ? ENOTDIR : EISDIR;
	return -1;
}

static int
check(const struct sockd_settings *s, struct sockd_error *e)
{
	const char *program = sockd_setting_list(s, "command", 0), *variable;
	const char *folder = sockd_setting_string(s, "folder");
	size_t size = 0;

	if (program == NULL)
		return sockd_error_set(e, "command", "names no program");
	if (program[0] != '/')
		return sockd_error_set(e, "command[0]", "'%s' is no absolute path", program);
	if (check_access(program, false) < 0)
		return sockd_error_set(e, "command[0]", "cannot run '%s': %s", program, strerror(errno));
	if (sockd_setting_list(s, "command", WORDS_MAX) != NULL)
		return sockd_error_set(e, "command", "has more than %d words", WORDS_MAX);
	if (folder != NULL && check_access(folder, true) < 0)
		return sockd_error_set(e, "folder", "cannot start in '%s': %s", folder, strerror(errno));
	for (size_t i = 0; (variable = sockd_setting_list(s, "environment", i)) != NULL; i++) {
		char item[32];

		snprintf(item, sizeof item, "environment[%zu]", i);
		if (strchr(variable, '=') == NULL || variable[0] == '=')
			return sockd_error_set(e, item, "'%s' is not NAME=VALUE", variable);
		size += strlen(variable) + 1;
		if (i >= ENVIRONMENT_MAX / 2 || size > ENVIRONMENT_TEXT / 2)
			return sockd_error_set(e, item,
				"is more than the %d variables or %d bytes there is room for",
				ENVIRONMENT_MAX / 2, ENVIRONMENT_TEXT / 2);
	}
	return 0;
}

static int
start(struct sockd_host h, const struct sockd_settings *s, void **ret_instance, struct sockd_error *e)
{
	struct exec *x = calloc(1, sizeof *x);
	const char *word;

	if (x == NULL)
		return sockd_error_set(e, NULL, "no memory");
	for (size_t i = 0; i < WORDS_MAX && (word = sockd_setting_list(s, "command", i)) != NULL; i++)
		x->command.words[i] = (char *)word; /* posix_spawn() writes to none of them */
	x->command.folder = sockd_setting_string(s, "folder");
	x->command.path = sockd_setting_string(s, "path");
	x->command.names = sockd_setting_bool(s, "names");
	x->processes_max = sockd_setting_int(s, "processes");
	x->grace_ms = sockd_setting_duration_ms(s, "grace");
	for (int i = 0; destinations[i] != NULL; i++)
		if (strcmp(destinations[i], sockd_setting_string(s, "stderr")) == 0)
			x->command.errors = (enum destination)i;
	x->started = sockd_metric_register(h, 1, "exec_started", "Programs started");
	x->refused = sockd_metric_register(
		h, 1, "exec_refused", "Clients turned away since too many programs ran");
	*ret_instance = x;
	return 0;
}

static void
stop(void *instance)
{
	free(instance);
}

static int
thread_start(struct sockd_host h, void *instance, void **ret_state, struct sockd_error *e)
{
	struct loop *loop = malloc(sizeof *loop);

	(void)instance;
	if (loop == NULL)
		return sockd_error_set(e, NULL, "no memory");
	loop->host = h;
	*ret_state = loop;
	return 0;
}

static void
thread_stop(void *instance, void *state)
{
	(void)instance;
	free(state);
}

/* ---- its end ---- */

/* A program that is to be reaped. */
struct reaping {
	struct exec *x;
	pid_t pid;
};

/* @return whether it has ended within @p ms; it is to be reaped still. Once cancelled it does not wait. */
static bool
wait_for(struct sockd_host h, pid_t pid, int64_t ms)
{
	int64_t until_ms = sockd_now(h) + ms, step_ms = POLL_MIN_MS;

	for (;;) {
		siginfo_t ended = { .si_pid = 0 };

		if (waitid(P_PID, (id_t)pid, &ended, WEXITED | WNOHANG | WNOWAIT) == 0 && ended.si_pid == pid)
			return true;
		if (sockd_now(h) >= until_ms || (sockd_sleep(h, step_ms) < 0 && errno == ECANCELED))
			return false;
		step_ms = step_ms * 2 < POLL_MAX_MS ? step_ms * 2 : POLL_MAX_MS;
	}
}

/* By itself, by TERM, or by KILL, which nothing outlives: whom it has started neither, unless it ended by
 * itself. Until it is reaped nobody else gets the number of its group. */
static int
end_program(struct sockd_host h, const struct exec *x, pid_t pid)
{
	int status = 0;

	if (!wait_for(h, pid, x->grace_ms)) {
		kill(-pid, SIGTERM);
		(void)wait_for(h, pid, x->grace_ms);
		kill(-pid, SIGKILL);
	}
	while (waitpid(pid, &status, 0) < 0 && errno == EINTR)
		;
	return status;
}

static void
reap(struct sockd_host h, struct exec *x, pid_t pid)
{
	int status = end_program(h, x, pid);

	if (WIFSIGNALED(status))
		(void)sockd_log(h, SOCKD_LOG_INFO, "exec_killed", "process %ld ended by %s", (long)pid,
			strsignal(WTERMSIG(status)));
	else if (WEXITSTATUS(status) != 0)
		(void)sockd_log(h, SOCKD_LOG_INFO, "exec_ended", "process %ld ended with status %d",
			(long)pid, WEXITSTATUS(status));
	atomic_fetch_sub(&x->processes, 1);
}

static int
reap_alone(struct sockd_host h, void *arg)
{
	struct reaping *r = arg;

	reap(h, r->x, r->pid);
	free(r);
	return 0;
}

/* The connection need not wait until the program has gone: a fiber of the loop does, if there can be one. */
static void
reap_later(struct sockd_conn c, struct exec *x, pid_t pid)
{
	const struct loop *loop = sockd_conn_thread_state(c);
	struct reaping *r = malloc(sizeof *r);

	if (r != NULL) {
		*r = (struct reaping){ .x = x, .pid = pid };
		if (sockd_spawn(loop->host, reap_alone, r) != 0)
			return;
		free(r);
	}
	reap(sockd_conn_host(c), x, pid);
}

/* ---- a connection ---- */

struct pair {
	struct sockd_conn client, program;
};

/* What the client says, until it has said all. */
static int
copy_input(struct sockd_host h, void *arg)
{
	const struct pair *p = arg;

	(void)h;
	(void)sockd_copy(sockd_conn_writer(p->program), sockd_conn_reader(p->client));
	return sockd_close_write(sockd_conn_writer(p->program));
}

/* Until the program's output has ended. */
static void
relay(struct sockd_conn client, struct sockd_conn program)
{
	struct sockd_host h = sockd_conn_host(client);
	struct pair p = { client, program };
	uint64_t input = sockd_spawn(h, copy_input, &p);

	if (input != 0)
		(void)sockd_copy(sockd_conn_writer(client), sockd_conn_reader(program));
	(void)sockd_conn_close(client);
	(void)sockd_conn_close(program);
	if (input != 0) {
		(void)sockd_cancel(h, input);
		(void)sockd_join(h, input);
	}
}

/* @return whether a program was started, which somebody will reap then */
static bool
run(struct sockd_conn c, struct exec *x)
{
	struct sockd_host h = sockd_conn_host(c);
	struct sockd_conn program;
	char url[32];
	pid_t pid;
	int fd = launch(c, &x->command, &pid);

	if (fd < 0)
		return false;
	(void)sockd_metric_add(h, x->started, 1);
	snprintf(url, sizeof url, "fd:%d", fd);
	program = sockd_dial(h, url, NULL);
	if (sockd_null(program)) {
		(void)sockd_log(h, SOCKD_LOG_ERROR, "exec_failed", "cannot talk to %s: %s",
			x->command.words[0], strerror(errno));
		(void)sockd_conn_abort(c);
		close(fd);
	} else {
		relay(c, program);
	}
	reap_later(c, x, pid);
	return true;
}

static void
serve(struct sockd_conn c, struct sockd_reader r, struct sockd_writer w)
{
	struct exec *x = sockd_conn_instance(c);

	(void)r, (void)w;
	if (atomic_fetch_add(&x->processes, 1) < x->processes_max) {
		if (run(c, x))
			return;
		(void)sockd_conn_abort(c); /* an end would be an empty answer */
	} else {
		(void)sockd_metric_add(sockd_conn_host(c), x->refused, 1);
		(void)sockd_log(sockd_conn_host(c), SOCKD_LOG_INFO, "exec_refused",
			"%lld programs run already", (long long)x->processes_max);
		(void)sockd_conn_deny(c);
	}
	atomic_fetch_sub(&x->processes, 1);
}

SOCKD_EXPORT const struct sockd_plugin sockd_plugin = {
	SOCKD_PLUGIN_INIT,
	.name = "exec",
	.version = "1.0",
	.summary = "Runs a program for each connection",
	.license = "MIT",
	.transports = SOCKD_STREAMS,
	.options = options,
	.check = check,
	.start = start,
	.stop = stop,
	.thread_start = thread_start,
	.thread_stop = thread_stop,
	.serve = serve,
};
