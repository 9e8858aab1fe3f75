/* Run by the build: writes the section of keys of sockd.yaml(5) to standard output. */
#include <stdio.h>
#include <stdlib.h>

#include "config/man.h"

int
main(void)
{
	auto_of(strbuf) struct strbuf text = { 0 };

	config_print_man(&text);
	if (text.failed || text.data == NULL || fputs(text.data, stdout) == EOF || fflush(stdout) != 0)
		return EXIT_FAILURE;
	return EXIT_SUCCESS;
}
