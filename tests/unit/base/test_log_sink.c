/* Writing without waiting: what a descriptor does not take stays, in order, in whole lines. */
#include "base/log_sink.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/un.h>

#include "base/fdutil.h"
#include "unit.h"

static void
add(struct log_sink *k, const char *text)
{
	strbuf_add(&k->out, text);
	ck_assert(log_sink_end_message(k));
}

static int
new_file(const char *folder, const char *name)
{
	char path[256];
	int fd;

	snprintf(path, sizeof path, "%s/%s", folder, name);
	fd = open(path, O_RDWR | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
	ck_assert_int_ge(fd, 0);
	return fd;
}

static void
check_content(const char *folder, const char *name, const char *expected)
{
	auto_of(fd) int fd = new_file(folder, name);
	auto_of(mem) char *bytes = NULL;
	size_t size = 0;

	ck_assert_int_eq(fd_read_all(fd, 1 << 20, &bytes, &size), 0);
	ck_assert_str_eq(bytes, expected);
}

START_TEST(messages_reach_a_file_in_order)
{
	char *folder = unit_tempdir();
	struct log_sink k;

	log_sink_init(&k, new_file(folder, "log"), LOG_TO_STREAM);
	add(&k, "one\n");
	add(&k, "two\n");
	ck_assert(!log_sink_is_empty(&k));
	ck_assert_int_eq(log_sink_write(&k), 0);
	ck_assert(log_sink_is_empty(&k));
	add(&k, "three\n");
	ck_assert_int_eq(log_sink_write(&k), 0);

	check_content(folder, "log", "one\ntwo\nthree\n");
	log_sink_fini(&k);
	unit_tempdir_remove(folder);
}
END_TEST

START_TEST(a_pipe_that_nobody_reads_is_not_waited_for)
{
	struct log_sink k;
	char line[512], *bytes = malloc(1 << 20);
	size_t lines = 0, size = 0;
	int p[2];

	ck_assert_int_eq(pipe2(p, O_CLOEXEC), 0); /* blocking: its flags are not ours to change */
	memset(line, 'x', sizeof line);
	memcpy(line + sizeof line - 2, "\n", 2);
	log_sink_init(&k, p[1], LOG_TO_STREAM);
	for (int r = 0; r == 0;) {
		while (log_sink_has_room(&k)) {
			add(&k, line);
			lines++;
		}
		r = log_sink_write(&k);
		ck_assert(r == 0 || r == -EAGAIN);
	}
	ck_assert(!log_sink_is_empty(&k));
	ck_assert_int_eq(fcntl(p[1], F_GETFL) & O_NONBLOCK, 0);

	for (int r = -EAGAIN; r != 0;) {
		ssize_t n = read(p[0], bytes + size, 4096);

		ck_assert_int_gt(n, 0);
		size += (size_t)n;
		r = log_sink_write(&k);
		ck_assert(r == 0 || r == -EAGAIN);
	}
	log_sink_fini(&k);
	for (ssize_t n = 1; n > 0; size += (size_t)n)
		n = read(p[0], bytes + size, 4096);

	ck_assert_uint_eq(size, lines * (sizeof line - 1));
	for (size_t i = 0; i < size; i++)
		ck_assert_int_eq(bytes[i], i % (sizeof line - 1) == sizeof line - 2 ? '\n' : 'x');
	free(bytes);
	close(p[0]);
}
END_TEST

START_TEST(a_stream_socket_that_nobody_reads_is_not_waited_for)
{
	struct log_sink k;
	int r = 0, p[2];

	ck_assert_int_eq(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, p), 0);
	log_sink_init(&k, p[1], LOG_TO_STREAM);
	while (r == 0) {
		while (log_sink_has_room(&k))
			add(&k, "a line that goes nowhere, for a while at least\n");
		r = log_sink_write(&k);
	}

	ck_assert_int_eq(r, -EAGAIN);
	close(p[0]);
	ck_assert_int_eq(log_sink_write(&k), -EPIPE); /* and no signal */
	ck_assert(!log_sink_is_empty(&k));
	log_sink_fini(&k);
}
END_TEST

START_TEST(a_full_disk_is_reported_and_nothing_is_lost)
{
	char *folder = unit_tempdir();
	int full = open("/dev/full", O_WRONLY | O_CLOEXEC);
	struct log_sink k;

	ck_assert_int_ge(full, 0);
	log_sink_init(&k, full, LOG_TO_STREAM);
	add(&k, "one\n");
	ck_assert_int_eq(log_sink_write(&k), -ENOSPC);
	log_sink_replace(&k, new_file(folder, "log"));
	add(&k, "two\n");
	ck_assert_int_eq(log_sink_write(&k), 0);

	check_content(folder, "log", "one\ntwo\n");
	log_sink_fini(&k);
	unit_tempdir_remove(folder);
}
END_TEST

START_TEST(a_line_cut_by_a_replaced_descriptor_is_written_again_as_a_whole)
{
	char *folder = unit_tempdir();
	struct log_sink k;

	log_sink_init(&k, new_file(folder, "old"), LOG_TO_STREAM);
	add(&k, "first\n");
	add(&k, "second\n");
	add(&k, "third\n");
	k.sent = 1; /* as after a write that took eight bytes */
	k.done = 8;
	log_sink_replace(&k, new_file(folder, "new"));
	ck_assert_int_eq(log_sink_write(&k), 0);

	check_content(folder, "new", "second\nthird\n");
	log_sink_fini(&k);
	unit_tempdir_remove(folder);
}
END_TEST

START_TEST(a_message_that_ran_out_of_memory_leaves_no_trace)
{
	char *folder = unit_tempdir();
	struct log_sink k;

	log_sink_init(&k, new_file(folder, "log"), LOG_TO_STREAM);
	add(&k, "one\n");
	strbuf_add(&k.out, "half of");
	k.out.failed = true;
	ck_assert(!log_sink_end_message(&k));
	add(&k, "two\n");
	ck_assert_int_eq(log_sink_write(&k), 0);

	check_content(folder, "log", "one\ntwo\n");
	log_sink_fini(&k);
	unit_tempdir_remove(folder);
}
END_TEST

START_TEST(each_message_is_a_datagram)
{
	struct log_sink k;
	char bytes[64];
	int p[2];

	ck_assert_int_eq(socketpair(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0, p), 0);
	log_sink_init(&k, p[1], LOG_TO_SYSLOG);
	add(&k, "one");
	add(&k, "three");
	ck_assert_int_eq(log_sink_write(&k), 0);

	ck_assert_int_eq(recv(p[0], bytes, sizeof bytes, MSG_DONTWAIT), 3);
	ck_assert_mem_eq(bytes, "one", 3);
	ck_assert_int_eq(recv(p[0], bytes, sizeof bytes, MSG_DONTWAIT), 5);
	ck_assert_mem_eq(bytes, "three", 5);
	log_sink_fini(&k);
	close(p[0]);
}
END_TEST

static char *
long_text(size_t size)
{
	char *text = malloc(size + 1);

	memset(text, 'j', size);
	text[size] = '\0';
	return text;
}

START_TEST(a_journal_entry_too_large_for_a_datagram_goes_as_a_sealed_file)
{
	union {
		struct cmsghdr align;
		char bytes[CMSG_SPACE(sizeof(int))];
	} control;
	char byte, *text = long_text(30000);
	struct iovec iov = { &byte, 1 };
	struct msghdr m = {
		.msg_iov = &iov, .msg_iovlen = 1, .msg_control = &control, .msg_controllen = sizeof control
	};
	auto_of(mem) char *received = NULL;
	size_t size = 0;
	struct log_sink k;
	int p[2], small = 4096, fd;

	ck_assert_int_eq(socketpair(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0, p), 0);
	setsockopt(p[1], SOL_SOCKET, SO_SNDBUF, &small, sizeof small);
	log_sink_init(&k, p[1], LOG_TO_JOURNAL);
	add(&k, text);
	ck_assert_int_eq(log_sink_write(&k), 0);

	ck_assert_int_eq(recvmsg(p[0], &m, MSG_DONTWAIT | MSG_CMSG_CLOEXEC), 0);
	ck_assert_ptr_nonnull(CMSG_FIRSTHDR(&m));
	memcpy(&fd, CMSG_DATA(CMSG_FIRSTHDR(&m)), sizeof fd);
	ck_assert_int_eq(fcntl(fd, F_GET_SEALS), F_SEAL_SEAL | F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_WRITE);
	ck_assert_int_eq(lseek(fd, 0, SEEK_SET), 0);
	ck_assert_int_eq(fd_read_all(fd, 1 << 20, &received, &size), 0);
	ck_assert_str_eq(received, text);
	log_sink_fini(&k);
	free(text);
	close(p[0]);
	close(fd);
}
END_TEST

START_TEST(a_syslog_message_too_large_for_a_datagram_holds_up_no_other)
{
	char bytes[64], *text = long_text(30000);
	int p[2], small = 4096;
	struct log_sink k;

	ck_assert_int_eq(socketpair(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0, p), 0);
	setsockopt(p[1], SOL_SOCKET, SO_SNDBUF, &small, sizeof small);
	log_sink_init(&k, p[1], LOG_TO_SYSLOG);
	add(&k, text);
	add(&k, "next");
	ck_assert_int_eq(log_sink_write(&k), 0);

	ck_assert_uint_eq(k.refused, 1);
	ck_assert_int_eq(recv(p[0], bytes, sizeof bytes, MSG_DONTWAIT), 4);
	log_sink_fini(&k);
	free(text);
	close(p[0]);
}
END_TEST

static int
bind_datagram(const struct sockaddr_un *address)
{
	int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);

	ck_assert_int_ge(fd, 0);
	ck_assert_int_eq(bind(fd, (const struct sockaddr *)address, sizeof *address), 0);
	return fd;
}

START_TEST(a_restarted_reader_is_found_again)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX };
	char *folder = unit_tempdir(), bytes[64];
	int reader, fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	struct log_sink k;

	snprintf(address.sun_path, sizeof address.sun_path, "%s/log", folder);
	reader = bind_datagram(&address);
	ck_assert_int_eq(connect(fd, (struct sockaddr *)&address, sizeof address), 0);
	log_sink_init(&k, fd, LOG_TO_SYSLOG);
	close(reader);
	add(&k, "kept");
	ck_assert_int_eq(log_sink_write(&k), -ECONNREFUSED);
	unlink(address.sun_path);
	reader = bind_datagram(&address);
	ck_assert_int_eq(log_sink_write(&k), 0);

	ck_assert_int_eq(recv(reader, bytes, sizeof bytes, 0), 4);
	log_sink_fini(&k);
	close(reader);
	unit_tempdir_remove(folder);
}
END_TEST

UNIT_TESTS("log_sink", messages_reach_a_file_in_order, a_pipe_that_nobody_reads_is_not_waited_for,
	a_stream_socket_that_nobody_reads_is_not_waited_for, a_full_disk_is_reported_and_nothing_is_lost,
	a_line_cut_by_a_replaced_descriptor_is_written_again_as_a_whole,
	a_message_that_ran_out_of_memory_leaves_no_trace, each_message_is_a_datagram,
	a_journal_entry_too_large_for_a_datagram_goes_as_a_sealed_file,
	a_syslog_message_too_large_for_a_datagram_holds_up_no_other, a_restarted_reader_is_found_again)
