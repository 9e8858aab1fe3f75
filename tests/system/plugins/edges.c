/* The edges of the interface, from straight-line code. */
#include "edges_run.h"

SOCKD_EXPORT const struct sockd_plugin sockd_plugin = { SOCKD_PLUGIN_INIT, .name = "edges", .version = "1.0",
	.options = edges_options, .start = edges_start, .serve = edges_serve };
