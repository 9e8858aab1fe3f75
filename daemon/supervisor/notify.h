/* What the service manager is told, by sd_notify(3). Without libsystemd, or without a manager that listens
 * (NOTIFY_SOCKET), nothing happens. Nobody waits for an answer, and nothing depends on the message having
 * arrived: a failure is not reported. Thread: the supervisor's. */
#ifndef SUPERVISOR_NOTIFY_H
#define SUPERVISOR_NOTIFY_H

#include <stdbool.h>
#include <stdint.h>

#include "base/cleanup.h"

/** READY=1: sockets are bound and served. */
void notify_ready(void);

/** RELOADING=1: the configuration is being read again; notify_reloaded() has to follow. */
void notify_reloading(void);
/** READY=1 again, whatever came of it. */
void notify_reloaded(void);

/** STATUS=...: one line for `systemctl status`; a longer text is cut, control characters become blanks. */
void notify_status(const char *format, ...) printf_like(1, 2);

/** STOPPING=1: from here on the manager's stop timeout runs. */
void notify_stopping(void);

/** EXTEND_TIMEOUT_USEC=...: the current start or stop may take @p ms more from now. */
void notify_extend(int64_t ms);

/** How long the manager waits for notify_alive() before it takes us for dead (WatchdogSec=); 0: it does not.
 */
int64_t notify_watchdog_ms(void);

/** FDSTORE=1: the manager keeps a duplicate of the socket (FileDescriptorStoreMax=), and passes it to whoever
 * it starts after us. One that it has already is not kept twice. @param name  of at most 255 bytes */
void notify_store(int fd, const char *name);
/** FDSTOREREMOVE=1: it closes those that it has under the name. */
void notify_store_remove(const char *name);

/** Wait until the manager has done all that it was told so far, at most some seconds. @return whether it has
 */
bool notify_barrier(void);

/** WATCHDOG=1. */
void notify_alive(void);

#endif
