/* supervisor/state.c and adopt.c's front of it. */
#include "supervisor/state.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>

#include "base/fdutil.h"
#include "net/files.h"
#include "unit.h"

static int
memfd_of(const struct state_writer *w)
{
	int fd;

	ck_assert_int_eq(fd_memfd("test", w->body.data, w->body.size, &fd), 0);
	return fd;
}

START_TEST(numbers_and_descriptors_come_out_as_they_went_in)
{
	int null = open("/dev/null", O_RDONLY | O_CLOEXEC), fd, copy;
	struct state_writer w;
	struct state_reader r;
	struct err e = { 0 };

	state_begin(&w);
	state_add_fd(&w, null);
	state_add_fd(&w, -1);
	pack_u32(&w.body, 7);
	ck_assert_uint_eq(w.count, 1);
	fd = memfd_of(&w);

	ck_assert_int_eq(state_open(fd, false, &r, &e), 0);
	copy = state_take_fd(&r);
	ck_assert_int_ge(copy, 3);
	ck_assert_int_ne(copy, null); /* the original stays for the way back */
	ck_assert_int_eq(fcntl(copy, F_GETFD), FD_CLOEXEC);
	ck_assert_int_eq(state_take_fd(&r), -1);
	ck_assert_uint_eq(unpack_u32(&r.u), 7);
	ck_assert(unpack_is_done(&r.u));
	state_close_originals(&r);
	ck_assert_int_eq(fcntl(null, F_GETFD), -1);
	close(copy);
	close(fd);
	state_reader_fini(&r);
	state_writer_fini(&w);
}
END_TEST

START_TEST(a_descriptor_that_is_not_open_fails_the_reader)
{
	struct state_writer w;
	struct state_reader r;
	struct err e = { 0 };
	int fd;

	state_begin(&w);
	state_add_fd(&w, 900);
	fd = memfd_of(&w);
	ck_assert_int_eq(state_open(fd, false, &r, &e), 0);
	ck_assert_int_eq(state_take_fd(&r), -1);
	ck_assert(r.u.failed);
	close(fd);
	state_reader_fini(&r);
	state_writer_fini(&w);
}
END_TEST

START_TEST(a_state_of_another_age_is_refused_by_its_numbers)
{
	struct state_writer w;
	struct state_reader r;
	struct err e = { 0 };
	int fd;

	state_begin(&w);
	w.body.data[4] = 98; /* the oldest that it can be read as */
	w.body.data[8] = 99;
	fd = memfd_of(&w);
	ck_assert_int_eq(state_open(fd, true, &r, &e), -EPROTONOSUPPORT);
	ck_assert_ptr_nonnull(strstr(e.text, "its state has version 99, this sockd reads 1 to 2"));
	close(fd);
	w.body.data[0] = 'x';
	fd = memfd_of(&w);
	ck_assert_int_eq(state_open(fd, true, &r, &e), -EBADMSG);
	close(fd);
	ck_assert_int_eq(state_open(0, true, &r, &e), -EBADMSG);
	state_writer_fini(&w);
}
END_TEST

START_TEST(the_state_of_the_release_before_is_read)
{
	struct state_writer w;
	struct state_reader r;
	struct err e = { 0 };
	int fd;

	state_begin(&w);
	w.body.data[8] = STATE_VERSION - 1;
	fd = memfd_of(&w);
	ck_assert_int_eq(state_open(fd, true, &r, &e), 0);
	ck_assert_uint_eq(r.version, STATE_VERSION - 1);
	ck_assert_uint_lt(r.version, STATE_WITH_CLIENTS);
	close(fd);
	state_reader_fini(&r);
	state_writer_fini(&w);
}
END_TEST

START_TEST(socket_files_go_along)
{
	char *dir = unit_tempdir(), path[512];
	struct net_files *files = net_files_new(), *taken = NULL;
	struct state_writer w;
	struct state_reader r;
	struct err e = { 0 };
	int fd, pin;

	snprintf(path, sizeof path, "%s/s", dir);
	close(open(path, O_CREAT | O_WRONLY | O_CLOEXEC, 0600));
	pin = open(path, O_PATH | O_CLOEXEC);
	ck_assert_int_eq(net_files_reserve(files, path), 0);
	net_files_add(files, pin);
	state_begin(&w);
	state_pack_files(&w, files);
	fd = memfd_of(&w);

	ck_assert_int_eq(state_open(fd, false, &r, &e), 0);
	ck_assert_int_eq(state_unpack_files(&r, &taken), 0);
	net_files_leave(files);
	ck_assert_int_eq(access(path, F_OK), 0);
	net_files_remove(taken);
	ck_assert_int_ne(access(path, F_OK), 0);
	close(fd);
	state_reader_fini(&r);
	state_writer_fini(&w);
	unit_tempdir_remove(dir);
}
END_TEST

START_TEST(in_a_rehearsal_socket_files_stay_the_others)
{
	char *dir = unit_tempdir(), path[512];
	struct net_files *files = net_files_new(), *taken = NULL;
	const char *name;
	struct state_writer w;
	struct state_reader r;
	struct err e = { 0 };
	int fd, before, any;

	snprintf(path, sizeof path, "%s/s", dir);
	ck_assert_int_eq(symlink("/dev/null", path), 0);
	ck_assert_int_eq(net_files_reserve(files, path), 0);
	net_files_add(files, open(path, O_PATH | O_NOFOLLOW | O_CLOEXEC));
	state_begin(&w);
	state_pack_files(&w, files);
	fd = memfd_of(&w);
	before = fd_count_open();

	ck_assert_int_eq(state_open(fd, true, &r, &e), 0);
	ck_assert_int_eq(state_unpack_files(&r, &taken), 0);

	ck_assert(!net_files_get(taken, 0, &name, &any));
	ck_assert_int_eq(fd_count_open(), before);
	net_files_remove(taken);
	ck_assert_int_eq(access(path, F_OK), 0);
	net_files_leave(files);
	close(fd);
	state_reader_fini(&r);
	state_writer_fini(&w);
	unit_tempdir_remove(dir);
}
END_TEST

UNIT_TESTS("state", numbers_and_descriptors_come_out_as_they_went_in,
	a_descriptor_that_is_not_open_fails_the_reader, a_state_of_another_age_is_refused_by_its_numbers,
	the_state_of_the_release_before_is_read, socket_files_go_along,
	in_a_rehearsal_socket_files_stay_the_others)
