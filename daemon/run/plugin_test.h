/* `sockd plugin test`: a real sockd with the plugin, and a client that does what a script says, over each
 * transport that the plugin serves. */
#ifndef RUN_PLUGIN_TEST_H
#define RUN_PLUGIN_TEST_H

#include "base/cleanup.h"
#include "run/cli.h"

struct plugin_test_options {
	const char *plugin;      /* a name, or a file */
	const char *script_path; /* NULL: scripts of our own, which any plugin has to survive */
	const char *transport;   /* NULL: all that it serves */
	struct cli_list set;     /* its settings, KEY=VALUE */
	int timeout_ms;          /* of a step */
};

/** @return EX_OK; EX_CONFIG: a step failed, told on standard output; another exit status */
must_check int plugin_test(const struct plugin_test_options *o);

#endif
