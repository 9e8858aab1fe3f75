/* It happens on a pool thread, which posix_spawn() holds until the program has been loaded, and which names
 * are looked up on. */
#define _GNU_SOURCE 1 /* posix_spawn_file_actions_addchdir_np(), _addclosefrom_np() */
#include "launch.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <spawn.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "environment.h"
#include "names.h"

struct start {
	const struct command *command;
	struct environment *environment;
	const struct sockd_addr *remote, *local; /* whose names are to be told; NULL: none */
	int fd;                                  /* the program's end of the pair */
	pid_t pid;
};

/* sockd's own signals are blocked or ignored; a program starts as from a shell, and leads a group of its own,
 * so that what it starts is ended with it. */
static int
set_attributes(posix_spawnattr_t *a)
{
	sigset_t all, none;
	int r;

	sigfillset(&all);
	sigemptyset(&none);
	r = posix_spawnattr_setsigdefault(a, &all);
	if (r == 0)
		r = posix_spawnattr_setsigmask(a, &none);
	if (r == 0)
		r = posix_spawnattr_setpgroup(a, 0);
	if (r == 0)
		r = posix_spawnattr_setflags(
			a, POSIX_SPAWN_SETSIGDEF | POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETPGROUP);
	return r;
}

/* Whatever descriptors of sockd's or of other plugins are about: the program gets three. */
static int
set_actions(posix_spawn_file_actions_t *a, const struct start *s)
{
	int r = posix_spawn_file_actions_adddup2(a, s->fd, STDIN_FILENO);

	if (r == 0)
		r = posix_spawn_file_actions_adddup2(a, s->fd, STDOUT_FILENO);
	if (r == 0 && s->command->errors == TO_CLIENT)
		r = posix_spawn_file_actions_adddup2(a, s->fd, STDERR_FILENO);
	if (r == 0 && s->command->errors == TO_NOWHERE)
		r = posix_spawn_file_actions_addopen(a, STDERR_FILENO, "/dev/null", O_WRONLY, 0);
	if (r == 0 && s->command->folder != NULL)
		r = posix_spawn_file_actions_addchdir_np(a, s->command->folder);
	if (r == 0)
		r = posix_spawn_file_actions_addclosefrom_np(a, STDERR_FILENO + 1);
	return r;
}

/* @return 0 or an errno value */
static int
spawn(struct start *s)
{
	char *const *words = s->command->words;
	posix_spawn_file_actions_t actions;
	posix_spawnattr_t attributes;
	int r = posix_spawn_file_actions_init(&actions);

	if (r != 0)
		return r;
	r = posix_spawnattr_init(&attributes);
	if (r == 0) {
		r = set_actions(&actions, s);
		if (r == 0)
			r = set_attributes(&attributes);
		if (r == 0)
			r = posix_spawn(
				&s->pid, words[0], &actions, &attributes, words, s->environment->variables);
		posix_spawnattr_destroy(&attributes);
	}
	posix_spawn_file_actions_destroy(&actions);
	return r;
}

static int
add_name(struct environment *env, const char *variable, const struct sockd_addr *a)
{
	char name[NAME_SIZE];

	if (a == NULL || !name_of(a, name))
		return 0;
	return environment_add(env, variable, name);
}

static int
start(void *arg)
{
	struct start *s = arg;
	int error;

	if (add_name(s->environment, "TCPREMOTEHOST", s->remote) < 0 ||
		add_name(s->environment, "TCPLOCALHOST", s->local) < 0)
		return -1;
	error = spawn(s);
	errno = error;
	return error == 0 ? 0 : -1;
}

/* The kernel says of a script that it is not there when what its first line names is not; and a shell would
 * run one without such a line, where the kernel does not. */
static const char *
why(const char *program, int error)
{
	if (error == ENOEXEC)
		return "it is no program of this machine, and no script that begins with '#!' and its "
		       "interpreter";
	return error == ENOENT && access(program, F_OK) == 0
		       ? "the program that its first line names is not there, or the loader that it needs"
		       : strerror(error);
}

int
launch(struct sockd_conn c, const struct command *command, pid_t *ret_pid)
{
	struct sockd_host h = sockd_conn_host(c);
	struct environment *env = malloc(sizeof *env);
	struct start s = { .command = command, .environment = env, .fd = -1 };
	int fds[2] = { -1, -1 }, r = -1;

	if (env != NULL &&
		environment_fill(env, c, command->path, sockd_host_settings(h), "environment") == 0 &&
		socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, fds) == 0) {
		s.fd = fds[1];
		if (command->names) {
			s.remote = sockd_conn_remote(c);
			s.local = sockd_conn_local(c);
		}
		r = sockd_offload(h, NULL, start, &s);
	}
	if (r < 0)
		(void)sockd_log(h, SOCKD_LOG_ERROR, "exec_failed", "cannot start %s: %s", command->words[0],
			why(command->words[0], errno));
	if (fds[1] >= 0)
		close(fds[1]);
	if (r < 0 && fds[0] >= 0)
		close(fds[0]);
	free(env);
	if (r < 0)
		return -1;
	*ret_pid = s.pid;
	return fds[0];
}
