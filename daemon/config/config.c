/* The life of a configuration. It is immutable once loaded, so threads share it by counting references. */
#include "config/config.h"

#include <assert.h>

#include "config/config_whole.h"

struct config_whole *
config_whole_new(void)
{
	struct config_whole *w = mem_new(*w);

	if (w != NULL)
		atomic_init(&w->references, 1);
	return w;
}

struct config *
config_ref(struct config *c)
{
	atomic_fetch_add_explicit(
		&container_of(c, struct config_whole, config)->references, 1, memory_order_relaxed);
	return c;
}

void
config_unref(struct config *c)
{
	struct config_whole *w;

	if (c == NULL)
		return;
	w = container_of(c, struct config_whole, config);
	if (atomic_fetch_sub_explicit(&w->references, 1, memory_order_acq_rel) != 1)
		return;
	arena_fini(&w->arena);
	free(w);
}

const char *
cfg_transport_name(enum cfg_transport t)
{
	static const char *const names[CFG_TRANSPORT_COUNT] = {
		[CFG_PASSED] = "systemd",
		[CFG_TCP] = "tcp",
		[CFG_UDP] = "udp",
		[CFG_UNIX] = "unix",
		[CFG_UNIXGRAM] = "unixgram",
	};

	assert((unsigned)t < CFG_TRANSPORT_COUNT);
	return names[t];
}
