/* supervisor/child_adopt.c: a worker goes over to another supervisor, as far as it is there. */
#include <errno.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/fdutil.h"
#include "child_case.h"
#include "supervisor/state.h"
#include "unit.h"

/* A process that waits for its end. */
static pid_t
some_process(void)
{
	pid_t pid = fork();

	if (pid == 0) {
		pause();
		_exit(0);
	}
	ck_assert_int_gt(pid, 0);
	return pid;
}

/* What one supervisor writes of @p c, for another to read. */
static void
leave(struct child *c, bool rehearsal, struct state_reader *ret)
{
	struct state_writer w;
	struct err e = { 0 };
	int fd;

	state_begin(&w);
	child_pack(&w, c);
	ck_assert_int_eq(fd_memfd("test", w.body.data, w.body.size, &fd), 0);
	ck_assert_int_eq(state_open(fd, rehearsal, ret, &e), 0);
	close(fd);
	state_writer_fini(&w);
}

START_TEST(a_worker_that_has_closed_its_end_is_adopted_until_it_exits)
{
	struct event_base *base = event_base_new();
	const struct supervisor_start start = { .base = base };
	struct child leaving = { .pid = some_process(), .version = 1, .ending = true };
	struct state_reader r;
	struct err e = { 0 };
	void *worker;

	leave(&leaving, false, &r);

	ck_assert_int_eq(child_adopt(&r, &start, &worker, &e), 0);

	ck_assert_int_eq(((struct child *)worker)->pid, leaving.pid);
	ck_assert(child_is_quiet(worker));
	child_free(worker);
	ck_assert_int_eq(waitpid(leaving.pid, NULL, WNOHANG), -1); /* it was reaped */
	state_reader_fini(&r);
	event_base_free(base);
}
END_TEST

START_TEST(a_rehearsal_speaks_to_no_worker_and_leaves_nothing_open)
{
	const struct supervisor_start start = { 0 };
	struct child serving = { .pid = getpid(), .version = 1 };
	struct state_reader r;
	struct err e = { 0 };
	void *worker = &r;
	int fds[2], before;
	char byte;

	ck_assert_int_eq(wire_pair(fds, &e), 0);
	ck_assert_int_eq(wire_new(fds[0], &serving.wire), 0);
	leave(&serving, true, &r);
	before = fd_count_open();

	ck_assert_int_eq(child_adopt(&r, &start, &worker, &e), 0);

	ck_assert_ptr_null(worker);
	ck_assert_int_eq(fd_count_open(), before);
	ck_assert_int_eq(read(fds[1], &byte, 1), -1);
	ck_assert_int_eq(errno, EAGAIN);
	wire_free(serving.wire);
	close(fds[1]);
	state_reader_fini(&r);
}
END_TEST

UNIT_TESTS("child_adopt", a_worker_that_has_closed_its_end_is_adopted_until_it_exits,
	a_rehearsal_speaks_to_no_worker_and_leaves_nothing_open)
