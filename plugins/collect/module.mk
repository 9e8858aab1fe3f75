plugin_LTLIBRARIES += plugins/collect/collect.la
plugins_collect_collect_la_SOURCES = plugins/collect/collect.c plugins/collect/sink.c plugins/collect/sink.h
plugins_collect_collect_la_CPPFLAGS = $(plugin_cppflags)
plugins_collect_collect_la_LDFLAGS = $(plugin_ldflags)
EXTRA_DIST += plugins/collect/README.md
