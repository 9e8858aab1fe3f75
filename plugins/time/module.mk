plugin_LTLIBRARIES += plugins/time/time.la
plugins_time_time_la_CPPFLAGS = $(plugin_cppflags)
plugins_time_time_la_LDFLAGS = $(plugin_ldflags)
EXTRA_DIST += plugins/time/README.md
