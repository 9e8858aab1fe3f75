/* `sockd -V`. */
#ifndef RUN_VERSION_H
#define RUN_VERSION_H

#include <stdio.h>

/** Versions of sockd, of its plugin ABI and of the libraries that it runs with, and the default paths. */
void version_print(FILE *out);

#endif
