/* Run by the build: `gen_docs verbs|options|completion` writes that part to standard output. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "ctl/docs.h"

int
main(int argc, char **argv)
{
	static const struct {
		const char *name;
		void (*print)(FILE *out);
	} parts[] = {
		{ "verbs", docs_print_verbs },
		{ "options", docs_print_options },
		{ "completion", docs_print_completion },
	};

	for (size_t i = 0; argc == 2 && i < sizeof parts / sizeof parts[0]; i++) {
		if (strcmp(parts[i].name, argv[1]) == 0) {
			parts[i].print(stdout);
			return fflush(stdout) == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
		}
	}
	return EXIT_FAILURE;
}
