plugin_LTLIBRARIES += plugins/exec/exec.la
exec_sources = plugins/exec/environment.c plugins/exec/environment.h plugins/exec/launch.c plugins/exec/launch.h \
	plugins/exec/names.c plugins/exec/names.h
plugins_exec_exec_la_SOURCES = plugins/exec/exec.c $(exec_sources)
plugins_exec_exec_la_CPPFLAGS = $(plugin_cppflags)
plugins_exec_exec_la_LDFLAGS = $(plugin_ldflags)
EXTRA_DIST += plugins/exec/README.md
