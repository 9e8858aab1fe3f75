core_sources += daemon/run/check_child.c daemon/run/check_child.h \
	daemon/run/cli.c daemon/run/cli.h \
	daemon/run/cli_options.c daemon/run/cli_options.h \
	daemon/run/command.c daemon/run/command.h \
	daemon/run/paths.h \
	daemon/run/run_command.c daemon/run/run_command.h \
	daemon/run/single.c daemon/run/single.h \
	daemon/run/test_command.c daemon/run/test_command.h \
	daemon/run/version.c daemon/run/version.h
