/* The answers of a worker about bans and access rules. */
#ifndef WORKER_ASK_GUARD_H
#define WORKER_ASK_GUARD_H

#include <jansson.h>

#include "base/err.h"
#include "worker/ask.h"

/** bans {"argument": LINES}: these hold from now on. NULL: refused with @p e filled, or no memory. */
json_t *ask_guard_bans(const struct ask_subject *s, json_t *request, struct err *e);

/** why {"argument": {"address", "listener"}} -> a row {"allowed", "text"}, or {"refusal"}: what is wrong */
json_t *ask_guard_why(const struct ask_subject *s, json_t *request, struct err *e);

#endif
