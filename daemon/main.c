/* The door: arguments in, exit status out. What the arguments mean is run/cli.c's, what is done with them
 * run/command.c's. */
#include "run/cli.h"
#include "run/command.h"

int
main(int argc, char **argv)
{
	struct cli cli;
	int status = cli_parse(argc, argv, &cli);

	return status != 0 ? status : command_run(&cli);
}
