/* Pausing a datagram endpoint. What is not read waits in the kernel, which drops by its own rules. */
#include <errno.h>

#include "engine/dgram.h"

/* A batch is shared by the loop's endpoints, which take turns; what is left of one that pauses in its middle
 * has to stay, so the others get another. */
static int
endpoint_keep_batch(struct endpoint *ep)
{
	struct loop *loop = endpoint_loop(ep);
	struct dgram_io *io = ep->io, *fresh;

	if (io->refs == 1)
		return 0;
	fresh = dgram_io_new(loop, ENDPOINT_EVENT_SLOTS, io->in_size, io->out_size);
	if (fresh == NULL)
		return -ENOMEM;
	fresh->refs = 0;
	for (uint32_t i = 0; i < loop->endpoints.used; i++) {
		struct endpoint *other = slab_at(&loop->endpoints, i);

		if (other == NULL || other == ep || other->io != io)
			continue;
		other->io = fresh;
		fresh->refs++;
		io->refs--;
	}
	return 0;
}

int
endpoint_mute(struct endpoint *ep, bool muted)
{
	int r = muted && endpoint_is_event(ep) ? endpoint_keep_batch(ep) : 0;

	if (r < 0 || !endpoint_is_event(ep))
		return r;
	ep->muted = muted;
	if (!muted)
		endpoint_arm(ep);
	loop_defer(endpoint_loop(ep), &ep->task);
	return 0;
}
