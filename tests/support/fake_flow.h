/* A flow of control of its own, on a stack of its own: what a fiber of the fakes runs on. */
#ifndef SUPPORT_FAKE_FLOW_H
#define SUPPORT_FAKE_FLOW_H

#include <stdbool.h>

#include "engine/fiber_switch.h"

struct fake_flow {
	struct fiber_context self, caller;
	char *mapping; /* owned: what nobody may touch, and the stack above it */
	size_t mapping_size;
	void (*entry)(void *arg);
	void *arg;
	bool begun;
};

/** @p entry begins at the first resume, and ends with fake_flow_leave(). @return 0, or -1: no memory */
int fake_flow_init(struct fake_flow *f, size_t stack_size, void (*entry)(void *arg), void *arg);
/** Of one that has left. */
void fake_flow_fini(struct fake_flow *f);
/** Run it until it pauses or leaves. */
void fake_flow_resume(struct fake_flow *f);
/** Within it: back to where it was resumed. */
void fake_flow_pause(struct fake_flow *f);
_Noreturn void fake_flow_leave(struct fake_flow *f);

#endif
