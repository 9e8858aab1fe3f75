/* Every call that can fail, fails once: the first, the second ... of each function and with each of its usual
 * errors. A start then works all the same, or says what is wrong and leaves nothing behind.
 *
 * The functions below take the place of libc's for everything that is linked statically: our own code. */
#include "net/listen.h"

#include <dlfcn.h>
#include <fcntl.h>
#include <netdb.h>
#include <netinet/in.h>
#include <stdarg.h>
#include <sys/syscall.h>

#include "listening.h"

enum call {
	CALL_SOCKET,
	CALL_BIND,
	CALL_LISTEN,
	CALL_SETSOCKOPT,
	CALL_GETSOCKNAME,
	CALL_FCHMOD,
	CALL_OPEN,
	CALL_FCHOWNAT,
	CALL_CHMOD,
	CALL_UNLINK,
	CALL_FCNTL,
	CALL_CALLOC,
	CALL_REALLOCARRAY,
	CALL_STRDUP,
	CALL_GETADDRINFO,
	CALL_COUNT
};

static const struct {
	const char *name;
	int errors[6]; /* 0 ends the list */
} calls[CALL_COUNT] = {
	[CALL_SOCKET] = { "socket", { EAFNOSUPPORT, EMFILE } },
	[CALL_BIND] = { "bind", { EADDRINUSE, EADDRNOTAVAIL, EACCES, EINVAL, ENOSPC } },
	[CALL_LISTEN] = { "listen", { EADDRINUSE, ENOBUFS } },
	[CALL_SETSOCKOPT] = { "setsockopt", { EPERM, ENOPROTOOPT } },
	[CALL_GETSOCKNAME] = { "getsockname", { ENOBUFS } },
	[CALL_FCHMOD] = { "fchmod", { EIO } },
	[CALL_OPEN] = { "open", { EMFILE, EACCES } },
	[CALL_FCHOWNAT] = { "fchownat", { EPERM, EIO } },
	[CALL_CHMOD] = { "chmod", { EPERM, EROFS } },
	[CALL_UNLINK] = { "unlink", { EPERM } },
	[CALL_FCNTL] = { "fcntl", { EMFILE } },
	[CALL_CALLOC] = { "calloc", { ENOMEM } },
	[CALL_REALLOCARRAY] = { "reallocarray", { ENOMEM } },
	[CALL_STRDUP] = { "strdup", { ENOMEM } },
	[CALL_GETADDRINFO] = { "getaddrinfo", { EAI_AGAIN, EAI_MEMORY, EAI_SYSTEM, EAI_FAIL } },
};

/* The one fault that is to happen. */
static struct fault {
	bool armed, fired;
	enum call call;
	int nth, countdown, error;
} fault;

static bool
fails(enum call call)
{
	if (!fault.armed || fault.call != call || fault.countdown-- != 1)
		return false;
	fault.fired = true;
	errno = fault.error;
	return true;
}

int
socket(int domain, int type, int protocol)
{
	return fails(CALL_SOCKET) ? -1 : (int)syscall(SYS_socket, domain, type, protocol);
}

int
bind(int fd, __CONST_SOCKADDR_ARG address, socklen_t size)
{
	return fails(CALL_BIND) ? -1 : (int)syscall(SYS_bind, fd, address.__sockaddr__, size);
}

int
listen(int fd, int backlog)
{
	return fails(CALL_LISTEN) ? -1 : (int)syscall(SYS_listen, fd, backlog);
}

int
setsockopt(int fd, int level, int name, const void *value, socklen_t size)
{
	return fails(CALL_SETSOCKOPT) ? -1 : (int)syscall(SYS_setsockopt, fd, level, name, value, size);
}

int
getsockname(int fd, __SOCKADDR_ARG address, socklen_t *size)
{
	return fails(CALL_GETSOCKNAME) ? -1 : (int)syscall(SYS_getsockname, fd, address.__sockaddr__, size);
}

int
fchmod(int fd, mode_t mode)
{
	return fails(CALL_FCHMOD) ? -1 : (int)syscall(SYS_fchmod, fd, mode);
}

int
open(const char *path, int flags, ...)
{
	va_list args;
	int mode;

	va_start(args, flags);
	mode = (flags & O_CREAT) != 0 ? va_arg(args, int) : 0;
	va_end(args);
	return fails(CALL_OPEN) ? -1 : (int)syscall(SYS_openat, AT_FDCWD, path, flags, mode);
}

int
fchownat(int fd, const char *path, uid_t owner, gid_t group, int flags)
{
	return fails(CALL_FCHOWNAT) ? -1 : (int)syscall(SYS_fchownat, fd, path, owner, group, flags);
}

int
chmod(const char *path, mode_t mode)
{
	return fails(CALL_CHMOD) ? -1 : (int)syscall(SYS_fchmodat, AT_FDCWD, path, mode);
}

int
unlink(const char *path)
{
	return fails(CALL_UNLINK) ? -1 : (int)syscall(SYS_unlinkat, AT_FDCWD, path, 0);
}

int
fcntl(int fd, int command, ...)
{
	va_list args;
	long argument;

	va_start(args, command);
	argument = va_arg(args, long);
	va_end(args);
	return fails(CALL_FCNTL) ? -1 : (int)syscall(SYS_fcntl, fd, command, argument);
}

void *
calloc(size_t count, size_t size)
{
	void *bytes = fails(CALL_CALLOC) ? NULL : malloc(count * size);

	__asm__("" : "+r"(bytes)); /* or the compiler makes calloc() of the two, and this calls itself */
	if (bytes != NULL)
		memset(bytes, 0, count * size);
	return bytes;
}

void *
reallocarray(void *old, size_t count, size_t size)
{
	return fails(CALL_REALLOCARRAY) ? NULL : realloc(old, count * size);
}

char *
strdup(const char *text)
{
	char *copy = fails(CALL_STRDUP) ? NULL : malloc(strlen(text) + 1);

	return copy != NULL ? strcpy(copy, text) : NULL;
}

int
getaddrinfo(const char *host, const char *service, const struct addrinfo *hints, struct addrinfo **ret)
{
	__typeof__(getaddrinfo) *real = (__typeof__(getaddrinfo) *)dlsym(RTLD_NEXT, "getaddrinfo");

	if (!fails(CALL_GETADDRINFO))
		return real(host, service, hints, ret);
	errno = EIO;
	return fault.error;
}

/* The stale socket that was there before may stay, of ours nothing. (An unlink() that fails leaves what it
 * was for.) */
static void
expect_nothing_left(const char *folder, const struct stat *stale)
{
	char path[128];

	for (const char *name = "sg"; *name != '\0'; name++) {
		struct stat st;

		snprintf(path, sizeof path, "%s/%c", folder, *name);
		if (lstat(path, &st) < 0)
			continue;
		ck_assert_msg(st.st_ino == stale->st_ino || fault.call == CALL_UNLINK,
			"%s(), call %d: %s is left", calls[fault.call].name, fault.nth, path);
		syscall(SYS_unlinkat, AT_FDCWD, path, 0);
	}
}

/* A datagram socket with a name of the kernel's choice. */
static int
passed_datagram(void)
{
	struct sockaddr_un a = { .sun_family = AF_UNIX };
	int fd = socket(AF_UNIX, SOCK_DGRAM, 0);

	ck_assert_int_eq(bind(fd, (struct sockaddr *)&a, sizeof a.sun_family), 0);
	return fd;
}

/* One start with one fault. @return whether the fault came to pass */
static bool
start_with_fault(const char *folder, enum call call, int nth, int error)
{
	int before = fd_count_open();
	struct listening l = { .passed = net_passed_new() };
	char path[128];
	struct stat stale;
	int pin;

	snprintf(path, sizeof path, "%s/s", folder);
	close(foreign_unix(path, SOCK_STREAM, false));
	pin = open(path, O_PATH | O_CLOEXEC); /* so that its number is not given to another file */
	ck_assert_int_eq(fstat(pin, &stale), 0);
	ck_assert_int_eq(net_passed_add(l.passed, "it", passed_datagram()), 0);
	listening_check(&l,
		"  a: {listen: ['tcp://localhost:0', 'tcp://[::1]:0'], handler: echo, socket: "
		"{receive_buffer: 9000, "
		"device: lo, freebind: true, reuse_port: true}}\n"
		"  b: {listen: 'udp://127.0.0.1:0', handler: echo}\n"
		"  c: {listen: ['unix://%s/s', 'unixgram://%s/g', 'unix:@faults-%d'], handler: echo, "
		"socket: {mode: '0666', owner: '0', group: '0'}}\n"
		"  d: {listen: 'systemd:it', handler: echo}\n",
		folder, folder, (int)getpid());
	expect_listening(&l);
	fault = (struct fault){ .armed = true, .call = call, .nth = nth, .countdown = nth, .error = error };
	l.code = net_listen_all(l.config, 2, l.passed, NULL, &l.report, &l.snapshot, &l.files);
	fault.armed = false;
	listening_say(&l);
	if (l.code < 0) {
		ck_assert_msg(l.report.errors > 0 || l.report.out_of_memory, "%s(), call %d: silent",
			calls[call].name, nth);
		ck_assert_uint_eq(l.snapshot.socket_count, 0);
	}
	listening_stop(&l);
	expect_nothing_left(folder, &stale);
	net_passed_free(l.passed);
	close(pin);
	ck_assert_msg(
		fd_count_open() == before, "%s(), call %d: descriptors are left", calls[call].name, nth);
	return fault.fired;
}

START_TEST(every_fault_ends_in_words_and_leaves_nothing)
{
	char *folder = unit_tempdir();
	int faults = 0;

	for (int call = 0; call < CALL_COUNT && has_root("the whole sweep of faults"); call++)
		for (size_t i = 0; i < array_len(calls[call].errors) && calls[call].errors[i] != 0; i++)
			for (int nth = 1;
				start_with_fault(folder, (enum call)call, nth, calls[call].errors[i]); nth++)
				faults++;

	ck_assert(faults > 100 || geteuid() != 0);
	unit_tempdir_remove(folder);
}
END_TEST

UNIT_TESTS("faults", every_fault_ends_in_words_and_leaves_nothing)
