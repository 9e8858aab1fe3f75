/* How one thread talks to a loop: a lock-free stack that any thread pushes on and the loop takes whole, and
 * an eventfd that is written only when the stack was empty. Messages of one sender arrive in the order of
 * sending. */
#ifndef ENGINE_MAILBOX_H
#define ENGINE_MAILBOX_H

#include <stdatomic.h>

#include "base/err.h"

struct loop;

/** Embed it in what you send; the receiver's function frees or recycles the whole. */
struct mail {
	struct mail *next;
	void (*deliver)(struct loop *loop, struct mail *mail); /* on the loop's thread */
};

struct mailbox {
	_Atomic(struct mail *) top; /* MAILBOX_CLOSED once closed */
	int fd;                     /* eventfd, owned; readable when there is something to deliver */
};

/** Never followed, only compared with. */
#define MAILBOX_CLOSED ((struct mail *)1)

/** @return 0, or a negative errno when there is no eventfd to be had */
must_check int mailbox_init(struct mailbox *m, struct err *e);
/** Thread: any, also the loop itself: what is sent during a delivery comes with the next one. Blocks: never.
 * @return 0, or -EPIPE when the loop takes no more mail (the message stays yours). */
must_check int mailbox_send(struct mailbox *m, struct mail *mail);
/** On the loop: clear the eventfd and deliver everything there is. @return how many. */
unsigned mailbox_deliver(struct mailbox *m, struct loop *loop);
/** On the loop, at its end: refuse further mail, deliver what is there. A second call does nothing. */
void mailbox_close(struct mailbox *m, struct loop *loop);
/** Nothing may be undelivered, and no thread inside mailbox_send(), which may be about to write to the
 * eventfd: join the senders, or make them stop sending, before. */
void mailbox_fini(struct mailbox *m);

#endif
