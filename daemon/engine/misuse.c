/* Nothing of the handle may be looked at here, since its connection lives on another thread: who called is
 * found on the stack. The innermost frame that is not ours is the plugin's, for its calls come straight from
 * inline functions of the header; the description that this object exports has its name. */
#include "engine/misuse.h"

#include <dlfcn.h>
#include <execinfo.h>
#include <stdatomic.h>
#include <stdint.h>
#include <stdio.h>

#include "sockd/plugin.h"

#include "base/clock.h"
#include "base/log.h"

enum { FRAMES_MAX = 16, TOLD_EVERY_MS = 1000 };

static _Atomic int64_t told_ms; /* all threads are told of together */
static _Atomic uint64_t untold;

static bool
may_tell(void)
{
	int64_t now_ms = clock_now_ms(), before_ms = atomic_load(&told_ms);

	if ((before_ms == 0 || now_ms - before_ms >= TOLD_EVERY_MS) &&
		atomic_compare_exchange_strong(&told_ms, &before_ms, now_ms))
		return true;
	atomic_fetch_add(&untold, 1);
	return false;
}

struct caller {
	const char *plugin; /* NULL: it is not known */
	char offset[24];    /* in its file */
};

/* It stays loaded, since its code is running. */
static void
name_plugin(const char *file, struct caller *ret)
{
	void *handle = dlopen(file, RTLD_NOLOAD | RTLD_LAZY);
	const struct sockd_plugin *plugin = handle != NULL ? dlsym(handle, "sockd_plugin") : NULL;

	if (plugin != NULL)
		ret->plugin = plugin->name;
	if (handle != NULL)
		dlclose(handle);
}

static void
find_caller(struct caller *ret)
{
	void *frames[FRAMES_MAX];
	int count = backtrace(frames, FRAMES_MAX);
	bool inside = false; /* behind what backtrace() itself may put first */
	Dl_info ours, info;

	*ret = (struct caller){ 0 };
	if (dladdr(&told_ms, &ours) == 0)
		return;
	for (int i = 0; i < count; i++) {
		if (dladdr(frames[i], &info) == 0)
			continue;
		if (!inside || info.dli_fbase == ours.dli_fbase) {
			inside |= info.dli_fbase == ours.dli_fbase;
			continue;
		}
		snprintf(ret->offset, sizeof ret->offset, "0x%tx",
			(char *)frames[i] - (char *)info.dli_fbase - 1); /* of the call, not behind it */
		name_plugin(info.dli_fname, ret);
		return;
	}
}

void
misuse_foreign_thread(const char *function)
{
	struct caller caller;
	uint64_t missed;

	if (function == NULL || !may_tell())
		return;
	find_caller(&caller);
	missed = atomic_exchange(&untold, 0);
	log_warning("foreign_thread", LOG_S("function", function), LOG_S("plugin", caller.plugin),
		LOG_S("offset", caller.offset[0] != '\0' ? caller.offset : NULL),
		missed > 0 ? LOG_U("untold", missed) : LOG_S("untold", NULL),
		LOG_S("msg",
			"called on a thread that is not its handle's: it fails with EXDEV, and sockd_post() "
			"or sockd_post_thread() is what reaches that thread; addr2line -e FILE.so OFFSET "
			"tells where"));
}
