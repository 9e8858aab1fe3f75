/* What the tests of net/ share: a configuration from a few lines of YAML, brought up and taken down. */
#ifndef TESTS_LISTENING_H
#define TESTS_LISTENING_H

#include "net/listen.h"

#include <errno.h>
#include <signal.h>
#include <stdarg.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sys/wait.h>

#include "base/fdutil.h"
#include "base/strbuf.h"
#include "config/load.h"
#include "net/passed.h"

#include "unit.h"

enum { NOBODY = 65534 };

struct listening {
	struct config *config;
	struct cfg_report report;
	struct snapshot snapshot;
	struct net_files *files;
	struct net_passed *passed; /* the test's */
	struct net_stored *stored; /* the test's */
	int code;
	char *said; /* the report as text, without carets */
};

static inline void
listening_say(struct listening *l)
{
	struct strbuf text = { 0 };

	cfg_report_print(&l->report, &text, false);
	free(l->said);
	l->said = strbuf_take(&text);
	ck_assert_ptr_nonnull(l->said);
}

/* The listeners' part of a file, two blanks deep. */
static inline void printf_like(2, 0) listening_load(struct listening *l, const char *format, va_list args)
{
	struct strbuf text = { 0 };

	strbuf_add(&text, "version: 1\nlisteners:\n");
	strbuf_vprintf(&text, format, args);
	ck_assert(!text.failed);
	if (config_parse_text("test.yaml", text.data, text.size, NULL, &l->config, &l->report) < 0) {
		listening_say(l);
		ck_abort_msg("the test's file is wrong: %s\n%s", text.data, l->said);
	}
	strbuf_fini(&text);
	l->snapshot.config = l->config;
}

static inline void printf_like(3, 4)
	listening_start(struct listening *l, unsigned loops, const char *format, ...)
{
	va_list args;

	va_start(args, format);
	listening_load(l, format, args);
	va_end(args);
	l->snapshot.loops = loops;
	l->code = net_listen_all(l->config, loops, l->passed, l->stored, &l->report, &l->snapshot, &l->files);
	listening_say(l);
}

static inline void printf_like(2, 3) listening_check(struct listening *l, const char *format, ...)
{
	va_list args;

	va_start(args, format);
	listening_load(l, format, args);
	va_end(args);
	l->code = net_check_all(l->config, &l->report);
	listening_say(l);
}

static inline void
listening_stop(struct listening *l)
{
	net_files_remove(l->files);
	for (size_t i = 0; i < l->snapshot.socket_count; i++)
		close(l->snapshot.sockets[i].fd);
	free(l->snapshot.sockets);
	config_unref(l->config);
	cfg_report_fini(&l->report);
	free(l->said);
	*l = (struct listening){ .passed = l->passed };
}

/* Fail with what was said instead. */
#define expect_listening(l) ck_assert_msg((l)->code == 0, "%s", (l)->said)
#define expect_said(l, words) \
	ck_assert_msg(strstr((l)->said, words) != NULL, "'%s' is not in:\n%s", words, (l)->said)

static inline int
number_option(int fd, int level, int option)
{
	int value = -1;
	socklen_t size = sizeof value;

	ck_assert_int_eq(getsockopt(fd, level, option, &value, &size), 0);
	return value;
}

static inline bool
has_root(const char *what)
{
	if (geteuid() == 0)
		return true;
	printf("# SKIPPED without root: %s\n", what);
	return false;
}

static inline struct sockaddr_un
unix_name(const char *path)
{
	struct sockaddr_un a = { .sun_family = AF_UNIX };

	ck_assert_uint_lt(strlen(path), sizeof a.sun_path);
	strcpy(a.sun_path, path);
	return a;
}

/* A plain socket of somebody else: -1 if it can't be bound. */
static inline int
foreign_unix(const char *path, int type, bool listening)
{
	struct sockaddr_un a = unix_name(path);
	int fd = socket(AF_UNIX, type | SOCK_CLOEXEC, 0);

	ck_assert_int_ge(fd, 0);
	ck_assert_int_eq(bind(fd, (struct sockaddr *)&a, sizeof a), 0);
	if (listening)
		ck_assert_int_eq(listen(fd, 5), 0);
	return fd;
}

/* @return 0 or the errno of connect() */
static inline int
try_unix(const char *path, int type)
{
	struct sockaddr_un a = unix_name(path);
	int fd = socket(AF_UNIX, type | SOCK_CLOEXEC, 0);
	int result;

	if (fd < 0)
		return errno;
	result = connect(fd, (struct sockaddr *)&a, sizeof a) == 0 ? 0 : errno;
	close(fd);
	return result;
}

/* try_unix() as another user. */
static inline int
try_unix_as(uid_t uid, const char *path, int type)
{
	pid_t pid = fork();
	int status;

	ck_assert_int_ge(pid, 0);
	if (pid == 0)
		_exit(setgid(uid) < 0 || setuid(uid) < 0 ? 255 : try_unix(path, type));
	ck_assert_int_eq(waitpid(pid, &status, 0), pid);
	ck_assert(WIFEXITED(status));
	return WEXITSTATUS(status);
}

/* A folder that others may pass through, and a path in it. */
struct place {
	char *folder;
	char path[128];
};

static inline struct place
place_new(void)
{
	struct place p = { .folder = unit_tempdir() };

	ck_assert_int_eq(chmod(p.folder, 0755), 0);
	snprintf(p.path, sizeof p.path, "%s/s", p.folder);
	return p;
}

static inline struct stat
stat_of(const char *path)
{
	struct stat st;

	ck_assert_msg(lstat(path, &st) == 0, "%s: %s", path, strerror(errno));
	return st;
}

static inline bool
exists(const char *path)
{
	struct stat st;

	return lstat(path, &st) == 0;
}

/* Even numbers are streams, odd ones datagrams. */
static inline const char *
unix_scheme(int i)
{
	return i % 2 == 0 ? "unix" : "unixgram";
}

static inline int
unix_type(int i)
{
	return i % 2 == 0 ? SOCK_STREAM : SOCK_DGRAM;
}

#endif
