/* The same on fibers. */
#define STRAIGHT
#include "starttls.c"
