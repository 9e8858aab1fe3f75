core_sources += daemon/run/check_child.c daemon/run/check_child.h \
	daemon/run/cli.c daemon/run/cli.h \
	daemon/run/cli_options.c daemon/run/cli_options.h \
	daemon/run/command.c daemon/run/command.h \
	daemon/run/paths.h \
	daemon/run/plugin_name.c daemon/run/plugin_name.h \
	daemon/run/run_command.c daemon/run/run_command.h \
	daemon/run/single.c daemon/run/single.h \
	daemon/run/test_command.c daemon/run/test_command.h \
	daemon/run/version.c daemon/run/version.h

core_sources += daemon/run/plugin_command.c daemon/run/plugin_command.h \
	daemon/run/plugin_daemon.c daemon/run/plugin_daemon.h \
	daemon/run/plugin_inspect.c daemon/run/plugin_inspect.h \
	daemon/run/plugin_leak.c daemon/run/plugin_leak.h \
	daemon/run/plugin_new.c daemon/run/plugin_new.h \
	daemon/run/plugin_peer.c daemon/run/plugin_peer.h \
	daemon/run/plugin_play.c daemon/run/plugin_play.h \
	daemon/run/plugin_probe.c daemon/run/plugin_probe.h \
	daemon/run/plugin_script.c daemon/run/plugin_script.h \
	daemon/run/plugin_test.c daemon/run/plugin_test.h
nodist_core_sources += daemon/run/template_files.c

# `sockd plugin new` writes the files of plugins/template: they become strings.
daemon/run/template_files.c: $(template_files) daemon/run/embed.awk
	$(AM_V_GEN)$(MKDIR_P) $(@D) && $(AWK) -f $(srcdir)/daemon/run/embed.awk \
		$(template_files:%=$(srcdir)/%) > $@.tmp && mv $@.tmp $@
CLEANFILES += daemon/run/template_files.c
EXTRA_DIST += daemon/run/embed.awk
core_sources += daemon/run/diff_command.c daemon/run/diff_command.h
core_sources += daemon/run/check_use.c daemon/run/check_use.h daemon/run/reload_check.c daemon/run/reload_check.h
