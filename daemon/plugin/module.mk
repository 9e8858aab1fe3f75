# core_sources += daemon/plugin/FILE.c daemon/plugin/FILE.h
core_sources += daemon/plugin/describe.c daemon/plugin/describe.h
core_sources += daemon/plugin/instance.c daemon/plugin/instance.h
core_sources += daemon/plugin/option.c daemon/plugin/option.h
core_sources += daemon/plugin/plugin_file.c daemon/plugin/plugin_file.h
core_sources += daemon/plugin/plugin_load.c daemon/plugin/plugin_load.h
core_sources += daemon/plugin/plugin_symbols.c daemon/plugin/plugin_symbols.h
core_sources += daemon/plugin/settings.c daemon/plugin/settings.h daemon/plugin/settings_error.c daemon/plugin/settings_tls.c

# Prints a plugin's page of the manual; plugins/module.mk has the pages.
noinst_PROGRAMS += daemon/plugin/gen_page
daemon_plugin_gen_page_SOURCES = daemon/plugin/gen_page.c
daemon_plugin_gen_page_LDADD = $(core_libs)
