/* `sockctl top`: a screen that is refreshed, or so many pictures one after the other. */
#ifndef CTL_TOP_H
#define CTL_TOP_H

#include "base/err.h"
#include "ctl/command.h"

/** Run it until q, an end signal, or the last picture. @param path  of the admin socket
 * @return 0; -EINVAL: there is no terminal to show it on; or as client_open() and the like; with text */
must_check int top_run(const struct command *c, const char *path, struct err *e);

#endif
