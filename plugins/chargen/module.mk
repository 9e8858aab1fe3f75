plugin_LTLIBRARIES += plugins/chargen/chargen.la
plugins_chargen_chargen_la_CPPFLAGS = $(plugin_cppflags)
plugins_chargen_chargen_la_LDFLAGS = $(plugin_ldflags)
EXTRA_DIST += plugins/chargen/README.md
