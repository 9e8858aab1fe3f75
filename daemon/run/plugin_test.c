/* Each script gets a daemon of its own (`sockd run` in a child), so that none sees what another one left. The
 * daemon's first line on standard output says where it listens; its end, by TERM, is part of the test: it has
 * to exit with 0, whatever the script did. */
#include "run/plugin_test.h"

#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <sysexits.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/fdutil.h"
#include "config/config.h"
#include "run/plugin_inspect.h"
#include "run/plugin_peer.h"
#include "run/plugin_script.h"

enum { SCRIPT_SIZE_MAX = 1 << 20, ARGUMENTS_MAX = 16 + 2 * CLI_REPEAT_MAX, STOP_PART = 5 };

/* What any plugin has to survive. */
static const struct {
	const char *name, *text;
} survivals[] = {
	{ "a client that comes and goes", "end\n" },
	{ "a client that sends and goes", "send 1\nsend 100\nend\n" },
	{ "a client that breaks off", "send 100\nreset\nconnect\nsend \"\\xff\\x00\\x0a\"\nreset\n" },
	{ "clients one after the other", "connect\nconnect\nsend 10\nconnect\nend\n" },
	{ "a client when it is stopped", "send 10\nstop\n" },
};

struct daemon {
	pid_t pid;
	struct peer_target target;
};

struct test {
	const struct plugin_test_options *options;
	const char *path; /* of the plugin */
	enum cfg_transport transport;
	char folder[32];
	struct daemon daemon;
};

/* ---- the daemon ---- */

static const char *
listen_url(const struct test *t, char *buffer, size_t size)
{
	if (t->transport == CFG_TCP || t->transport == CFG_UDP)
		snprintf(buffer, size, "%s://127.0.0.1:0", cfg_transport_name(t->transport));
	else
		snprintf(buffer, size, "%s://%s/s", cfg_transport_name(t->transport), t->folder);
	return buffer;
}

static _Noreturn void
become_daemon(const struct test *t, int out)
{
	char url[64];
	const char *argv[ARGUMENTS_MAX] = { "sockd", "run", "--log-level=error", "--plugin", t->path,
		"--listen", listen_url(t, url, sizeof url) };
	size_t n = 7;

	for (size_t i = 0; i < t->options->set.count; i++) {
		argv[n++] = "--set";
		argv[n++] = t->options->set.items[i];
	}
	if (dup2(out, STDOUT_FILENO) >= 0)
		execv("/proc/self/exe", (char **)argv); /* it writes to none of them */
	fprintf(stderr, "sockd: cannot start a daemon: %s\n", strerror(errno));
	_exit(EX_OSERR);
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
set_target(struct test *t, uint16_t port)
{
	struct peer_target *target = &t->daemon.target;
	struct sockaddr_un *name = (struct sockaddr_un *)&target->address;
	struct sockaddr_in *address = (struct sockaddr_in *)&target->address;

	*target = (struct peer_target){ .datagrams = cfg_transport_is_datagram(t->transport),
		.folder = t->folder };
	if (t->transport == CFG_TCP || t->transport == CFG_UDP) {
		address->sin_family = AF_INET;
		address->sin_addr.s_addr = htonl(INADDR_LOOPBACK);
		address->sin_port = htons(port);
		target->size = sizeof *address;
	} else {
		name->sun_family = AF_UNIX;
		snprintf(name->sun_path, sizeof name->sun_path, "%s/s", t->folder);
		target->size = sizeof *name;
	}
}

static int
daemon_start(struct test *t, struct err *e)
{
	uint16_t port = 0;
	int fds[2], r;
	FILE *out;

	if (pipe2(fds, O_CLOEXEC) < 0)
		return err_errno(e, "cannot make a pipe");
	fflush(NULL);
	t->daemon.pid = fork();
	if (t->daemon.pid == 0)
		become_daemon(t, fds[1]);
	close(fds[1]);
	out = t->daemon.pid > 0 ? fdopen(fds[0], "r") : NULL;
	if (out == NULL) {
		close(fds[0]);
		return err_set(e, -ENOMEM, "cannot start a daemon");
	}
	r = read_port(out, &port);
	fclose(out);
	if (r < 0)
		return err_set(e, r, "the daemon did not start");
	set_target(t, port);
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

/* TERM drains; after @p patience_ms a second one cuts what is left. It has to end with 0 either way. */
static int
daemon_end(struct test *t, int patience_ms, struct err *e)
{
	int64_t now_ms = clock_now_ms();
	int status = 0;
	pid_t pid = t->daemon.pid;

	if (pid <= 0)
		return 0;
	t->daemon.pid = 0;
	kill(pid, SIGTERM);
	if (wait_until(pid, now_ms + patience_ms, &status) == 0) {
		kill(pid, SIGTERM);
		if (wait_until(pid, now_ms + patience_ms + t->options->timeout_ms, &status) == 0) {
			kill(pid, SIGKILL);
			waitpid(pid, &status, 0);
			return err_set(e, -ETIMEDOUT, "the daemon did not stop");
		}
		if (patience_ms == t->options->timeout_ms)
			return err_set(e, -ETIMEDOUT, "the daemon had not drained after %d ms", patience_ms);
	}
	if (WIFSIGNALED(status))
		return err_set(e, -EIO, "the daemon crashed: %s", strsignal(WTERMSIG(status)));
	if (WEXITSTATUS(status) != EX_OK)
		return err_set(e, -EIO, "the daemon ended with status %d", WEXITSTATUS(status));
	return 0;
}

static int
daemon_drain(struct test *t, struct err *e)
{
	return daemon_end(t, t->options->timeout_ms, e);
}

static int
daemon_stop(struct test *t, struct err *e)
{
	return daemon_end(t, t->options->timeout_ms / STOP_PART, e);
}

/* ---- the script ---- */

static bool
is_for_streams(enum script_verb verb)
{
	return verb == SCRIPT_END || verb == SCRIPT_EXPECT_END || verb == SCRIPT_RESET;
}

static bool
is_without_connection(enum script_verb verb)
{
	return verb == SCRIPT_CONNECT || verb == SCRIPT_DRAIN || verb == SCRIPT_STOP;
}

static int
run_step(struct test *t, struct peer *p, const struct script_step *step, struct err *e)
{
	if (t->daemon.target.datagrams && is_for_streams(step->verb))
		return 0;
	if (p->fd < 0 && !is_without_connection(step->verb))
		return err_set(e, -ENOTCONN, "there is no connection: write `connect` after `reset`");
	switch (step->verb) {
	case SCRIPT_SEND:
		return peer_send(p, step->bytes, step->size, e);
	case SCRIPT_EXPECT:
		return peer_expect(p, step->bytes, step->size, e);
	case SCRIPT_END:
		return peer_end(p, e);
	case SCRIPT_EXPECT_END:
		return peer_expect_end(p, e);
	case SCRIPT_RESET:
		peer_close(p, true);
		return 0;
	case SCRIPT_CONNECT:
		return peer_connect(p, e);
	case SCRIPT_DRAIN:
		return daemon_drain(t, e);
	case SCRIPT_STOP:
		return daemon_stop(t, e);
	case SCRIPT_VERB_COUNT:
		break;
	}
	return 0;
}

static int
run_steps(struct test *t, const struct script *s, struct err *e)
{
	struct peer p = { .target = &t->daemon.target, .fd = -1, .timeout_ms = t->options->timeout_ms };
	int r = peer_connect(&p, e);

	for (size_t i = 0; i < s->count && r == 0; i++) {
		r = run_step(t, &p, &s->steps[i], e);
		if (r < 0)
			err_prefix(e, "%s:%d", s->name, s->steps[i].line);
	}
	peer_close(&p, false);
	return r;
}

/* @return whether all went well; what did not is printed */
static bool
run_script(struct test *t, const struct script *s)
{
	struct err e = { 0 }, end = { 0 };
	char path[64];
	int r, stopped;

	r = daemon_start(t, &e);
	if (r == 0)
		r = run_steps(t, s, &e);
	stopped = daemon_stop(t, &end); /* a crash says more than the broken connection that it caused */
	snprintf(path, sizeof path, "%s/peer", t->folder);
	unlink(path);
	if (r == 0 && stopped == 0) {
		printf("ok      %-9s %s\n", cfg_transport_name(t->transport), s->name);
		return true;
	}
	printf("FAILED  %-9s %s%s%s%s%s\n", cfg_transport_name(t->transport), r < 0 ? "" : s->name,
		r < 0 ? e.text : "", r < 0 && stopped < 0 ? "; " : "", r < 0 ? "" : ": ",
		stopped < 0 ? end.text : "");
	return false;
}

/* ---- all of it ---- */

static int
parse_one(struct script *scripts, size_t i, const char *name, const char *text)
{
	struct err e = { 0 };

	if (script_parse(&scripts[i], name, text, &e) == 0)
		return EX_OK;
	fprintf(stderr, "sockd: %s\n", e.text);
	return e.code == -ENOMEM ? EX_OSERR : EX_CONFIG;
}

static int
read_script(struct script *script, const char *path)
{
	auto_of(mem) char *text = NULL;
	auto_of(fd) int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
	size_t size;
	int r = fd < 0 ? -errno : fd_read_all(fd, SCRIPT_SIZE_MAX, &text, &size);

	if (r < 0) {
		fprintf(stderr, "sockd: cannot read the script '%s': %s\n", path, strerror(-r));
		return EX_NOINPUT;
	}
	if (strlen(text) != size) {
		fprintf(stderr, "sockd: the script '%s' has a NUL byte; write \\x00 in a text\n", path);
		return EX_CONFIG;
	}
	return parse_one(script, 0, path, text);
}

static int
read_scripts(const struct plugin_test_options *o, struct script *scripts, size_t *ret_count)
{
	int status = EX_OK;

	*ret_count = o->script_path != NULL ? 1 : array_len(survivals);
	if (o->script_path != NULL)
		return read_script(&scripts[0], o->script_path);
	for (size_t i = 0; i < array_len(survivals) && status == EX_OK; i++)
		status = parse_one(scripts, i, survivals[i].name, survivals[i].text);
	return status;
}

static int
wanted_transports(const struct plugin_test_options *o, uint32_t *io_mask)
{
	for (enum cfg_transport t = CFG_TCP; o->transport != NULL && t < CFG_TRANSPORT_COUNT; t++) {
		if (strcmp(cfg_transport_name(t), o->transport) != 0)
			continue;
		if ((*io_mask & 1u << t) != 0) {
			*io_mask = 1u << t;
			return EX_OK;
		}
		fprintf(stderr, "sockd: the plugin '%s' cannot serve %s\n", o->plugin, o->transport);
		return EX_CONFIG;
	}
	if (o->transport != NULL) {
		fprintf(stderr, "sockd: there is no transport '%s' (tcp, udp, unix, unixgram)\n",
			o->transport);
		return EX_USAGE;
	}
	if (*io_mask == 0)
		fprintf(stderr, "sockd: the plugin '%s' only observes: there is nothing to connect to\n",
			o->plugin);
	return *io_mask != 0 ? EX_OK : EX_CONFIG;
}

static int
run_all(struct test *t, uint32_t mask, const struct script *scripts, size_t count)
{
	unsigned passed = 0, failed = 0;

	for (t->transport = CFG_TCP; t->transport < CFG_TRANSPORT_COUNT; t->transport++)
		for (size_t i = 0; i < count && (mask & 1u << t->transport) != 0; i++)
			*(run_script(t, &scripts[i]) ? &passed : &failed) += 1;
	printf("%u passed, %u failed\n", passed, failed);
	return failed == 0 ? EX_OK : EX_CONFIG;
}

int
plugin_test(const struct plugin_test_options *o)
{
	struct script scripts[array_len(survivals)] = { 0 };
	auto_of(mem) char *path = NULL;
	struct test t = { .options = o, .folder = "/tmp/sockd-test-XXXXXX" };
	size_t count = 0;
	uint32_t mask = 0;
	int status = read_scripts(o, scripts, &count);

	if (status == EX_OK)
		status = plugin_transports(o->plugin, &path, &mask);
	if (status == EX_OK)
		status = wanted_transports(o, &mask);
	t.path = path;
	if (status == EX_OK && mkdtemp(t.folder) == NULL) {
		fprintf(stderr, "sockd: cannot make a folder in /tmp: %s\n", strerror(errno));
		status = EX_OSERR;
	} else if (status == EX_OK) {
		status = run_all(&t, mask, scripts, count);
		rmdir(t.folder);
	}
	for (size_t i = 0; i < count; i++)
		script_fini(&scripts[i]);
	return status;
}
