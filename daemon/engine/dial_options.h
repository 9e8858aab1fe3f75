/* What sockd_dial() is given, judged as far as that goes before there is a connection. */
#ifndef ENGINE_DIAL_OPTIONS_H
#define ENGINE_DIAL_OPTIONS_H

#include "sockd/types.h"

#include "config/arena.h"
#include "engine/listener.h"

struct strand;

/** In the place of none. */
extern const struct sockd_dial_options dial_defaults;

/** @param self  who dials; NULL: no fiber. @return 0; -EINVAL; -EDEADLK; -ECANCELED */
must_check int dial_check(const struct sockd_dial_options *o, const struct strand *self);

/** @return 0, with the descriptor of an "fd:" or -1 and an address; -EINVAL */
must_check int dial_parse(const char *url, struct arena *arena, struct cfg_address *a, int *ret_fd);

/** The entries of its events; NULL: none. */
struct conn_entries dial_entries(const struct sockd_events *v);

#endif
