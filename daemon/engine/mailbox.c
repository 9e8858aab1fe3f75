/* Senders push on a stack with one compare-and-swap; the loop takes the whole stack with one exchange and
 * turns it round, which gives back each sender's order. Whoever finds the stack empty wakes the loop. The
 * loop clears the eventfd before it takes the stack: a message that comes in between is delivered at once,
 * and the wake-up that its sender then writes finds nothing, which is harmless; the other way round it would
 * be lost.
 *
 * A stack that is only ever taken whole has no ABA problem. */
#include "engine/mailbox.h"

#include <assert.h>
#include <errno.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/eventfd.h>
#include <unistd.h>

int
mailbox_init(struct mailbox *m, struct err *e)
{
	int fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);

	if (fd < 0)
		return err_errno(e, "cannot create an eventfd");
	atomic_init(&m->top, NULL);
	m->fd = fd;
	return 0;
}

static void
ring(struct mailbox *m)
{
	const uint64_t one = 1;
	ssize_t written = write(m->fd, &one, sizeof(one));

	/* It can fail only when the counter is full, and then the loop is awake. */
	assert(written == (ssize_t)sizeof(one) || errno == EAGAIN);
	(void)written;
}

int
mailbox_send(struct mailbox *m, struct mail *mail)
{
	struct mail *top = atomic_load_explicit(&m->top, memory_order_relaxed);

	do {
		if (top == MAILBOX_CLOSED)
			return -EPIPE;
		mail->next = top;
	} while (!atomic_compare_exchange_weak_explicit(
		&m->top, &top, mail, memory_order_release, memory_order_relaxed));
	/* From here on the message is the loop's and may be gone. */
	if (top == NULL)
		ring(m);
	return 0;
}

/* Deliver a stack, the message at its bottom first. @return how many there were */
static unsigned
deliver_all(struct mail *top, struct loop *loop)
{
	struct mail *first = NULL, *mail;
	unsigned count = 0;

	while (top != NULL) {
		mail = top;
		top = mail->next;
		mail->next = first;
		first = mail;
	}
	while (first != NULL) {
		mail = first;
		first = mail->next;
		mail->next = NULL;
		count++;
		mail->deliver(loop, mail);
	}
	return count;
}

unsigned
mailbox_deliver(struct mailbox *m, struct loop *loop)
{
	ssize_t got;
	uint64_t rings;

	/* Only this thread closes, so what is not closed now stays open until the exchange. */
	if (atomic_load_explicit(&m->top, memory_order_relaxed) == MAILBOX_CLOSED)
		return 0;
	got = read(m->fd, &rings, sizeof(rings)); /* EAGAIN: called without a ring, which is fine */
	assert(got == (ssize_t)sizeof(rings) || errno == EAGAIN);
	(void)got;
	return deliver_all(atomic_exchange_explicit(&m->top, NULL, memory_order_acquire), loop);
}

void
mailbox_close(struct mailbox *m, struct loop *loop)
{
	struct mail *top = atomic_exchange_explicit(&m->top, MAILBOX_CLOSED, memory_order_acquire);

	if (top != MAILBOX_CLOSED)
		deliver_all(top, loop);
}

void
mailbox_fini(struct mailbox *m)
{
	struct mail *top = atomic_load_explicit(&m->top, memory_order_acquire);

	assert(top == NULL || top == MAILBOX_CLOSED);
	(void)top;
	if (m->fd >= 0)
		close(m->fd);
	m->fd = -1;
}
