/* The edges of the interface, from event entries. */
#include "edges_run.h"

SOCKD_EXPORT const struct sockd_plugin sockd_plugin = { SOCKD_PLUGIN_INIT, .name = "edges_event",
	.version = "1.0", .options = edges_options, .start = edges_start, .data = edges_data,
	.datagram = edges_data };
