/* Switched as the daemon's fibers are, so that what the sanitizers say of a plugin's test is what they would
 * say there. A stack that overflows ends the test by a fault, and spoils nothing. */
#include "fake_flow.h"

#include <sys/mman.h>

enum { GUARD_SIZE = 64 * 1024 };

int
fake_flow_init(struct fake_flow *f, size_t stack_size, void (*entry)(void *arg), void *arg)
{
	size_t size = GUARD_SIZE + (stack_size + GUARD_SIZE - 1) / GUARD_SIZE * GUARD_SIZE;
	char *mapping = mmap(NULL, size, PROT_READ | PROT_WRITE,
		MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE | MAP_STACK, -1, 0);

	if (mapping == MAP_FAILED)
		return -1;
	if (mprotect(mapping, GUARD_SIZE, PROT_NONE) < 0) {
		munmap(mapping, size);
		return -1;
	}
	*f = (struct fake_flow){ .mapping = mapping, .mapping_size = size, .entry = entry, .arg = arg };
	fiber_context_init(&f->self, mapping + GUARD_SIZE, size - GUARD_SIZE);
	return 0;
}

void
fake_flow_fini(struct fake_flow *f)
{
	fiber_context_fini(&f->self);
	munmap(f->mapping, f->mapping_size);
	f->mapping = NULL;
}

void
fake_flow_resume(struct fake_flow *f)
{
	if (f->begun) {
		fiber_context_switch(&f->caller, &f->self);
		return;
	}
	f->begun = true;
	fiber_context_enter(&f->caller, &f->self, f->entry, f->arg);
}

void
fake_flow_pause(struct fake_flow *f)
{
	fiber_context_switch(&f->self, &f->caller);
}

void
fake_flow_leave(struct fake_flow *f)
{
	fiber_context_leave(&f->self, &f->caller);
}
