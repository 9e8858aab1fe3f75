/* The memory in which workers see how many connections the others have, and who sits where in it. */
#ifndef SUPERVISOR_SEATS_H
#define SUPERVISOR_SEATS_H

#include "base/cleanup.h"
#include "base/err.h"
#include "control/occupancy.h"

struct seats;

/** For so many rows. */
must_check int seats_new(unsigned rows, struct seats **ret, struct err *e);
/** Go on with the memory of another supervisor, in which nobody sits yet. @param fd  moves, on failure too */
must_check int seats_adopt(int fd, unsigned rows, struct seats **ret, struct err *e);
void seats_free(struct seats *s); /* NULL is fine */

/** Take a free seat. @return 0; -EAGAIN with text when there is none */
must_check int seats_take(struct seats *s, struct occupancy *ret, struct err *e);
/** Sit where one sat under another supervisor. @return 0; -EBADMSG with text */
must_check int seats_take_again(struct seats *s, unsigned seat, struct occupancy *ret, struct err *e);

/** Whoever sat there is gone, with all connections. @p rows: that anybody can have counted in */
void seats_leave(struct seats *s, const struct occupancy *o, unsigned rows);

/** The memory, borrowed. */
int seats_fd(const struct seats *s);

#endif
