/* What a plugin does wrong and gets an error for that its author may never look at: said in the log, with the
 * function that was called and the place in the plugin that called it. */
#ifndef ENGINE_MISUSE_H
#define ENGINE_MISUSE_H

/** A function that is not marked [any] was called on a thread that is not its handle's; it fails with EXDEV.
 * Told at most once a second, with how many were not told.
 * @param function  its name in <sockd/plugin.h>; NULL: it does without its handle, and there is nothing to
 * tell
 *
 * Thread: any. */
void misuse_foreign_thread(const char *function);

#endif
