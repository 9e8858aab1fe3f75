/* What went wrong, in words for a person, carried up to the one place that says it. */
#ifndef BASE_ERR_H
#define BASE_ERR_H

#include "base/cleanup.h"

enum { ERR_TEXT_SIZE = 1024 };

/** Owned by the caller; empty (`struct err e = { 0 };`) until a function that fails fills it. */
struct err {
	int code;                 /* negative errno, 0: nothing went wrong */
	char text[ERR_TEXT_SIZE]; /* one line, no newline at its end, no full stop */
};

/** Record a failure. @return @p code, so that a caller can `return err_set(...)`. @p e may be NULL. */
int err_set(struct err *e, int code, const char *format, ...) printf_like(3, 4);

/** As err_set() with -errno, the text ending in `: ` and the system's words. Never returns 0. */
int err_errno(struct err *e, const char *format, ...) printf_like(2, 3);

/** Put context before a recorded text: `context: text`. @return the recorded code. */
int err_prefix(struct err *e, const char *format, ...) printf_like(2, 3);

#endif
