/* Each script gets a daemon of its own, so that none sees what another one left. What many clients leave
 * behind is another test, by run/plugin_leak.c. */
#include "run/plugin_test.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <sysexits.h>
#include <unistd.h>

#include "base/fdutil.h"
#include "config/config.h"
#include "run/plugin_inspect.h"
#include "run/plugin_leak.h"
#include "run/plugin_play.h"

enum { SCRIPT_SIZE_MAX = 1 << 20 };

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

struct test {
	const struct plugin_test_options *options;
	struct plugin_daemon daemon;
	uint32_t event_mask; /* the transports that it serves in event style */
	char folder[32];
};

static int
play(struct test *t, const struct script *s, struct err *e)
{
	struct peer p = { .target = &t->daemon.target, .fd = -1, .timeout_ms = t->options->timeout_ms };
	int r = peer_connect(&p, e);

	if (r == 0)
		r = play_steps(&t->daemon, &p, s, e);
	peer_close(&p, false);
	return r;
}

/* The daemon's end belongs to the test. @return whether all went well; what did not is printed */
static bool
conclude(struct test *t, int result, const char *what, const struct err *e)
{
	const char *transport = cfg_transport_name(t->daemon.transport);
	struct err end = { 0 };
	int stopped = plugin_daemon_stop(&t->daemon, &end); /* a crash says more than what it broke */
	char path[64];

	snprintf(path, sizeof path, "%s/peer", t->folder);
	unlink(path);
	if (result == 0 && stopped == 0)
		printf("ok      %-9s %s\n", transport, what);
	else if (result == 0)
		printf("FAILED  %-9s %s: %s\n", transport, what, end.text);
	else
		printf("FAILED  %-9s %s%s%s\n", transport, e->text, stopped < 0 ? "; " : "", end.text);
	fflush(stdout);
	return result == 0 && stopped == 0;
}

static bool
run_script(struct test *t, const struct script *s)
{
	struct err e = { 0 };
	int r = plugin_daemon_start(&t->daemon, &e);

	if (r == 0)
		r = play(t, s, &e);
	return conclude(t, r, s->name, &e);
}

/* Only what works can be played by hundreds, so this comes last. */
static bool
run_crowd(struct test *t, const struct script *s)
{
	bool events = (t->event_mask & 1u << t->daemon.transport) != 0;
	char said[ERR_TEXT_SIZE] = "";
	struct err e = { 0 };
	int r = plugin_daemon_start(&t->daemon, &e);

	if (r == 0)
		r = leak_search(&t->daemon, s, events, said, &e);
	return conclude(t, r, said, &e);
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

static void
run_transport(struct test *t, const struct script *scripts, size_t count, unsigned *passed, unsigned *failed)
{
	const struct script *own = t->options->script_path != NULL ? &scripts[0] : NULL;
	unsigned before = *failed;

	for (size_t i = 0; i < count; i++)
		*(run_script(t, &scripts[i]) ? passed : failed) += 1;
	if (*failed == before && (own == NULL || play_is_repeatable(own)))
		*(run_crowd(t, own) ? passed : failed) += 1;
}

static int
run_all(struct test *t, uint32_t mask, const struct script *scripts, size_t count)
{
	unsigned passed = 0, failed = 0;

	for (enum cfg_transport i = CFG_TCP; i < CFG_TRANSPORT_COUNT; i++) {
		t->daemon.transport = i;
		if ((mask & 1u << i) != 0)
			run_transport(t, scripts, count, &passed, &failed);
	}
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
		status = plugin_transports(o->plugin, &path, &mask, &t.event_mask);
	if (status == EX_OK)
		status = wanted_transports(o, &mask);
	t.daemon = (struct plugin_daemon){ .plugin = path,
		.set = &o->set,
		.folder = t.folder,
		.timeout_ms = o->timeout_ms,
		.probe_fd = -1 };
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
