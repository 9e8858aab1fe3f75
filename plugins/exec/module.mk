plugin_LTLIBRARIES += plugins/exec/exec.la
plugins_exec_exec_la_SOURCES = plugins/exec/exec.c plugins/exec/environment.c plugins/exec/environment.h
plugins_exec_exec_la_CPPFLAGS = $(plugin_cppflags)
plugins_exec_exec_la_LDFLAGS = $(plugin_ldflags)
EXTRA_DIST += plugins/exec/README.md
