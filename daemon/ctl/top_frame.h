/* What `sockctl top` shows: two looks at the daemon become one picture with rates. */
#ifndef CTL_TOP_FRAME_H
#define CTL_TOP_FRAME_H

#include <jansson.h>
#include <stdint.h>
#include <stdio.h>

#include "base/cleanup.h"

/** What the daemon says at one moment. */
struct top_look {
	json_t *status;    /* owned: of the verb `status` */
	json_t *listeners; /* owned: the rows of the verb `listeners` */
	int64_t at_ms;     /* monotonic */
};

void top_look_fini(struct top_look *look);

/** Print a line about the daemon, and a table of its listeners, the busiest first. @return 0 or -ENOMEM */
must_check int top_frame_print(const struct top_look *before, const struct top_look *now, FILE *out);

#endif
