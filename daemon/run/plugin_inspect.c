/* Loading a plugin runs its constructors, so each look at one is taken in a child that may crash, exit or
 * never come back. The child prints; its exit status is the answer, if it says before that it is its own. */
#include "run/plugin_inspect.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/wait.h>
#include <sysexits.h>
#include <unistd.h>

#include "base/fdutil.h"
#include "base/leave.h"
#include "base/parse.h"
#include "base/strbuf.h"
#include "plugin/describe.h"
#include "plugin/plugin_file.h"
#include "plugin/plugin_load.h"
#include "plugin/plugin_symbols.h"
#include "run/paths.h"
#include "run/plugin_name.h"
#include "supervisor/exit_status.h"

/* Above every exit status of sysexits.h: a mask of transports. */
enum { MASK_BASE = 128 };

enum { LOOK_S = 10 }; /* longer than that nothing should take to be loaded */

struct look {
	const char *path;
	int fd;
	int (*with)(const struct look *look, const struct plugin *p); /* prints; gives the exit status */
};

static int
complain(const struct err *e)
{
	fprintf(stderr, "sockd: %s\n", e->text);
	return exit_status(EXIT_PHASE_CHECK, -EINVAL);
}

static int
open_file(const char *name, char **ret_path, int *ret_fd, struct err *e)
{
	const char *const folders[] = { PATH_PLUGINS };
	auto_of(strbuf) struct strbuf path = { 0 };

	plugin_name_add(&path, name);
	if (path.failed)
		return err_set(e, -ENOMEM, "out of memory");
	return plugin_file_open(path.data, folders, array_len(folders), ret_path, ret_fd, e);
}

static _Noreturn void
look_in_child(const struct look *look, int done_fd)
{
	struct plugin *p = NULL;
	struct err e = { 0 };
	int status = plugin_open(look->fd, look->path, &p, &e) < 0 ? complain(&e) : look->with(look, p);

	fflush(stdout);
	fflush(stderr);
	if (write(done_fd, "", 1) != 1)
		status = EX_OSERR;
	leave_now(status); /* neither our exit handlers nor the plugin's have anything to do here */
}

/* @return whether the child has said that it is through; one that does not end in time is ended */
static bool
wait_for_look(pid_t pid, int done_fd, bool *ret_late, int *ret_status)
{
	struct pollfd p = { .fd = done_fd, .events = POLLIN };
	char byte;
	int n;

	do
		n = poll(&p, 1, LOOK_S * 1000);
	while (n < 0 && errno == EINTR);
	*ret_late = n <= 0;
	if (*ret_late)
		kill(pid, SIGKILL);
	while (waitpid(pid, ret_status, 0) < 0 && errno == EINTR)
		;
	return !*ret_late && read(done_fd, &byte, 1) == 1;
}

static int
look_at(const struct look *look)
{
	auto_of(fd) int done_fd = -1;
	int ends[2], status = 0;
	bool late;
	pid_t pid;

	fflush(NULL);
	pid = pipe2(ends, O_CLOEXEC) == 0 ? fork() : -1;
	if (pid < 0) {
		fprintf(stderr, "sockd: cannot make a process to load the plugin: %s\n", strerror(errno));
		return EX_OSERR;
	}
	if (pid == 0)
		look_in_child(look, ends[1]);
	close(ends[1]);
	done_fd = ends[0];
	if (wait_for_look(pid, done_fd, &late, &status))
		return WEXITSTATUS(status);
	fprintf(stderr, "sockd: the plugin '%s' ", look->path);
	if (late)
		fprintf(stderr, "was not loaded after %d seconds\n", LOOK_S);
	else if (WIFSIGNALED(status))
		fprintf(stderr, "crashed while it was loaded: %s\n", strsignal(WTERMSIG(status)));
	else
		fprintf(stderr, "called exit() while it was loaded\n");
	return EX_CONFIG;
}

static int
look_by_name(const char *name, int (*with)(const struct look *, const struct plugin *), char **ret_path)
{
	auto_of(mem) char *path = NULL;
	auto_of(fd) int fd = -1;
	struct err e = { 0 };
	int status;

	if (open_file(name, &path, &fd, &e) < 0)
		return complain(&e);
	status = look_at(&(struct look){ .path = path, .fd = fd, .with = with });
	if (ret_path != NULL)
		*ret_path = mem_take(path);
	return status;
}

/* ---- info ---- */

static const char *
style_name(enum plugin_style style)
{
	return style == PLUGIN_EVENTS ? "events" : "serve (fibers)";
}

static void
print_transports(const struct plugin *p)
{
	const char *separator = "";

	fputs("  transports  ", stdout);
	for (enum cfg_transport t = CFG_TCP; t < CFG_TRANSPORT_COUNT; t++) {
		if (plugin_style(p, t) == PLUGIN_CANNOT)
			continue;
		printf("%s%s: %s", separator, cfg_transport_name(t), style_name(plugin_style(p, t)));
		separator = "; ";
	}
	puts(*separator == '\0' ? "none: it only observes" : "");
}

struct entry_row {
	const char *name;
	size_t offset;
};

#define ENTRY(name)                                        \
	{                                                  \
#name, offsetof(struct sockd_plugin, name) \
	}

static const struct entry_row entries[] = { ENTRY(check), ENTRY(start), ENTRY(stop), ENTRY(thread_start),
	ENTRY(thread_stop), ENTRY(tune), ENTRY(serve), ENTRY(open), ENTRY(data), ENTRY(eof), ENTRY(writable),
	ENTRY(draining), ENTRY(timeout), ENTRY(datagram), ENTRY(close), ENTRY(reopen), ENTRY(on_error),
	ENTRY(on_connection), ENTRY(on_server) };

static void
print_entries(const struct sockd_plugin *d)
{
	fputs("  entries    ", stdout);
	for (size_t i = 0; i < array_len(entries); i++) {
		void (*entry)(void);

		memcpy(&entry, (const char *)d + entries[i].offset, sizeof entry);
		if (entry != NULL)
			printf(" %s", entries[i].name);
	}
	putchar('\n');
}

static void
print_option(const struct sockd_option *o)
{
	auto_of(strbuf) struct strbuf line = { 0 };

	describe_type(&line, o);
	if (o->required != 0)
		strbuf_add(&line, "; required");
	else if (o->fallback != NULL)
		strbuf_printf(&line, "; default: %s", o->fallback);
	printf("  %-18s %s\n", o->name, line.data != NULL ? line.data : "");
	if (o->help != NULL)
		printf("  %-18s %s\n", "", o->help);
}

static int
print_info(const struct look *look, const struct plugin *p)
{
	const struct sockd_plugin *d = plugin_description(p);
	const struct sockd_option *o;
	char stack[PARSE_TEXT_SIZE];

	printf("%s %s%s%s\n", d->name, d->version, d->summary != NULL ? ": " : "",
		d->summary != NULL ? d->summary : "");
	printf("  file        %s\n", look->path);
	printf("  license     %s\n", d->license != NULL ? d->license : "not said");
	printf("  ABI         %u.%u (this sockd: %d.%d)\n", (unsigned)d->abi_major, (unsigned)d->abi_minor,
		SOCKD_ABI_MAJOR, SOCKD_ABI_MINOR);
	print_transports(p);
	print_entries(d);
	if ((d->wants & SOCKD_WANTS_FDS) != 0)
		puts("  wants       descriptors that clients pass over unix sockets");
	if (d->stack_size != 0)
		printf("  stack       %s\n", parse_format_size(d->stack_size, stack));
	puts(describe_option(d, 0) != NULL ? "settings:" : "settings: none");
	for (size_t i = 0; (o = describe_option(d, i)) != NULL; i++)
		print_option(o);
	return EX_OK;
}

int
plugin_info(const char *name)
{
	return look_by_name(name, print_info, NULL);
}

/* ---- check ---- */

static void
note_symbol(void *arg, const char *symbol)
{
	unsigned *count = arg;

	if (++*count <= 5)
		printf("note: it exports '%s'; only sockd_plugin is needed (make it static, or compile with "
		       "-fvisibility=hidden)\n",
			symbol);
}

static void
check_symbols(const struct look *look)
{
	unsigned count = 0;

	plugin_symbols_each(look->fd, note_symbol, &count);
	if (count == 0)
		puts("ok: it exports sockd_plugin and nothing else");
}

static void
check_entries(const struct sockd_plugin *d)
{
	bool streams = d->data != NULL || d->serve != NULL;

	if (d->data != NULL && d->serve != NULL)
		puts("note: streams are handed to data(), so serve() is for datagrams only");
	if (d->open != NULL && d->data == NULL)
		puts("note: open() is never called: connections are handed to serve()");
	if (d->start != NULL && d->stop == NULL)
		puts("note: start() has no stop(): what it makes is never given back");
	if (d->thread_start != NULL && d->thread_stop == NULL)
		puts("note: thread_start() has no thread_stop()");
	if (d->data != NULL && d->open != NULL && d->close == NULL)
		puts("note: open() has no close(): what it keeps with a connection is never given back");
	if (streams && d->data != NULL && d->draining == NULL)
		puts("note: it has no draining(): a drain closes a connection as soon as nothing is pending");
	if (d->observe != 0 && d->on_connection == NULL)
		puts("note: observe names states, but there is no on_connection() to tell them to");
}

static int
print_check(const struct look *look, const struct plugin *p)
{
	const struct sockd_plugin *d = plugin_description(p);

	printf("ok: %s belongs to root or to you, and nobody else may write it\n", look->path);
	printf("ok: it loads, and describes '%s' %s for ABI %u.%u\n", d->name, d->version,
		(unsigned)d->abi_major, (unsigned)d->abi_minor);
	check_symbols(look);
	check_entries(d);
	return EX_OK;
}

int
plugin_check(const char *name)
{
	return look_by_name(name, print_check, NULL);
}

/* ---- transports ---- */

static int
count_transports(const struct look *look, const struct plugin *p)
{
	int mask = 0;

	(void)look;
	for (enum cfg_transport t = CFG_TCP; t < CFG_TRANSPORT_COUNT; t++)
		if (plugin_style(p, t) != PLUGIN_CANNOT)
			mask |= 1 << t;
	return MASK_BASE + mask;
}

static int
count_event_transports(const struct look *look, const struct plugin *p)
{
	int mask = 0;

	(void)look;
	for (enum cfg_transport t = CFG_TCP; t < CFG_TRANSPORT_COUNT; t++)
		if (plugin_style(p, t) == PLUGIN_EVENTS)
			mask |= 1 << t;
	return MASK_BASE + mask;
}

_Static_assert(1 << CFG_TRANSPORT_COUNT <= MASK_BASE, "a mask of transports has to fit an exit status");

int
plugin_transports(const char *name, char **ret_path, uint32_t *ret_mask, uint32_t *ret_event_mask)
{
	int status = look_by_name(name, count_transports, ret_path), events;

	if (status < MASK_BASE)
		return status;
	events = look_by_name(name, count_event_transports, NULL);
	if (events < MASK_BASE)
		return events;
	*ret_mask = (uint32_t)(status - MASK_BASE);
	*ret_event_mask = (uint32_t)(events - MASK_BASE);
	return EX_OK;
}
