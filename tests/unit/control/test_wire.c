/* control/wire.c: messages of any size arrive whole, and what no sockd sends is refused. */
#include "control/wire.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/fdutil.h"
#include "unit.h"

static struct wire *a, *b;
static int refusal; /* what the kernel says to whoever sends; 0: it sends */

ssize_t
sendmsg(int fd, const struct msghdr *message, int flags)
{
	if (refusal == 0)
		return syscall(SYS_sendmsg, fd, message, flags);
	errno = refusal;
	return -1;
}

static void
prepare(void)
{
	struct err e = { 0 };
	int fds[2];

	ck_assert_int_eq(wire_pair(fds, &e), 0);
	ck_assert_int_eq(wire_new(fds[0], &a), 0);
	ck_assert_int_eq(wire_new(fds[1], &b), 0);
}

static void
finish(void)
{
	wire_free(a);
	wire_free(b);
}

/* Receive on b while a sends what it kept. */
static struct wire_message
receive(void)
{
	struct wire_message m = { 0 };
	int code = 0;

	while (code == 0) {
		ck_assert_int_eq(wire_flush(a), 0);
		code = wire_receive(b, &m);
	}
	ck_assert_int_eq(code, 1);
	return m;
}

START_TEST(a_small_message_arrives_with_type_and_number)
{
	struct wire_message m;

	prepare();
	ck_assert_int_eq(wire_receive(b, &m), 0);

	ck_assert_int_eq(wire_send(a, 7, 99, "hello", 5, NULL, 0), 0);

	m = receive();
	ck_assert_uint_eq(m.type, 7);
	ck_assert_uint_eq(m.number, 99);
	ck_assert_uint_eq(m.size, 5);
	ck_assert_mem_eq(m.body, "hello", 5);
	ck_assert_uint_eq(m.fd_count, 0);
	wire_message_fini(&m);
	finish();
}
END_TEST

START_TEST(a_large_body_and_many_descriptors_arrive_in_order)
{
	enum { SIZE = 3 * 1000 * 1000, FDS = 450 };
	int before, *fds = calloc(FDS, sizeof *fds);
	char *body = malloc(SIZE);
	struct wire_message m;

	prepare();
	before = fd_count_open();
	for (size_t i = 0; i < SIZE; i++)
		body[i] = (char)(i * 7);
	for (int i = 0; i < FDS; i++) {
		fds[i] = memfd_create("test", MFD_CLOEXEC);
		ck_assert_int_eq(write(fds[i], &i, sizeof i), sizeof i);
	}

	ck_assert_int_eq(wire_send(a, 1, 0, body, SIZE, fds, FDS), 0);

	m = receive();
	ck_assert_uint_eq(m.size, SIZE);
	ck_assert_mem_eq(m.body, body, SIZE);
	ck_assert_uint_eq(m.fd_count, FDS);
	for (int i = 0; i < FDS; i++) {
		int which = -1;

		ck_assert_int_eq(pread(m.fds[i], &which, sizeof which, 0), sizeof which);
		ck_assert_int_eq(which, i);
		ck_assert_int_eq(fcntl(m.fds[i], F_GETFD), FD_CLOEXEC);
		close(fds[i]);
	}
	wire_message_fini(&m);
	ck_assert_int_eq(fd_count_open(), before);
	free(body);
	free(fds);
	finish();
}
END_TEST

START_TEST(what_the_socket_does_not_take_is_kept_in_order)
{
	enum { COUNT = 400 };
	static const char body[4000];
	struct wire_message m;

	prepare();
	for (unsigned i = 0; i < COUNT; i++)
		ck_assert_int_eq(wire_send(a, 1, i, body, sizeof body, NULL, 0), 0);
	ck_assert(wire_wants_write(a));

	for (unsigned i = 0; i < COUNT; i++) {
		m = receive();
		ck_assert_uint_eq(m.number, i);
		wire_message_fini(&m);
	}
	ck_assert(!wire_wants_write(a));
	finish();
}
END_TEST

START_TEST(a_descriptor_that_is_taken_is_not_closed)
{
	int fd = open("/dev/null", O_RDONLY | O_CLOEXEC), taken;
	struct wire_message m;

	prepare();
	ck_assert_int_eq(wire_send(a, 1, 0, NULL, 0, &fd, 1), 0);
	m = receive();

	taken = wire_message_take_fd(&m, 0);

	ck_assert_int_eq(wire_message_take_fd(&m, 0), -1);
	ck_assert_int_eq(wire_message_take_fd(&m, 1), -1);
	wire_message_fini(&m);
	ck_assert_int_eq(fcntl(taken, F_GETFD), FD_CLOEXEC);
	close(taken);
	close(fd);
	finish();
}
END_TEST

START_TEST(the_end_of_the_other_side_is_told_after_its_last_message)
{
	struct wire_message m;

	prepare();
	ck_assert_int_eq(wire_send(a, 3, 0, NULL, 0, NULL, 0), 0);
	wire_free(a);
	a = NULL;

	ck_assert_int_eq(wire_receive(b, &m), 1);
	wire_message_fini(&m);
	ck_assert_int_eq(wire_receive(b, &m), -EPIPE);
	ck_assert_int_eq(wire_send(b, 3, 0, NULL, 0, NULL, 0), -EPIPE);
	finish();
}
END_TEST

START_TEST(a_message_that_is_never_received_leaves_nothing_open)
{
	int fd = open("/dev/null", O_RDONLY | O_CLOEXEC), before;
	static const char body[4000];

	prepare();
	before = fd_count_open();
	for (unsigned i = 0; i < 300; i++)
		ck_assert_int_eq(wire_send(a, 1, i, body, sizeof body, &fd, 1), 0);

	finish();

	ck_assert_int_eq(fd_count_open(), before - 2);
	close(fd);
}
END_TEST

/* What a worker that was taken over might send. */
static void
refuses(const void *packet, size_t size, int fd)
{
	char control[CMSG_SPACE(sizeof(int))] = { 0 };
	struct iovec iov = { .iov_base = (void *)(uintptr_t)packet, .iov_len = size };
	struct msghdr h = { .msg_iov = &iov, .msg_iovlen = 1 };
	struct wire_message m = { 0 };
	int before;

	prepare();
	before = fd_count_open();
	if (fd >= 0) {
		struct cmsghdr *c = (struct cmsghdr *)(void *)control;

		h.msg_control = control;
		h.msg_controllen = sizeof control;
		*c = (struct cmsghdr){
			.cmsg_level = SOL_SOCKET, .cmsg_type = SCM_RIGHTS, .cmsg_len = CMSG_LEN(sizeof(int))
		};
		memcpy(CMSG_DATA(c), &fd, sizeof fd);
	}
	ck_assert_int_eq(sendmsg(wire_fd(a), &h, 0), (ssize_t)size);
	ck_assert_int_eq(wire_receive(b, &m), -EBADMSG);
	finish();
	ck_assert_int_eq(fd_count_open(), before - 2);
}

#define WORD(n) (n) & 0xff, (n) >> 8 & 0xff, (n) >> 16 & 0xff, (n) >> 24
#define PACKET(flags, size, fds)                                                        \
	(const unsigned char[])                                                         \
	{                                                                               \
		WORD(0x736b6431U), WORD(flags), WORD(1), WORD(0), WORD(size), WORD(fds) \
	}

START_TEST(strange_packets_are_refused_and_leave_nothing_open)
{
	int null = open("/dev/null", O_RDONLY | O_CLOEXEC), memfd, small;
	static unsigned char huge[24 + WIRE_INLINE + 100];
	struct stat st;

	ck_assert_int_eq(fd_memfd("test", "abc", 3, &memfd), 0);
	ck_assert_int_eq(fd_memfd("test", "", 0, &small), 0);
	refuses("hello", 5, -1);
	refuses(PACKET(0, 0, 0), 23, -1);
	refuses(PACKET(0, 5, 0), 24, -1);    /* a body that is not there */
	refuses(PACKET(0, 0, 1), 24, -1);    /* a descriptor that is not there */
	refuses(PACKET(0, 0, 0), 24, null);  /* one that was not announced */
	refuses(PACKET(1, 0, 1), 24, null);  /* more to come, though there is room */
	refuses(PACKET(2, 4, 1), 24, memfd); /* a body that is shorter than told */
	refuses(PACKET(2, 0, 1), 24, small); /* an empty one in a memfd */
	refuses(PACKET(2, 10, 1), 24, null); /* no memfd */
	refuses(PACKET(2, WIRE_BODY_MAX + 1, 1), 24, memfd);
	memcpy(huge, PACKET(0, WIRE_INLINE + 100, 0), 24);
	refuses(huge, sizeof huge, -1);
	ck_assert_int_eq(fstat(null, &st), 0);
	close(null);
	close(memfd);
	close(small);
}
END_TEST

START_TEST(a_body_is_read_from_sealed_memory_only)
{
	auto_of(fd) int sealed = -1;
	int open_memory = memfd_create("test", MFD_CLOEXEC | MFD_ALLOW_SEALING), file;
	char *dir = unit_tempdir(), path[512];

	snprintf(path, sizeof path, "%s/file", dir);
	file = open(path, O_CREAT | O_RDWR | O_CLOEXEC, 0600);
	ck_assert_int_eq(fd_write_all(open_memory, "abc", 3), 0);
	ck_assert_int_eq(fd_write_all(file, "abc", 3), 0);
	ck_assert_int_eq(fd_memfd("test", "abc", 3, &sealed), 0);

	refuses(PACKET(2, 3, 1), 24, file);
	refuses(PACKET(2, 3, 1), 24, open_memory);
	ck_assert_int_eq(fcntl(open_memory, F_ADD_SEALS, F_SEAL_SHRINK | F_SEAL_GROW), 0);
	refuses(PACKET(2, 3, 1), 24, open_memory);

	close(open_memory);
	close(file);
	unit_tempdir_remove(dir);
}
END_TEST

START_TEST(an_empty_packet_is_refused_with_its_descriptors)
{
	int null = open("/dev/null", O_RDONLY | O_CLOEXEC);

	refuses("", 0, null);
	close(null);
}
END_TEST

START_TEST(what_the_kernel_has_no_memory_for_is_sent_later_and_not_waited_for_by_poll)
{
	const int refusals[] = { ENOBUFS, ENOMEM, ETOOMANYREFS };
	struct wire_message m;

	prepare();
	for (size_t i = 0; i < array_len(refusals); i++) {
		refusal = refusals[i];
		ck_assert_int_eq(wire_send(a, 1, 7, "x", 1, NULL, 0), 0);
		ck_assert_int_eq(wire_flush(a), 0);

		ck_assert(wire_is_waiting(a));
		ck_assert(!wire_wants_write(a)); /* the socket is writable: who waited for that would spin */
		ck_assert_int_gt(wire_retry_ms(a), 0);

		refusal = 0;
		m = receive();
		ck_assert_uint_eq(m.number, 7);
		ck_assert(!wire_is_waiting(a));
		ck_assert_int_eq(wire_retry_ms(a), -1);
		wire_message_fini(&m);
	}
	finish();
}
END_TEST

START_TEST(what_is_too_large_is_not_sent)
{
	prepare();
	ck_assert_int_eq(wire_send(a, 1, 0, "", (size_t)WIRE_BODY_MAX + 1, NULL, 0), -E2BIG);
	ck_assert_int_eq(wire_send(a, 1, 0, "", 0, NULL, WIRE_FDS_MAX), -E2BIG);
	ck_assert(!wire_wants_write(a));
	finish();
}
END_TEST

START_TEST(without_descriptors_nothing_is_sent)
{
	struct rlimit old, none;
	int fd = open("/dev/null", O_RDONLY | O_CLOEXEC);
	struct wire_message m;

	prepare();
	ck_assert_int_eq(getrlimit(RLIMIT_NOFILE, &old), 0);
	none = (struct rlimit){ .rlim_cur = (rlim_t)wire_fd(b) + 1, .rlim_max = old.rlim_max };
	ck_assert_int_eq(setrlimit(RLIMIT_NOFILE, &none), 0);
	ck_assert_int_eq(wire_send(a, 1, 0, NULL, 0, &fd, 1), -EMFILE);
	ck_assert_int_eq(setrlimit(RLIMIT_NOFILE, &old), 0);

	ck_assert_int_eq(wire_receive(b, &m), 0);
	close(fd);
	finish();
}
END_TEST

UNIT_TESTS("wire", a_small_message_arrives_with_type_and_number,
	a_large_body_and_many_descriptors_arrive_in_order, what_the_socket_does_not_take_is_kept_in_order,
	a_descriptor_that_is_taken_is_not_closed, the_end_of_the_other_side_is_told_after_its_last_message,
	a_message_that_is_never_received_leaves_nothing_open,
	strange_packets_are_refused_and_leave_nothing_open, a_body_is_read_from_sealed_memory_only,
	an_empty_packet_is_refused_with_its_descriptors,
	what_the_kernel_has_no_memory_for_is_sent_later_and_not_waited_for_by_poll,
	what_is_too_large_is_not_sent, without_descriptors_nothing_is_sent)
