plugin_LTLIBRARIES += plugins/daytime/daytime.la
plugins_daytime_daytime_la_CPPFLAGS = $(plugin_cppflags)
plugins_daytime_daytime_la_LDFLAGS = $(plugin_ldflags)
EXTRA_DIST += plugins/daytime/README.md
