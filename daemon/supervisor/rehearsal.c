/* The child is seen on a pidfd, and what it writes on a pipe: those who asked for the upgrade are told it,
 * since a program that cannot even be loaded says why there and nowhere else. */
#include "supervisor/rehearsal.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/pidfd.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/fdutil.h"

enum { PATIENCE_MS = 10000, STATE_FD = 3, WORDS_MAX = 600, SENTENCE_MAX = WORDS_MAX + 80 };

struct rehearsal {
	rehearsal_fn *done;
	void *arg;
	pid_t pid;                              /* 0: reaped */
	int pidfd, words_fd;                    /* owned */
	struct event *exited, *words, *timeout; /* owned */
	char said[WORDS_MAX];
	size_t said_size;
};

static void
on_words(evutil_socket_t fd, short what, void *arg)
{
	struct rehearsal *r = arg;
	char rest[256];
	size_t room = sizeof r->said - 1 - r->said_size;
	ssize_t n = read(fd, room > 0 ? r->said + r->said_size : rest, room > 0 ? room : sizeof rest);

	(void)what; /* only ever readable */
	if (n > 0 && room > 0)
		r->said_size += (size_t)n;
	if (n == 0)
		event_del(r->words);
}

/* What it said, as one line. */
static const char *
words(struct rehearsal *r)
{
	r->said[r->said_size] = '\0';
	for (char *p = r->said; *p != '\0'; p++)
		if (*p == '\n')
			*p = ' ';
	while (r->said_size > 0 && r->said[r->said_size - 1] == ' ')
		r->said[--r->said_size] = '\0';
	return r->said_size > 0 ? r->said : "it says nothing";
}

static void
on_exited(evutil_socket_t fd, short what, void *arg)
{
	struct rehearsal *r = arg;
	char text[SENTENCE_MAX] = "";
	siginfo_t info = { 0 };
	unsigned reads = 0;

	(void)what; /* only ever readable */
	on_words(r->words_fd, EV_READ, r);
	if (waitid(P_PIDFD, (id_t)fd, &info, WEXITED) < 0)
		info.si_code = CLD_KILLED;
	r->pid = 0;
	event_del(r->timeout);
	if (info.si_code != CLD_EXITED)
		snprintf(text, sizeof text, "the new program crashes (signal %d): %s", info.si_status,
			words(r));
	else if (info.si_status != 0)
		snprintf(text, sizeof text, "the new program does not take over (status %d): %s",
			info.si_status, words(r));
	else if (sscanf(words(r), REHEARSAL_READS, &reads) != 1)
		reads = 0;
	r->done(r->arg, text[0] != '\0' ? -EPROTO : 0, text, reads);
}

static void
on_timeout(evutil_socket_t fd, short what, void *arg)
{
	struct rehearsal *r = arg;
	char text[SENTENCE_MAX];

	(void)fd, (void)what; /* a timer has neither */
	snprintf(text, sizeof text, "the new program has not checked the state after %d s",
		PATIENCE_MS / 1000);
	r->done(r->arg, -ETIMEDOUT, text, 0);
}

static int
spawn(struct rehearsal *r, const struct rehearsal_options *o, int words_fd, struct err *e)
{
	char program[] = "sockd", option[] = "--adopt-check", number[] = "3"; /* STATE_FD */
	char *const argv[] = { program, option, number, NULL };
	posix_spawn_file_actions_t actions;
	char path[32];
	int error;

	snprintf(path, sizeof path, "/proc/self/fd/%d", o->program_fd);
	posix_spawn_file_actions_init(&actions);
	error = posix_spawn_file_actions_adddup2(&actions, words_fd, STDOUT_FILENO);
	if (error == 0)
		error = posix_spawn_file_actions_adddup2(&actions, words_fd, STDERR_FILENO);
	if (error == 0)
		error = posix_spawn_file_actions_adddup2(&actions, o->state_fd, STATE_FD);
	if (error == 0)
		error = posix_spawn(&r->pid, path, &actions, NULL, argv, environ);
	posix_spawn_file_actions_destroy(&actions);
	if (error != 0) {
		r->pid = 0;
		return err_set(e, -error, "cannot execute %s: %s", o->program, strerror(error));
	}
	r->pidfd = pidfd_open(r->pid, 0);
	return r->pidfd >= 0 ? 0 : err_errno(e, "cannot watch the new program");
}

static int
watch(struct rehearsal *r, struct event_base *base, struct err *e)
{
	r->exited = event_new(base, r->pidfd, EV_READ, on_exited, r);
	r->words = event_new(base, r->words_fd, EV_READ | EV_PERSIST, on_words, r);
	r->timeout = event_new(base, -1, 0, on_timeout, r);
	if (r->exited == NULL || r->words == NULL || r->timeout == NULL || event_add(r->exited, NULL) < 0 ||
		event_add(r->words, NULL) < 0 ||
		event_add(r->timeout, &(struct timeval){ .tv_sec = PATIENCE_MS / 1000 }) < 0)
		return err_set(e, -ENOMEM, "out of memory");
	return 0;
}

int
rehearsal_start(const struct rehearsal_options *o, struct rehearsal **ret, struct err *e)
{
	auto_of(fd) int words_fd = -1;
	struct rehearsal *r = mem_new(*r);
	int fds[2], code;

	if (r == NULL)
		return err_set(e, -ENOMEM, "out of memory");
	*r = (struct rehearsal){ .done = o->done, .arg = o->arg, .pidfd = -1, .words_fd = -1 };
	if (pipe2(fds, O_CLOEXEC | O_NONBLOCK) < 0) {
		code = err_errno(e, "cannot make a pipe");
	} else {
		r->words_fd = fds[0];
		words_fd = fds[1];
		code = spawn(r, o, words_fd, e);
	}
	if (code == 0)
		code = watch(r, o->base, e);
	if (code < 0) {
		rehearsal_free(r);
		return code;
	}
	*ret = r;
	return 0;
}

static void
drop_event(struct event *event)
{
	if (event != NULL)
		event_free(event);
}

void
rehearsal_free(struct rehearsal *r)
{
	if (r == NULL)
		return;
	if (r->pid > 0) {
		kill(r->pid, SIGKILL);
		waitpid(r->pid, NULL, 0);
	}
	drop_event(r->exited);
	drop_event(r->words);
	drop_event(r->timeout);
	cleanup_fd(&r->pidfd);
	cleanup_fd(&r->words_fd);
	free(r);
}
