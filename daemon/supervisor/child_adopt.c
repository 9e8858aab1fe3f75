/* How a worker goes from one supervisor to the next: the socket stays, and so does the child, since the
 * process that executes another program is its parent still. Answers to questions of the old supervisor may
 * yet come, and go nowhere. */
#include <errno.h>
#include <sys/pidfd.h>
#include <unistd.h>

#include "base/fdutil.h"
#include "supervisor/child_private.h"
#include "supervisor/state.h"

bool
child_is_quiet(void *worker)
{
	const struct child *c = worker;

	return c->version != 0 && c->requests == NULL && (c->wire == NULL || !wire_is_waiting(c->wire));
}

void
child_pack(struct state_writer *w, void *worker)
{
	const struct child *c = worker;
	struct strbuf *s = &w->body;

	pack_u32(s, (uint32_t)c->pid);
	state_add_fd(w, c->wire != NULL ? wire_fd(c->wire) : -1);
	pack_u32(s, c->version);
	pack_u32(s, (uint32_t)c->listeners);
	pack_u32(s, c->last_number);
	pack_u64(s, c->drained);
	pack_u64(s, c->forced);
	pack_u32(s, c->ready);
	pack_u32(s, c->ending);
	pack_u32(s, c->done_due);
}

/* @param fd  moves */
static int
connect_to(struct child *c, int fd, struct err *e)
{
	int code;

	if (fd < 0)
		return 0; /* it had closed its end already, and is about to exit */
	code = wire_new(fd, &c->wire);
	if (code < 0) {
		close(fd);
		return err_set(e, code, "out of memory");
	}
	code = wire_send(c->wire, PROTOCOL_TAKE_OVER, 0, NULL, 0, NULL, 0);
	return code == 0 || code == -EPIPE /* it has died: that is told when it is noticed */
		       ? 0
		       : err_set(e, code, "a worker cannot be told of its new supervisor");
}

int
child_adopt(struct state_reader *r, const struct supervisor_start *o, void **ret_worker, struct err *e)
{
	struct child *c = mem_new(*c);
	struct unpack *u = &r->u;
	auto_of(fd) int fd = -1;
	int code;

	if (c == NULL)
		return err_set(e, -ENOMEM, "out of memory");
	c->start = *o;
	c->adopted = true;
	c->pidfd = -1;
	c->pid = (pid_t)unpack_u32(u);
	fd = state_take_fd(r);
	c->version = unpack_u32(u);
	c->listeners = unpack_u32(u);
	c->last_number = unpack_u32(u);
	c->drained = unpack_u64(u);
	c->forced = unpack_u64(u);
	c->ready = unpack_u32(u) != 0;
	c->ending = unpack_u32(u) != 0;
	c->done_due = unpack_u32(u) != 0;
	if (u->failed || c->version == 0 || c->pid <= 0) {
		free(c);
		return err_set(e, -EBADMSG, "the state of a worker is not understood");
	}
	if (r->rehearsal) { /* it stays the other supervisor's */
		free(c);
		*ret_worker = NULL;
		return 0;
	}
	code = connect_to(c, fd_take(&fd), e);
	c->pidfd = pidfd_open(c->pid, 0);
	if (c->pidfd < 0 && errno == ESRCH)
		c->pid = 0; /* reaped by the supervisor that we come back from */
	else if (code == 0 && c->pidfd < 0)
		code = err_errno(e, "cannot watch a worker");
	if (code == 0)
		code = child_watch(c, e);
	if (code < 0) {
		c->pid = 0; /* it is not ours to kill: the old program may go on with it */
		child_free(c);
		return code;
	}
	*ret_worker = c;
	return 0;
}
