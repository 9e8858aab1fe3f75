/* The handler runs on a stack of its own, since the one that overflowed has no room for it, and calls nothing
 * that takes a lock: backtrace() was called once before, so that its library is loaded. It writes to memory
 * and to a descriptor that was opened before, then lets the signal do what it does.
 *
 * A thread that is neither a loop nor of the pool (a plugin's own, or the log's) has no such stack and no
 * cell: its death is told without a culprit. */
#include "control/watch.h"

#include <errno.h>
#include <execinfo.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <ucontext.h>
#include <unistd.h>

#include "base/fdutil.h"
#include "control/watch_frames.h"

enum { STACK_SIZE = 64 * 1024, FRAMES_MAX = 40, FRAME_SIZE_MAX = 64 * 1024 * 1024 };

_Thread_local struct watch_cell *watch_here;
static _Thread_local void *signal_stack;
static _Thread_local struct {
	const char *low;
	size_t size;
} stack_guard; /* beneath this thread's own stack */

/* The handler has nobody to ask. */
static struct {
	struct watch_memory *memory;
	int fd;
	unsigned loops;
	bool alone;                            /* nobody else tells of a crash */
	bool (*is_guard)(const void *address); /* of other stacks; NULL: there are none */
	const char *(*fiber_low)(void);        /* the lowest byte of the stack of the fiber that runs */
} watch = { .fd = -1 };

static const char *const entry_names[WATCH_ENTRY_COUNT] = { "none", "open", "data", "eof", "writable",
	"draining", "timeout", "close", "serve", "datagram", "start", "stop", "thread_start", "thread_stop",
	"check", "timer", "post", "offload_done", "fiber", "on_connection", "on_error", "on_server", "reopen",
	"tune", "offload" };

const char *
watch_entry_name(uint32_t entry)
{
	return entry < WATCH_ENTRY_COUNT ? entry_names[entry] : "?";
}

static const char *
stack_pointer(const void *context)
{
	const ucontext_t *c = context;

	if (c == NULL)
		return NULL;
#if defined(__x86_64__)
	return (const char *)(uintptr_t)c->uc_mcontext.gregs[REG_RSP];
#elif defined(__aarch64__)
	return (const char *)(uintptr_t)c->uc_mcontext.sp;
#else
	return NULL;
#endif
}

/* A function with a large variable may have jumped over the guard, and have found whatever lies beneath: that
 * it has left its stack is seen by where it stands. */
static bool
has_left_its_stack(const char *at)
{
	const char *low = watch.fiber_low != NULL ? watch.fiber_low() : NULL;

	if (low == NULL)
		low = stack_guard.low + stack_guard.size;
	return at != NULL && low != NULL && at < low && low - at < FRAME_SIZE_MAX;
}

static bool
has_overflowed(int number, const void *address, const void *context)
{
	size_t into = (size_t)((const char *)address - stack_guard.low);

	if (number != SIGSEGV && number != SIGBUS)
		return false;
	return into < stack_guard.size || (watch.is_guard != NULL && watch.is_guard(address)) ||
	       has_left_its_stack(stack_pointer(context));
}

/* Other signals have no address, and something else in its place. */
static bool
has_address(int number)
{
	return number == SIGSEGV || number == SIGBUS || number == SIGFPE || number == SIGILL;
}

/* ---- a crash that tells itself: no call here takes a lock or memory ---- */

static void
say(const char *text)
{
	size_t size = text != NULL ? strlen(text) : 0;

	while (size > 0) {
		ssize_t n = write(STDERR_FILENO, text, size);

		if (n <= 0)
			return;
		text += n;
		size -= (size_t)n;
	}
}

static void
say_number(uint64_t n)
{
	char digits[24], *d = digits + sizeof digits;

	*--d = '\0';
	do
		*--d = (char)('0' + n % 10);
	while ((n /= 10) > 0);
	say(d);
}

static void
say_crash(const struct watch_crash *crash, void *const *frames, int count)
{
	uint32_t what = atomic_load(&crash->signal);
	const struct watch_name *n =
		crash->name != 0 && crash->name <= WATCH_NAMES ? &watch.memory->names[crash->name - 1] : NULL;

	say("sockd: ");
	say(sigdescr_np((int)(what & WATCH_SIGNAL_MASK)));
	if (n != NULL) {
		say(" in ");
		say(watch_entry_name(crash->entry));
		say("() of plugin '");
		say(n->plugin);
		say("', listener '");
		say(n->listener);
		say("', connection ");
		say_number(crash->conn);
	}
	say((what & WATCH_STACK_OVERFLOW) != 0 ? ": the stack overflowed\n" : "\n");
	watch_frames_write(frames, count, STDERR_FILENO);
}

static void
on_crash(int number, siginfo_t *info, void *context)
{
	struct watch_crash *crash = &watch.memory->crash;
	const struct watch_cell *cell = watch_here;
	void *frames[FRAMES_MAX];
	uint32_t none = 0, what = (uint32_t)number;
	int count;

	if (has_overflowed(number, info->si_addr, context))
		what |= WATCH_STACK_OVERFLOW;
	if (atomic_compare_exchange_strong(&crash->signal, &none, what)) {
		crash->address = has_address(number) ? (uint64_t)(uintptr_t)info->si_addr : 0;
		if (cell != NULL && (atomic_load(&cell->turns) & 1) != 0) {
			crash->name = atomic_load(&cell->name) + 1;
			crash->entry = atomic_load(&cell->entry);
			crash->conn = atomic_load(&cell->conn);
		}
		count = backtrace(frames, FRAMES_MAX);
		if (lseek(watch.fd, (off_t)offsetof(struct watch_memory, crash.backtrace), SEEK_SET) >= 0)
			watch_frames_write(frames, count, watch.fd);
		if (watch.alone)
			say_crash(crash, frames, count);
	}
	raise(number); /* the default action by now: SA_RESETHAND */
}

static void
catch_signals(void)
{
	static const int fatal[] = { SIGSEGV, SIGBUS, SIGFPE, SIGILL, SIGABRT, SIGSYS };
	struct sigaction action = { .sa_sigaction = on_crash,
		.sa_flags = SA_SIGINFO | SA_ONSTACK | SA_RESETHAND };
	struct sigaction before;
	void *frames[2];

	backtrace(frames, 2);
	for (size_t i = 0; i < array_len(fatal); i++)
		if (!watch.alone || (sigaction(fatal[i], NULL, &before) == 0 && before.sa_handler == SIG_DFL))
			sigaction(fatal[i], &action, NULL);
}

int
watch_begin(int fd, unsigned loops, struct err *e)
{
	void *memory = fd_map_shared(fd, watch_size(loops), true);

	if (memory == NULL) {
		close(fd);
		return err_set(e, -EBADMSG, "the memory of the watchdog is too small");
	}
	watch.memory = memory;
	watch.fd = fd;
	watch.loops = loops;
	catch_signals();
	watch_thread_begin(loops);
	return 0;
}

int
watch_begin_alone(unsigned loops, struct err *e)
{
	int fd, code;

	if (watch.memory != NULL)
		return 0;
	code = fd_shared_memory("sockd-watch", watch_size(loops), &fd);
	if (code < 0)
		return err_set(e, code, "cannot make memory for crash reports: %s", strerror(-code));
	watch.alone = true;
	return watch_begin(fd, loops, e);
}

void
watch_set_stacks(bool (*is_guard)(const void *address), const char *(*fiber_low)(void))
{
	watch.is_guard = is_guard;
	watch.fiber_low = fiber_low;
}

/* Without it an overflow is told like any other bad access. */
static void
find_stack_guard(void)
{
	pthread_attr_t attributes;
	void *low;
	size_t size, guard;

	if (pthread_getattr_np(pthread_self(), &attributes) != 0)
		return;
	if (pthread_attr_getstack(&attributes, &low, &size) == 0 &&
		pthread_attr_getguardsize(&attributes, &guard) == 0) {
		stack_guard.low = (const char *)low - guard;
		stack_guard.size = guard;
	}
	pthread_attr_destroy(&attributes);
}

static void
begin_at(unsigned cell)
{
	stack_t stack = { .ss_size = STACK_SIZE };

	watch_here = &watch.memory->cells[cell];
	atomic_store(&watch_here->tid, (int32_t)syscall(SYS_gettid));
	find_stack_guard();
	signal_stack = malloc(STACK_SIZE);
	stack.ss_sp = signal_stack;
	if (signal_stack != NULL)
		sigaltstack(&stack, NULL);
}

void
watch_thread_begin(unsigned loop)
{
	if (watch.memory != NULL && loop <= watch.loops)
		begin_at(loop);
}

void
watch_pool_thread_begin(unsigned index)
{
	if (watch.memory != NULL && index < WATCH_POOL_THREADS)
		begin_at(watch.loops + 1 + index);
}

void
watch_thread_end(void)
{
	stack_t none = { .ss_flags = SS_DISABLE };

	if (watch_here == NULL)
		return;
	watch_here = NULL;
	sigaltstack(&none, NULL);
	free(signal_stack);
	signal_stack = NULL;
}

uint32_t
watch_name(const char *listener, const char *plugin)
{
	struct watch_memory *m = watch.memory;
	uint32_t count = m != NULL ? atomic_load(&m->name_count) : 0;
	struct watch_name *n;

	for (uint32_t i = 0; i < count; i++)
		if (strncmp(m->names[i].listener, listener, WATCH_NAME_SIZE - 1) == 0 &&
			strncmp(m->names[i].plugin, plugin, WATCH_NAME_SIZE - 1) == 0)
			return i;
	if (m == NULL || count == WATCH_NAMES)
		return WATCH_NAMES; /* told as unknown */
	n = &m->names[count];
	snprintf(n->listener, sizeof n->listener, "%s", listener);
	snprintf(n->plugin, sizeof n->plugin, "%s", plugin);
	atomic_store(&m->name_count, count + 1);
	return count;
}

const struct watch_name *
watch_running(uint32_t *ret_entry, uint64_t *ret_conn)
{
	const struct watch_cell *cell = watch_here;
	uint32_t name;

	if (cell == NULL || (atomic_load(&cell->turns) & 1) == 0)
		return NULL;
	name = atomic_load(&cell->name);
	if (name >= WATCH_NAMES)
		return NULL;
	*ret_entry = atomic_load(&cell->entry);
	*ret_conn = atomic_load(&cell->conn);
	return &watch.memory->names[name];
}
