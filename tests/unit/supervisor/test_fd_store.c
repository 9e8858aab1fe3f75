/* supervisor/fd_store.c: what the manager is told to keep and to close, message by message. */
#include "supervisor/fd_store.h"

#include <fcntl.h>

#include "net/files.h"
#include "net/stored.h"

#include "../net/listening.h"

static char *folder;
static int manager_fd = -1;

/* Whatever the test tells a manager, it tells this one. */
static void
manage(void)
{
	struct sockaddr_un a;
	char path[100];

	folder = unit_tempdir();
	snprintf(path, sizeof path, "%s/notify", folder);
	a = unix_name(path);
	manager_fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
	ck_assert_int_eq(bind(manager_fd, (const struct sockaddr *)&a, sizeof a), 0);
	setenv("NOTIFY_SOCKET", path, 1);
}

/* @return the next thing that it was told, "" if there is none; the descriptor that came along, or -1 */
static const char *
told(int *ret_fd)
{
	static char text[1024];
	char control[CMSG_SPACE(sizeof *ret_fd)];
	struct iovec bytes = { .iov_base = text, .iov_len = sizeof text - 1 };
	struct msghdr m = {
		.msg_iov = &bytes, .msg_iovlen = 1, .msg_control = control, .msg_controllen = sizeof control
	};
	ssize_t n = recvmsg(manager_fd, &m, MSG_CMSG_CLOEXEC);

	text[n > 0 ? n : 0] = '\0';
	*ret_fd = -1;
	if (n > 0 && CMSG_FIRSTHDR(&m) != NULL)
		memcpy(ret_fd, CMSG_DATA(CMSG_FIRSTHDR(&m)), sizeof *ret_fd);
	return text;
}

static void
expect_silence(void)
{
	int fd;

	ck_assert_str_eq(told(&fd), "");
}

/* The name under which socket @p i of @p s is kept. */
static const char *
name_of(const struct snapshot *s, const struct net_files *files, size_t i)
{
	static char name[NET_STORED_NAME_SIZE];

	ck_assert_int_eq(net_stored_name(&s->sockets[i], s->config->listeners[s->sockets[i].listener].name,
				 files, name),
		0);
	return name;
}

/* A store whose manager has every socket of @p l. */
static struct fd_store *
store_of(const struct listening *l)
{
	struct fd_store *f = fd_store_new();
	int fd;

	ck_assert_ptr_nonnull(f);
	fd_store_update(f, &l->snapshot, l->files);
	while (*told(&fd) != '\0')
		close(fd);
	return f;
}

static void
finish(struct fd_store *f, struct listening *l)
{
	fd_store_free(f);
	expect_silence();
	listening_stop(l);
	close(manager_fd);
	unit_tempdir_remove(folder);
}

#ifdef HAVE_LIBSYSTEMD

static void
expect_removal(const char *name)
{
	char expected[NET_STORED_NAME_SIZE + 32];
	int fd;

	snprintf(expected, sizeof expected, "FDSTOREREMOVE=1\nFDNAME=%s", name);
	ck_assert_str_eq(told(&fd), expected);
}

/* Messages for all sockets of @p s, in the order of their names. */
static void
expect_stored(const struct snapshot *s, const struct net_files *files)
{
	size_t seen = 0;
	char last[1024] = "";
	const char *text;
	int fd;

	for (; *(text = told(&fd)) != '\0'; seen++) {
		char expected[NET_STORED_NAME_SIZE + 32];
		bool found = false;

		ck_assert_int_gt(strcmp(text, last), 0);
		snprintf(last, sizeof last, "%s", text);
		for (size_t i = 0; i < s->socket_count; i++) {
			struct stat ours, theirs;

			snprintf(expected, sizeof expected, "FDSTORE=1\nFDPOLL=0\nFDNAME=%s",
				name_of(s, files, i));
			if (strcmp(text, expected) != 0)
				continue;
			ck_assert(fstat(s->sockets[i].fd, &ours) == 0 && fstat(fd, &theirs) == 0);
			ck_assert_uint_eq(ours.st_ino, theirs.st_ino);
			found = true;
		}
		ck_assert_msg(found, "no socket is kept as: %s", text);
		close(fd);
	}
	ck_assert_uint_eq(seen, s->socket_count);
}

START_TEST(each_socket_is_kept_once)
{
	struct fd_store *f = fd_store_new();
	struct listening l = { 0 };

	manage();
	listening_start(&l, 2,
		"  b: {listen: ['tcp://127.0.0.1:0', 'udp://127.0.0.1:0'], handler: echo}\n"
		"  a: {listen: ['unix://%s/s', 'unix:@fd-store-%d'], handler: echo}\n",
		folder, (int)getpid());
	expect_listening(&l);

	fd_store_update(f, &l.snapshot, l.files);

	ck_assert_uint_eq(l.snapshot.socket_count, 1 + 2 + 2);
	expect_stored(&l.snapshot, l.files);
	fd_store_update(f, &l.snapshot, l.files);
	expect_silence();
	finish(f, &l);
}
END_TEST

START_TEST(a_reload_tells_the_difference)
{
	struct listening before = { 0 }, after = { 0 };
	struct fd_store *f;
	char gone[NET_STORED_NAME_SIZE];

	manage();
	listening_start(
		&before, 1, "  a: {listen: ['tcp://127.0.0.1:0', 'tcp://127.0.0.1:0'], handler: echo}\n");
	listening_start(&after, 1, "  b: {listen: 'tcp://127.0.0.1:0', handler: echo}\n");
	expect_listening(&before);
	expect_listening(&after);
	f = store_of(&before);

	/* One of the two is left, and another listener's comes. */
	snprintf(gone, sizeof gone, "%s", name_of(&before.snapshot, before.files, 0));
	before.snapshot.socket_count--;
	close(before.snapshot.sockets[0].fd);
	before.snapshot.sockets[0] = before.snapshot.sockets[1];
	fd_store_update(f, &before.snapshot, before.files);
	expect_removal(gone);
	expect_silence();

	snprintf(gone, sizeof gone, "%s", name_of(&before.snapshot, before.files, 0));
	fd_store_update(f, &after.snapshot, after.files);
	expect_removal(gone);
	expect_stored(&after.snapshot, after.files);
	listening_stop(&before);
	finish(f, &after);
}
END_TEST

/* A manager compares descriptors: stored first, the socket would stay under its old name, and then be closed.
 */
START_TEST(a_renamed_listener_is_removed_before_it_is_stored)
{
	struct listening l = { 0 }, other = { 0 };
	char old[NET_STORED_NAME_SIZE];
	struct snapshot renamed;
	struct fd_store *f;

	manage();
	listening_start(&l, 1, "  old: {listen: 'tcp://127.0.0.1:0', handler: echo}\n");
	listening_start(&other, 1, "  new: {listen: 'tcp://127.0.0.1:0', handler: echo}\n");
	expect_listening(&l);
	f = store_of(&l);
	snprintf(old, sizeof old, "%s", name_of(&l.snapshot, l.files, 0));
	renamed = l.snapshot;
	renamed.config = other.config;

	fd_store_update(f, &renamed, l.files);

	expect_removal(old);
	expect_stored(&renamed, l.files);
	listening_stop(&other);
	finish(f, &l);
}
END_TEST

START_TEST(what_was_taken_back_is_kept_already)
{
	struct listening l = { 0 };
	struct net_passed *passed = net_passed_new();
	struct fd_store *f = fd_store_new();
	struct net_stored *stored;

	manage();
	listening_start(&l, 2, "  a: {listen: ['udp://127.0.0.1:0', 'tcp://127.0.0.1:0'], handler: echo}\n");
	expect_listening(&l);
	for (size_t i = 0; i < l.snapshot.socket_count; i++)
		ck_assert_int_eq(net_passed_add(passed, name_of(&l.snapshot, l.files, i),
					 fcntl(l.snapshot.sockets[i].fd, F_DUPFD_CLOEXEC, 0)),
			0);
	ck_assert_int_eq(net_stored_new(passed, &stored), 0);
	ck_assert_int_eq(fd_store_assume(f, stored), 0);
	net_stored_free(stored);

	fd_store_update(f, &l.snapshot, l.files);
	expect_silence();

	/* And it can be told of what it never was told to keep. */
	while (l.snapshot.socket_count > 0) {
		char gone[NET_STORED_NAME_SIZE];
		size_t last = l.snapshot.socket_count - 1;

		snprintf(gone, sizeof gone, "%s", name_of(&l.snapshot, l.files, last));
		close(l.snapshot.sockets[last].fd);
		l.snapshot.socket_count = last;
		fd_store_update(f, &l.snapshot, l.files);
		expect_removal(gone);
	}
	net_passed_free(passed);
	finish(f, &l);
}
END_TEST

START_TEST(an_end_that_may_return_leaves_what_has_no_file)
{
	struct fd_store *f;
	struct listening l = { 0 };

	manage();
	listening_start(&l, 1,
		"  a: {listen: ['tcp://127.0.0.1:0', 'unix://%s/s', 'unix:@fd-store-%d', 'unixgram://%s/g'], "
		"handler: echo}\n",
		folder, (int)getpid(), folder);
	expect_listening(&l);
	f = store_of(&l);

	fd_store_end(f, true);

	for (int i = 0; i < 2; i++) {
		int fd;
		const char *text = told(&fd);

		ck_assert_msg(strncmp(text, "FDSTOREREMOVE=1\n", 16) == 0, "%s", text);
		ck_assert(net_stored_has_file(strstr(text, "FDNAME=") + 7));
	}
	expect_silence();
	/* A reload that was under way. */
	fd_store_update(f, &l.snapshot, l.files);
	expect_silence();
	finish(f, &l);
}
END_TEST

START_TEST(an_end_for_good_leaves_nothing)
{
	struct fd_store *f;
	struct listening l = { 0 };

	manage();
	listening_start(&l, 1, "  a: {listen: 'tcp://127.0.0.1:0', handler: echo}\n");
	expect_listening(&l);
	f = store_of(&l);

	/* First it might have been a restart. */
	fd_store_end(f, true);
	expect_silence();
	fd_store_end(f, false);
	expect_removal(name_of(&l.snapshot, l.files, 0));
	fd_store_end(f, false);
	expect_silence();
	finish(f, &l);
}
END_TEST

#endif

START_TEST(what_the_manager_passed_is_not_kept_twice)
{
	struct fd_store *f = fd_store_new();
	struct listening l = { .passed = net_passed_new() };
	struct net_passed *passed = l.passed;
	char path[100];

	manage();
	snprintf(path, sizeof path, "%s/s", folder);
	ck_assert_int_eq(net_passed_add(l.passed, "it", foreign_unix(path, SOCK_STREAM, true)), 0);
	listening_start(&l, 1, "  a: {listen: 'systemd:it', handler: echo}\n");
	expect_listening(&l);

	fd_store_update(f, &l.snapshot, l.files);

	ck_assert_uint_eq(l.snapshot.socket_count, 1);
	expect_silence();
	finish(f, &l);
	net_passed_free(passed);
}
END_TEST

START_TEST(a_socket_without_a_remembered_file_is_not_kept)
{
	struct fd_store *f = fd_store_new();
	struct net_files *none = net_files_new();
	struct listening l = { 0 };

	manage();
	listening_start(&l, 1, "  a: {listen: 'unix://%s/s', handler: echo}\n", folder);
	expect_listening(&l);

	fd_store_update(f, &l.snapshot, none);

	expect_silence();
	fd_store_end(f, false);
	net_files_leave(none);
	finish(f, &l);
	fd_store_free(NULL);
}
END_TEST

#ifdef HAVE_LIBSYSTEMD
UNIT_TESTS("fd_store", each_socket_is_kept_once, a_reload_tells_the_difference,
	a_renamed_listener_is_removed_before_it_is_stored, what_was_taken_back_is_kept_already,
	an_end_that_may_return_leaves_what_has_no_file, an_end_for_good_leaves_nothing,
	what_the_manager_passed_is_not_kept_twice, a_socket_without_a_remembered_file_is_not_kept)
#else
UNIT_TESTS(
	"fd_store", what_the_manager_passed_is_not_kept_twice, a_socket_without_a_remembered_file_is_not_kept)
#endif
