/* Scope-bound ownership and the few attributes that contracts use.
 *
 * auto_of(kind) releases a local variable at the end of its scope by calling cleanup_KIND(&variable); each
 * kind is declared next to the thing it releases (cleanup_fd in fdutil.h, cleanup_strbuf in strbuf.h). A
 * `_take` function gives the thing away and leaves an empty variable behind. */
#ifndef BASE_CLEANUP_H
#define BASE_CLEANUP_H

#include <stddef.h>
#include <stdlib.h>

#define auto_of(kind)                 __attribute__((cleanup(cleanup_##kind)))
#define must_check                    __attribute__((warn_unused_result))
#define printf_like(f, a)             __attribute__((format(printf, f, a)))
#define array_len(a)                  (sizeof(a) / sizeof((a)[0]))
#define likely(x)                     __builtin_expect(!!(x), 1)
#define unlikely(x)                   __builtin_expect(!!(x), 0)
#define container_of(p, type, member) ((type *)(void *)((char *)(p)-offsetof(type, member)))

/** A zeroed object of the type of @p x, or NULL. `struct conn *c = mem_new(*c);` */
#define mem_new(x) (calloc(1, sizeof(x)))

/** auto_of(mem): memory from malloc(). */
static inline void
cleanup_mem(void *pointer_to_pointer)
{
	free(*(void **)pointer_to_pointer);
}

/** Move a pointer out of an auto_of(mem) variable. */
#define mem_take(p)                         \
	({                                  \
		__typeof__(p) taken_ = (p); \
		(p) = NULL;                 \
		taken_;                     \
	})

#endif
