/* exec - a program for each connection, as inetd had it: its standard input and output are the client, over
 * TLS as well, since the bytes are relayed through a socket pair.
 *
 * serve() is the life of one such program, from its start to the moment when it is reaped. A client that ends
 * its side is the end of the program's input; a program that ends is the end of the connection. One that
 * outlives its connection is told so by TERM and, after a while, by KILL, as it is when sockd stops. */
#define _GNU_SOURCE /* posix_spawn_file_actions_addchdir_np() */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <spawn.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <sockd/plugin.h>

#include "environment.h"

enum { WORDS_MAX = 256, POLL_MIN_MS = 2, POLL_MAX_MS = 100 };

enum destination { TO_SOCKD, TO_CLIENT, TO_NOWHERE };

struct exec {
	char *words[WORDS_MAX + 1]; /* lent by the settings until stop() */
	const char *folder;         /* NULL: sockd's */
	const char *path;
	enum destination errors;
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

static int
check(const struct sockd_settings *s, struct sockd_error *e)
{
	const char *program = sockd_setting_list(s, "command", 0), *variable;

	if (program == NULL)
		return sockd_error_set(e, "command", "names no program");
	if (program[0] != '/')
		return sockd_error_set(e, "command[0]", "'%s' is no absolute path", program);
	if (access(program, X_OK) < 0)
		return sockd_error_set(e, "command[0]", "cannot run '%s': %s", program, strerror(errno));
	if (sockd_setting_list(s, "command", WORDS_MAX) != NULL)
		return sockd_error_set(e, "command", "has more than %d words", WORDS_MAX);
	for (size_t i = 0; (variable = sockd_setting_list(s, "environment", i)) != NULL; i++) {
		char item[32];

		snprintf(item, sizeof item, "environment[%zu]", i);
		if (strchr(variable, '=') == NULL || variable[0] == '=')
			return sockd_error_set(e, item, "'%s' is not NAME=VALUE", variable);
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
		x->words[i] = (char *)word; /* posix_spawn() writes to none of them */
	x->folder = sockd_setting_string(s, "folder");
	x->path = sockd_setting_string(s, "path");
	x->processes_max = sockd_setting_int(s, "processes");
	x->grace_ms = sockd_setting_duration_ms(s, "grace");
	for (int i = 0; destinations[i] != NULL; i++)
		if (strcmp(destinations[i], sockd_setting_string(s, "stderr")) == 0)
			x->errors = (enum destination)i;
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

/* ---- starting a program ---- */

struct launch {
	const struct exec *x;
	char **environment;
	int fd; /* the program's end of the pair */
	pid_t pid;
};

/* sockd's own signals are blocked or ignored; a program starts as from a shell, and leads a group of its own,
 * so that what it starts is ended with it. */
static int
set_attributes(posix_spawnattr_t *a)
{
	sigset_t all, none;

	sigfillset(&all);
	sigemptyset(&none);
	return posix_spawnattr_setsigdefault(a, &all) != 0 || posix_spawnattr_setsigmask(a, &none) != 0 ||
			       posix_spawnattr_setpgroup(a, 0) != 0 ||
			       posix_spawnattr_setflags(a, POSIX_SPAWN_SETSIGDEF | POSIX_SPAWN_SETSIGMASK |
								   POSIX_SPAWN_SETPGROUP) != 0
		       ? -1
		       : 0;
}

static int
set_actions(posix_spawn_file_actions_t *a, const struct launch *l)
{
	int r = posix_spawn_file_actions_adddup2(a, l->fd, STDIN_FILENO);

	if (r == 0)
		r = posix_spawn_file_actions_adddup2(a, l->fd, STDOUT_FILENO);
	if (r == 0 && l->x->errors == TO_CLIENT)
		r = posix_spawn_file_actions_adddup2(a, l->fd, STDERR_FILENO);
	if (r == 0 && l->x->errors == TO_NOWHERE)
		r = posix_spawn_file_actions_addopen(a, STDERR_FILENO, "/dev/null", O_WRONLY, 0);
	if (r == 0 && l->x->folder != NULL)
		r = posix_spawn_file_actions_addchdir_np(a, l->x->folder);
	return r;
}

/* On a pool thread: it returns when the program has been loaded, or could not be. */
static int
launch(void *arg)
{
	struct launch *l = arg;
	posix_spawn_file_actions_t actions;
	posix_spawnattr_t attributes;
	int error = posix_spawn_file_actions_init(&actions);

	if (error == 0 && (error = posix_spawnattr_init(&attributes)) != 0)
		posix_spawn_file_actions_destroy(&actions);
	if (error != 0) {
		errno = error;
		return -1;
	}
	error = set_actions(&actions, l);
	if (error == 0 && set_attributes(&attributes) < 0)
		error = EINVAL;
	if (error == 0)
		error = posix_spawn(
			&l->pid, l->x->words[0], &actions, &attributes, l->x->words, l->environment);
	posix_spawnattr_destroy(&attributes);
	posix_spawn_file_actions_destroy(&actions);
	errno = error;
	return error == 0 ? 0 : -1;
}

/* @return our end of the pair, and the program; -1 */
static int
start_program(struct sockd_conn c, const struct exec *x, pid_t *ret_pid)
{
	struct sockd_host h = sockd_conn_host(c);
	struct environment *env = malloc(sizeof *env);
	struct launch l = { .x = x, .fd = -1 };
	int fds[2] = { -1, -1 }, r = -1;

	if (env != NULL && environment_fill(env, c, x->path, sockd_host_settings(h), "environment") == 0 &&
		socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, fds) == 0) {
		l.environment = env->variables;
		l.fd = fds[1];
		r = sockd_offload(h, NULL, launch, &l);
	}
	if (r < 0)
		(void)sockd_log(h, SOCKD_LOG_ERROR, "exec_failed", "cannot start %s: %s", x->words[0],
			strerror(errno));
	if (fds[1] >= 0)
		close(fds[1]);
	if (r < 0 && fds[0] >= 0)
		close(fds[0]);
	free(env);
	*ret_pid = l.pid;
	return r < 0 ? -1 : fds[0];
}

/* ---- its end ---- */

/* A program that is to be reaped. */
struct reaping {
	struct exec *x;
	pid_t pid;
};

/* @return whether it has ended within @p ms; *ret_status is set then. Once it is cancelled it does not wait.
 */
static bool
wait_for(struct sockd_host h, pid_t pid, int64_t ms, int *ret_status)
{
	int64_t until_ms = sockd_now(h) + ms, step_ms = POLL_MIN_MS;

	for (;;) {
		if (waitpid(pid, ret_status, WNOHANG) == pid)
			return true;
		if (sockd_now(h) >= until_ms || (sockd_sleep(h, step_ms) < 0 && errno == ECANCELED))
			return false;
		step_ms = step_ms * 2 < POLL_MAX_MS ? step_ms * 2 : POLL_MAX_MS;
	}
}

/* By itself, by TERM, or by KILL, which nothing outlives. The group goes with it. */
static int
end_program(struct sockd_host h, const struct exec *x, pid_t pid)
{
	int status = 0;

	if (wait_for(h, pid, x->grace_ms, &status))
		return status;
	kill(-pid, SIGTERM);
	if (wait_for(h, pid, x->grace_ms, &status))
		return status;
	kill(-pid, SIGKILL);
	while (waitpid(pid, &status, 0) < 0 && errno == EINTR)
		;
	return status;
}

static int
reap(struct sockd_host h, void *arg)
{
	struct reaping *r = arg;
	int status = end_program(h, r->x, r->pid);

	if (WIFSIGNALED(status))
		(void)sockd_log(h, SOCKD_LOG_INFO, "exec_killed", "process %ld ended by %s", (long)r->pid,
			strsignal(WTERMSIG(status)));
	else if (WEXITSTATUS(status) != 0)
		(void)sockd_log(h, SOCKD_LOG_INFO, "exec_ended", "process %ld ended with status %d",
			(long)r->pid, WEXITSTATUS(status));
	atomic_fetch_sub(&r->x->processes, 1);
	free(r);
	return 0;
}

/* The connection need not wait until the program has gone: a fiber of the loop does. */
static void
reap_later(struct sockd_conn c, struct exec *x, pid_t pid)
{
	const struct loop *loop = sockd_conn_thread_state(c);
	struct reaping *r = malloc(sizeof *r);

	if (r != NULL) {
		*r = (struct reaping){ .x = x, .pid = pid };
		if (sockd_spawn(loop->host, reap, r) != 0)
			return;
		free(r);
	}
	(void)end_program(sockd_conn_host(c), x, pid);
	atomic_fetch_sub(&x->processes, 1);
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

/* Until the program has closed its output, by its end at the latest. */
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
	int fd = start_program(c, x, &pid);

	if (fd < 0)
		return false;
	(void)sockd_metric_add(h, x->started, 1);
	snprintf(url, sizeof url, "fd:%d", fd);
	program = sockd_dial(h, url, NULL);
	if (sockd_null(program)) {
		(void)sockd_log(h, SOCKD_LOG_ERROR, "exec_failed", "cannot talk to %s: %s", x->words[0],
			strerror(errno));
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
