/* What the guard needs lies in one static object, as a signal handler has nobody to ask; it is one of the
 * few. Timers of alarm(2) survive execve(), so the old program sets the one that ends the new one's silence,
 * and a new program that hangs before its main() is ended by it all the same. */
#include "supervisor/adopt.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/fdutil.h"
#include "base/leave.h"
#include "control/snapshot_pack.h"

/* The state that the way back needs, for handlers. */
static struct {
	volatile sig_atomic_t armed;
	int old_fd, state_fd;
} guard = { .old_fd = -1 };

static const int guarded[] = { SIGSEGV, SIGBUS, SIGABRT, SIGFPE, SIGILL, SIGSYS, SIGALRM };

/* ---- executing ---- */

/* Async-signal-safe but for the number, which is short. */
static void
number_text(int number, char *text)
{
	char digits[16];
	int n = 0, at = 0;

	do
		digits[n++] = (char)('0' + number % 10);
	while ((number /= 10) > 0);
	while (n > 0)
		text[at++] = digits[--n];
	text[at] = '\0';
}

int
adopt_exec(int exec_fd, int state_fd, int old_fd, const char *why)
{
	char program[] = "sockd", forward[] = "--adopt", back[] = "--adopt-back", reason[] = "--adopt-why";
	char number[40], *argv[6] = { program, old_fd >= 0 ? forward : back, number };

	number_text(state_fd, number);
	if (old_fd >= 0) {
		size_t size = strlen(number);

		number[size] = ':';
		number_text(old_fd, number + size + 1);
	} else {
		argv[3] = reason;
		argv[4] = (char *)(uintptr_t)why;
	}
	if (old_fd >= 0)
		leave_counts(); /* the way back is a handler's */
	execveat(exec_fd, "", argv, environ, AT_EMPTY_PATH);
	return -errno;
}

void
adopt_roll_back(const char *why)
{
	if (!guard.armed)
		return;
	guard.armed = 0;
	alarm(0);
	adopt_exec(guard.old_fd, guard.state_fd, -1, why);
}

static void
on_fatal(int number)
{
	adopt_roll_back(
		number == SIGALRM ? "it did not take over within 10 s" : "it crashed while it took over");
	signal(number, SIG_DFL);
	raise(number);
}

static void
on_exit_early(void)
{
	adopt_roll_back("it ended while it took over");
}

void
adopt_guard(int old_fd, int state_fd)
{
	struct sigaction action = { .sa_handler = on_fatal, .sa_flags = SA_NODEFER };

	fcntl(old_fd, F_SETFD, FD_CLOEXEC); /* who comes back by it has no use for it */
	guard.old_fd = old_fd;
	guard.state_fd = state_fd;
	guard.armed = 1;
	for (size_t i = 0; i < array_len(guarded); i++)
		sigaction(guarded[i], &action, NULL);
	atexit(on_exit_early);
	alarm(ADOPT_PATIENCE_S);
}

void
adopt_commit(struct adopt *a)
{
	guard.armed = 0;
	alarm(0);
	for (size_t i = 0; i < array_len(guarded); i++)
		signal(guarded[i], SIG_DFL);
	state_close_originals(&a->state);
	cleanup_fd(&guard.old_fd);
	guard.old_fd = -1;
	cleanup_fd(&a->fd);
	a->fd = -1;
}

char *
adopt_program(void)
{
	char path[PATH_MAX];
	ssize_t n = readlink("/proc/self/exe", path, sizeof path - 1);

	return n > 0 ? strndup(path, (size_t)n) : NULL;
}

/* ---- the front of the state ---- */

void
adopt_pack_head(struct state_writer *w, const struct adopt_head *h)
{
	size_t count = snapshot_fd_count(h->snapshot);
	int *fds = calloc(count + 1, sizeof *fds);

	pack_text(&w->body, h->exe_path);
	pack_i64(&w->body, h->started_ms);
	pack_i64(&w->body, h->log_level);
	state_add_fd(w, h->log_fd);
	pack_u32(&w->body, (uint32_t)h->log_protocol);
	pack_u32(&w->body, h->log_json);
	if (fds == NULL) {
		w->body.failed = true;
		return;
	}
	snapshot_fds(h->snapshot, fds);
	pack_u32(&w->body, (uint32_t)count);
	for (size_t i = 0; i < count; i++)
		state_add_fd(w, fds[i]);
	snapshot_pack(&w->body, h->snapshot);
	free(fds);
}

static int
read_snapshot(struct adopt *a, struct err *e)
{
	struct cfg_report report = { 0 };
	uint32_t count = unpack_count(&a->state.u, 4);
	auto_of(mem) int *fds = calloc((size_t)count + 1, sizeof *fds);
	int code = 0;

	if (fds == NULL)
		return err_set(e, -ENOMEM, "out of memory");
	for (uint32_t i = 0; i < count; i++)
		fds[i] = state_take_fd(&a->state);
	if (a->state.u.failed)
		code = -EBADMSG;
	else
		code = snapshot_unpack(&a->state.u, fds, count, &report, &a->snapshot);
	for (uint32_t i = 0; i < count; i++)
		if (fds[i] >= 0)
			close(fds[i]);
	if (code == -EINVAL && report.count > 0)
		err_set(e, code, "it does not take the configuration that is served: %s:%d:%d: %s",
			report.findings[0].file != NULL ? report.findings[0].file : "",
			report.findings[0].line, report.findings[0].column, report.findings[0].text);
	else if (code < 0)
		err_set(e, code, "the snapshot in the state cannot be read: %s", strerror(-code));
	cfg_report_fini(&report);
	return code;
}

int
adopt_open(int fd, bool rehearsal, const char *why, struct adopt *ret, struct err *e)
{
	struct adopt a = { .fd = fd, .log_fd = -1, .why = why };
	struct unpack *u = &a.state.u;
	int code = state_open(fd, rehearsal, &a.state, e);

	if (code < 0)
		return code;
	a.exe_path = strdup(unpack_word(u));
	a.started_ms = unpack_i64(u);
	a.log_level = (int)unpack_i64(u);
	a.log_fd = state_take_fd(&a.state);
	a.log_protocol = (enum log_protocol)unpack_u32(u);
	a.log_json = unpack_u32(u) != 0;
	if (a.exe_path == NULL || u->failed)
		code = err_set(e, -EBADMSG, "the state is not understood");
	if (code == 0)
		code = read_snapshot(&a, e);
	if (code < 0) {
		a.fd = -1;
		adopt_fini(&a);
		return code;
	}
	*ret = a;
	return 0;
}

void
adopt_fini(struct adopt *a)
{
	int fds[] = { a->fd, a->log_fd };

	for (size_t i = 0; i < array_len(fds); i++)
		if (fds[i] >= 0)
			close(fds[i]);
	snapshot_free(a->snapshot);
	free(a->exe_path);
	state_reader_fini(&a->state);
	*a = (struct adopt){ .fd = -1, .log_fd = -1 };
}
