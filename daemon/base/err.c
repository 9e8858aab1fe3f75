/* Errors are values: a function that fails fills the caller's struct err once, callers add context on the way
 * up, and the top says it. A text too long is cut, never lost. */
#include "base/err.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

int
err_set(struct err *e, int code, const char *format, ...)
{
	va_list args;

	if (e == NULL)
		return code;
	va_start(args, format);
	vsnprintf(e->text, sizeof e->text, format, args);
	va_end(args);
	e->code = code;
	return code;
}

int
err_errno(struct err *e, const char *format, ...)
{
	int saved = errno != 0 ? errno : EIO;
	va_list args;
	size_t used;

	if (e == NULL)
		return -saved;
	va_start(args, format);
	vsnprintf(e->text, sizeof e->text, format, args);
	va_end(args);
	used = strlen(e->text);
	snprintf(e->text + used, sizeof e->text - used, ": %s", strerror(saved));
	e->code = -saved;
	errno = saved;
	return -saved;
}

int
err_prefix(struct err *e, const char *format, ...)
{
	char context[ERR_TEXT_SIZE / 2];
	va_list args;
	size_t used;

	if (e == NULL)
		return -EIO;
	va_start(args, format);
	vsnprintf(context, sizeof context - 2, format, args);
	va_end(args);
	used = strlen(context);
	memcpy(context + used, ": ", 2);
	memmove(e->text + used + 2, e->text, sizeof e->text - used - 2);
	memcpy(e->text, context, used + 2);
	e->text[sizeof e->text - 1] = '\0';
	return e->code;
}
