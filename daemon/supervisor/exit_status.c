/* A table of exceptions before a table of defaults: what a phase makes of any failure, and the few causes
 * that mean the same wherever they are met. Codes that no caller can produce by bad input are our own faults:
 * EX_SOFTWARE. */
#include "supervisor/exit_status.h"

#include <errno.h>
#include <stddef.h>
#include <sysexits.h>

#include "base/cleanup.h"

static const int phase_default[EXIT_PHASE_COUNT] = {
	[EXIT_PHASE_FILE] = EX_NOINPUT,
	[EXIT_PHASE_CHECK] = EX_CONFIG,
	[EXIT_PHASE_LOG] = EX_CONFIG,
	[EXIT_PHASE_BIND] = EX_UNAVAILABLE,
	[EXIT_PHASE_WORKER] = EX_CONFIG,
	[EXIT_PHASE_SYSTEM] = EX_OSERR,
};

/* In every phase but the first two, where a person's file is the cause whatever errno says. */
static const struct {
	int code, status;
} everywhere[] = {
	{ -EINVAL, EX_CONFIG }, /* told at a place of the configuration */
	{ -EACCES, EX_NOPERM },
	{ -EPERM, EX_NOPERM },
	{ -EAGAIN, EX_TEMPFAIL },
	{ -ENOMEM, EX_OSERR },
	{ -EMFILE, EX_OSERR },
	{ -ENFILE, EX_TEMPFAIL },
	{ -EFAULT, EX_SOFTWARE },
	{ -EBADF, EX_SOFTWARE },
};

int
exit_status(enum exit_phase phase, int code)
{
	if (code == 0)
		return EX_OK;
	if (phase == EXIT_PHASE_FILE || phase == EXIT_PHASE_CHECK)
		return code == -ENOMEM ? EX_OSERR : phase_default[phase];
	for (size_t i = 0; i < array_len(everywhere); i++)
		if (everywhere[i].code == code)
			return everywhere[i].status;
	return phase_default[phase];
}
