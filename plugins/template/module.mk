plugin_LTLIBRARIES += plugins/template/template.la
plugins_template_template_la_CPPFLAGS = $(plugin_cppflags)
plugins_template_template_la_LDFLAGS = $(plugin_ldflags)
EXTRA_DIST += plugins/template/README.md
