/* The same tests, of the way that other machines than x86-64 go: fiber_switch.c is built for it here. */
#include "test_fiber_switch.c" /* NOLINT(bugprone-suspicious-include) */
