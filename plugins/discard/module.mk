plugin_LTLIBRARIES += plugins/discard/discard.la
plugins_discard_discard_la_CPPFLAGS = $(plugin_cppflags)
plugins_discard_discard_la_LDFLAGS = $(plugin_ldflags)
EXTRA_DIST += plugins/discard/README.md
