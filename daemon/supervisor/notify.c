/* The only file that knows libsystemd's notification call. A status is one line of a message whose lines are
 * assignments, so no text may bring a newline of its own. */
#include "supervisor/notify.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <time.h>
#ifdef HAVE_LIBSYSTEMD
#include <systemd/sd-daemon.h>
#endif

#include "base/strbuf.h"

enum { STATUS_TEXT_SIZE = 512, STORE_TEXT_SIZE = 300, BARRIER_US = 5000000 };

static void
send_state(const char *state)
{
#ifdef HAVE_LIBSYSTEMD
	sd_notify(0, state);
#else
	(void)state;          /* there is nobody to tell */
#endif
}

void
notify_ready(void)
{
	send_state("READY=1");
}

void
notify_reloading(void)
{
	char state[80];
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now); /* from systemd 253 on it tells an old READY=1 from a new one */
	snprintf(state, sizeof state, "RELOADING=1\nMONOTONIC_USEC=%" PRId64,
		(int64_t)now.tv_sec * 1000000 + now.tv_nsec / 1000);
	send_state(state);
}

void
notify_reloaded(void)
{
	send_state("READY=1");
}

void
notify_status(const char *format, ...)
{
	char state[STATUS_TEXT_SIZE] = "STATUS=";
	size_t size = sizeof "STATUS=" - 1;
	va_list args;

	va_start(args, format);
	vsnprintf(state + size, sizeof state - size, format, args);
	va_end(args);
	while (state[size] != '\0') {
		size_t left = sizeof state - size;
		size_t n = utf8_sequence((const unsigned char *)state + size, left);

		/* The manager drops a status that is not UTF-8, which a cut may have made of it. */
		if (n == 0 || state[size] == 0x7f || (n == 1 && (unsigned char)state[size] < ' '))
			state[size] = ' ';
		size += n != 0 ? n : 1;
	}
	send_state(state);
}

void
notify_stopping(void)
{
	send_state("STOPPING=1");
}

void
notify_extend(int64_t ms)
{
	char state[64];

	snprintf(state, sizeof state, "EXTEND_TIMEOUT_USEC=%" PRId64, ms * 1000);
	send_state(state);
}

int64_t
notify_watchdog_ms(void)
{
	uint64_t us = 0;

#ifdef HAVE_LIBSYSTEMD
	if (sd_watchdog_enabled(0, &us) <= 0)
		return 0;
#endif
	return (int64_t)(us / 1000);
}

void
notify_store(int fd, const char *name)
{
#ifdef HAVE_LIBSYSTEMD
	char state[STORE_TEXT_SIZE];

	/* A listener is not watched: it would be thrown out at its first error. */
	snprintf(state, sizeof state, "FDSTORE=1\nFDPOLL=0\nFDNAME=%s", name);
	sd_pid_notify_with_fds(0, 0, state, &fd, 1);
#else
	(void)fd, (void)name; /* there is nobody to keep it */
#endif
}

void
notify_store_remove(const char *name)
{
	char state[STORE_TEXT_SIZE];

	snprintf(state, sizeof state, "FDSTOREREMOVE=1\nFDNAME=%s", name);
	send_state(state);
}

bool
notify_barrier(void)
{
#ifdef HAVE_LIBSYSTEMD
	return sd_notify_barrier(0, BARRIER_US) >= 0;
#else
	return true;
#endif
}

void
notify_alive(void)
{
	send_state("WATCHDOG=1");
}
