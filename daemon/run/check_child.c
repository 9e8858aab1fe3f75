/* The child writes its findings to a pipe as strings that end with NUL: severity, file, line, column, width,
 * line, text; and behind those of each use its flag, so that it is known how far it came. What the child
 * sends is only ever text for people and two numbers to underline by, so it needs no further trust.
 *
 * The child leaves at once: neither our nor the plugin's exit handlers have anything to do in it. */
#include "run/check_child.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/fdutil.h"
#include "base/leave.h"
#include "base/strbuf.h"

enum { FIELD_COUNT = 7, ANSWER_MAX = 16 << 20, REAP_MS = 1000 };

#define FLAG_YES "yes"
#define FLAG_NO  "no"

static void
add_field(struct strbuf *s, const char *text)
{
	strbuf_add_bytes(s, text != NULL ? text : "", text != NULL ? strlen(text) + 1 : 1);
}

static void
add_number(struct strbuf *s, int number)
{
	strbuf_printf(s, "%d", number);
	strbuf_add_char(s, '\0');
}

static int
tell(int fd, const struct cfg_report *report, bool flag)
{
	auto_of(strbuf) struct strbuf answer = { 0 };

	for (size_t i = 0; i < report->count; i++) {
		const struct cfg_finding *f = &report->findings[i];

		add_number(&answer, (int)f->severity);
		add_field(&answer, f->file);
		add_number(&answer, f->line);
		add_number(&answer, f->column);
		add_number(&answer, f->width);
		add_field(&answer, f->line_text);
		add_field(&answer, f->text);
	}
	add_field(&answer, flag ? FLAG_YES : FLAG_NO);
	return answer.failed || report->out_of_memory ? -ENOMEM : fd_write_all(fd, answer.data, answer.size);
}

static int
check_one(int fd, const struct check_job *job, size_t which)
{
	auto_of(cfg_report) struct cfg_report report = { 0 };
	bool flag = false;

	job->check(job->arg, which, &report, &flag);
	return tell(fd, &report, flag);
}

/* Nothing can be checked: that is said once, and of no use in particular. */
static int
give_up(int fd, const struct check_job *job, const struct err *e)
{
	auto_of(cfg_report) struct cfg_report report = { 0 };
	int code = 0;

	cfg_report_error(&report, NULL, "plugins cannot be checked: %s", e->text);
	for (size_t i = job->first; i < job->count && code == 0; i++) {
		code = tell(fd, &report, false);
		cfg_report_fini(&report);
	}
	return code;
}

static _Noreturn void
child(int fd, const struct check_job *job)
{
	struct err e = { 0 };
	int code = job->begin != NULL ? job->begin(job->arg, fd, &e) : 0;

	if (code < 0)
		code = give_up(fd, job, &e);
	else
		for (size_t i = job->first; i < job->count && code == 0; i++)
			code = check_one(fd, job, i);
	leave_now(code < 0 ? EXIT_FAILURE : EXIT_SUCCESS);
}

bool
check_child_read(struct check_child *c)
{
	for (;;) {
		char bytes[4096];
		ssize_t n = read(c->fd, bytes, sizeof bytes);

		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0 || c->answer.size > ANSWER_MAX)
			return n == 0 || (n < 0 && errno != EAGAIN) || c->answer.size > ANSWER_MAX;
		strbuf_add_bytes(&c->answer, bytes, (size_t)n);
	}
}

/* Read until the child closes its end. @return false when it has said nothing for too long */
static bool
read_answer(struct check_child *c, int timeout_ms)
{
	int64_t deadline = clock_now_ms() + timeout_ms;

	for (;;) {
		int64_t left = deadline - clock_now_ms();
		struct pollfd p = { .fd = c->fd, .events = POLLIN };

		if (left <= 0)
			return false;
		if (poll(&p, 1, (int)left) <= 0)
			continue;
		if (check_child_read(c))
			return true;
		deadline = clock_now_ms() + timeout_ms;
	}
}

static void
take_finding(const char *const field[FIELD_COUNT], struct cfg_report *report)
{
	const struct cfg_place place = {
		.file = field[1][0] != '\0' ? field[1] : NULL,
		.line = atoi(field[2]),
		.column = atoi(field[3]),
		.width = atoi(field[4]),
		.line_text = field[5][0] != '\0' ? field[5] : NULL,
	};

	if (atoi(field[0]) == CFG_ERROR)
		cfg_report_error(report, &place, "%s", field[6]);
	else
		cfg_report_warning(report, &place, "%s", field[6]);
}

static bool
is_flag(const char *text)
{
	return strcmp(text, FLAG_YES) == 0 || strcmp(text, FLAG_NO) == 0;
}

/* Split what was read and add it; a string that was cut is passed over. @return the first use without a flag
 */
static size_t
take_answer(const struct check_child *c, struct cfg_report *report, bool *flags)
{
	const char *field[FIELD_COUNT], *end = c->answer.data + c->answer.size;
	size_t n = 0, which = c->job.first;

	for (const char *p = c->answer.data; p < end && which < c->job.count; p += strlen(p) + 1) {
		if (p + strlen(p) == end)
			break; /* the buffer's own NUL, not the child's */
		if (n == 0 && is_flag(p)) {
			flags[which++] = strcmp(p, FLAG_YES) == 0;
			continue;
		}
		field[n++] = p;
		if (n == FIELD_COUNT)
			take_finding(field, report);
		n %= FIELD_COUNT;
	}
	return which;
}

/* The use that it was at is to blame. */
static void
judge(const struct check_child *c, size_t which, int status, bool in_time, int timeout_ms,
	struct cfg_report *report)
{
	const struct cfg_place *place;
	char what[CHECK_BLAME_SIZE];

	c->job.blame(c->job.arg, which, what, &place);
	if (!in_time)
		cfg_report_error(
			report, place, "%s had not checked its settings after %d s", what, timeout_ms / 1000);
	else if (WIFSIGNALED(status))
		cfg_report_error(report, place, "%s crashed while its settings were checked: %s", what,
			strsignal(WTERMSIG(status)));
	else
		cfg_report_error(report, place,
			"%s ended the process while its settings were checked (status %d)", what,
			WEXITSTATUS(status));
}

int
check_child_start(const struct check_job *job, struct check_child *ret, struct err *e)
{
	int fds[2];
	pid_t pid;

	if (pipe2(fds, O_CLOEXEC | O_NONBLOCK) < 0)
		return err_errno(e, "cannot make a pipe to a checking process");
	fflush(NULL); /* or the child would have what is still unwritten as well */
	pid = fork();
	if (pid < 0) {
		int code = err_errno(e, "cannot make a checking process");

		close(fds[0]);
		close(fds[1]);
		return code;
	}
	if (pid == 0) {
		close(fds[0]);
		fcntl(fds[1], F_SETFL, 0); /* the child may wait */
		child(fds[1], job);
	}
	close(fds[1]);
	*ret = (struct check_child){ .pid = pid, .fd = fds[0], .job = *job };
	return 0;
}

/* It has let go of its pipe, so its end is a matter of moments; one that lives on all the same is ended. */
static int
reap(struct check_child *c)
{
	int64_t deadline = clock_now_ms() + REAP_MS;
	int status = 0;
	pid_t got;

	cleanup_fd(&c->fd);
	while ((got = waitpid(c->pid, &status, WNOHANG)) == 0 && clock_now_ms() < deadline)
		poll(NULL, 0, 1);
	if (got == 0)
		kill(c->pid, SIGKILL);
	while (got <= 0 && waitpid(c->pid, &status, 0) < 0 && errno == EINTR)
		;
	c->pid = 0;
	return status;
}

size_t
check_child_finish(
	struct check_child *c, bool in_time, int timeout_ms, struct cfg_report *report, bool *flags)
{
	size_t next;
	int status;

	if (!in_time || c->answer.size > ANSWER_MAX)
		kill(c->pid, SIGKILL);
	status = reap(c);
	next = take_answer(c, report, flags);
	strbuf_fini(&c->answer);
	if (next == c->job.count)
		return next;
	judge(c, next, status, in_time, timeout_ms, report);
	return next + 1;
}

void
check_child_kill(struct check_child *c)
{
	kill(c->pid, SIGKILL);
	reap(c);
	strbuf_fini(&c->answer);
}

int
check_child_run(
	const struct check_job *job, int timeout_ms, struct cfg_report *report, bool *flags, struct err *e)
{
	struct check_job rest = *job;

	while (rest.first < rest.count) {
		struct check_child c;
		int code = check_child_start(&rest, &c, e);

		if (code < 0)
			return code;
		rest.first = check_child_finish(&c, read_answer(&c, timeout_ms), timeout_ms, report, flags);
	}
	return 0;
}
