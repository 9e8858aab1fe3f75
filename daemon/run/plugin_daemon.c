/* A child of this very process, not another program: so it can be asked from within what it holds. Its first
 * line on standard output says where it listens; its end, by TERM, is part of a test: it has to end well,
 * whatever was done to it. One loop is enough, and gives the same figures each time. */
#include "run/plugin_daemon.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <sysexits.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/fdutil.h"
#include "run/command.h"

/* What the child exits with instead of 0, which any call of _exit() in the plugin may give as well. */
enum { ENDED_WELL = 1 };

enum { ARGUMENTS_MAX = 16 + 2 * CLI_REPEAT_MAX, STOP_PART = 5, STOP_MIN_MS = 5000, TELL_MS = 2000 };

static const char *
listen_url(const struct plugin_daemon *d, char *buffer, size_t size)
{
	if (d->transport == CFG_TCP || d->transport == CFG_UDP)
		snprintf(buffer, size, "%s://127.0.0.1:0", cfg_transport_name(d->transport));
	else
		snprintf(buffer, size, "%s://%s/s", cfg_transport_name(d->transport), d->folder);
	return buffer;
}

static _Noreturn void
become_daemon(const struct plugin_daemon *d, int out, int probe_fd)
{
	char url[64];
	const char *argv[ARGUMENTS_MAX] = { "sockd", "run", "--log-level=error", "--threads=1", "--plugin",
		d->plugin, "--listen", listen_url(d, url, sizeof url) };
	struct cli cli;
	int n = 8, status;

	for (size_t i = 0; i < d->set->count; i++) {
		argv[n++] = "--set";
		argv[n++] = d->set->items[i];
	}
	if (dup2(out, STDOUT_FILENO) < 0 || probe_start(probe_fd) < 0) {
		fprintf(stderr, "sockd: cannot start a daemon: %s\n", strerror(errno));
		_exit(EX_OSERR);
	}
	close(out);
	status = cli_parse(n, (char **)argv, &cli); /* it writes to none of them */
	if (status == 0)
		status = command_run(&cli);
	exit(status == EX_OK ? ENDED_WELL : status);
}

/* `listening tcp 127.0.0.1:4711 -> ...`: only the port is news. */
static int
read_port(FILE *out, uint16_t *ret)
{
	char line[512], *arrow;
	const char *colon;

	if (fgets(line, sizeof line, out) == NULL)
		return -EPIPE;
	arrow = strstr(line, " -> ");
	if (arrow == NULL)
		return -EBADMSG;
	*arrow = '\0';
	colon = strrchr(line, ':');
	*ret = colon != NULL ? (uint16_t)atoi(colon + 1) : 0;
	return 0;
}

static void
set_target(struct plugin_daemon *d, uint16_t port)
{
	struct peer_target *target = &d->target;
	struct sockaddr_un *name = (struct sockaddr_un *)&target->address;
	struct sockaddr_in *address = (struct sockaddr_in *)&target->address;

	*target = (struct peer_target){ .datagrams = cfg_transport_is_datagram(d->transport),
		.folder = d->folder };
	if (d->transport == CFG_TCP || d->transport == CFG_UDP) {
		address->sin_family = AF_INET;
		address->sin_addr.s_addr = htonl(INADDR_LOOPBACK);
		address->sin_port = htons(port);
		target->size = sizeof *address;
	} else {
		name->sun_family = AF_UNIX;
		snprintf(name->sun_path, sizeof name->sun_path, "%s/s", d->folder);
		target->size = sizeof *name;
	}
}

/* @return where its standard output comes from; NULL: there could be no child */
static FILE *
launch(struct plugin_daemon *d)
{
	int out[2], probe[2];
	FILE *lines = NULL;

	if (pipe2(out, O_CLOEXEC) < 0)
		return NULL;
	if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, probe) < 0) {
		close(out[0]);
		close(out[1]);
		return NULL;
	}
	fflush(NULL);
	d->pid = fork();
	if (d->pid == 0) {
		close(out[0]);
		close(probe[0]);
		become_daemon(d, out[1], probe[1]);
	}
	close(out[1]);
	close(probe[1]);
	d->probe_fd = probe[0];
	if (d->pid > 0)
		lines = fdopen(out[0], "r");
	if (lines == NULL)
		close(out[0]);
	return lines;
}

int
plugin_daemon_start(struct plugin_daemon *d, struct err *e)
{
	uint16_t port = 0;
	FILE *lines;
	int r;

	d->pid = 0;
	d->probe_fd = -1;
	lines = launch(d);
	if (lines == NULL)
		return err_errno(e, "cannot start a daemon");
	r = read_port(lines, &port);
	fclose(lines);
	if (r < 0)
		return err_set(e, r, "the daemon did not start");
	set_target(d, port);
	return 0;
}

int
plugin_daemon_measure(const struct plugin_daemon *d, struct probe_figures *ret, struct err *e)
{
	if (probe_ask(d->probe_fd, &d->target.address, d->target.size, ret) < 0)
		return err_set(e, -EPIPE, "the daemon ended");
	return 0;
}

/* @return the child's end, or 0 when it has not come by @p deadline_ms */
static pid_t
wait_until(pid_t child, int64_t deadline_ms, int *ret_status)
{
	pid_t pid = 0;

	while (pid == 0 && clock_now_ms() < deadline_ms) {
		pid = waitpid(child, ret_status, WNOHANG);
		if (pid == 0)
			usleep(5000);
	}
	return pid;
}

static int
judge_end(int status, struct err *e)
{
	if (WIFSIGNALED(status))
		return err_set(e, -EIO, "the daemon crashed: %s", strsignal(WTERMSIG(status)));
	if (WEXITSTATUS(status) != ENDED_WELL)
		return err_set(e, -EIO,
			"the daemon ended by itself with status %d: did the plugin call exit()?",
			WEXITSTATUS(status));
	return 0;
}

/* @return the thread of its loop; 0: there is none */
static pid_t
loop_of(pid_t pid)
{
	char path[64], name[32];
	struct dirent *thread;
	pid_t found = 0;
	DIR *threads;

	snprintf(path, sizeof path, "/proc/%d/task", (int)pid);
	threads = opendir(path);
	while (threads != NULL && found == 0 && (thread = readdir(threads)) != NULL) {
		FILE *comm;

		snprintf(path, sizeof path, "/proc/%d/task/%.16s/comm", (int)pid, thread->d_name);
		comm = fopen(path, "re");
		if (comm == NULL)
			continue;
		if (fgets(name, sizeof name, comm) != NULL && strncmp(name, "sockd-loop-", 11) == 0)
			found = (pid_t)atoi(thread->d_name);
		fclose(comm);
	}
	if (threads != NULL)
		closedir(threads);
	return found;
}

/* It does not obey. Killed by a signal that is caught, its loop tells where it is on standard error. */
static void
end_by_force(pid_t pid)
{
	pid_t loop = loop_of(pid);
	int status;

	if (loop > 0 && syscall(SYS_tgkill, pid, loop, SIGABRT) == 0 &&
		wait_until(pid, clock_now_ms() + TELL_MS, &status) != 0)
		return;
	kill(pid, SIGKILL);
	waitpid(pid, &status, 0);
}

/* TERM drains; after @p patience_ms a second one cuts what is left. It has to end well either way; but the
 * second one may come when the first has been obeyed, and nobody listens any more. */
static int
end(struct plugin_daemon *d, int patience_ms, struct err *e)
{
	int64_t cut_ms = clock_now_ms() + patience_ms;
	int limit_ms = d->timeout_ms > STOP_MIN_MS ? d->timeout_ms : STOP_MIN_MS, status = 0;
	bool cut = false;
	pid_t pid = d->pid;

	cleanup_fd(&d->probe_fd);
	d->probe_fd = -1;
	if (pid <= 0)
		return 0;
	d->pid = 0;
	kill(pid, SIGTERM);
	if (wait_until(pid, cut_ms, &status) == 0) {
		cut = kill(pid, SIGTERM) == 0;
		if (wait_until(pid, cut_ms + limit_ms, &status) == 0) {
			end_by_force(pid);
			return err_set(
				e, -ETIMEDOUT, "the daemon did not stop: does the plugin's code come back?");
		}
		if (patience_ms == d->timeout_ms)
			return err_set(e, -ETIMEDOUT, "the daemon had not drained after %d ms", patience_ms);
	}
	if (cut && WIFSIGNALED(status) && WTERMSIG(status) == SIGTERM)
		return 0;
	return judge_end(status, e);
}

int
plugin_daemon_drain(struct plugin_daemon *d, struct err *e)
{
	return end(d, d->timeout_ms, e);
}

int
plugin_daemon_stop(struct plugin_daemon *d, struct err *e)
{
	return end(d, d->timeout_ms / STOP_PART, e);
}
