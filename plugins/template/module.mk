# It is a beginning for others, not a service: `sockd plugin new` has its source, and nobody names it in a file. So it is
# built and tested like every plugin, and not installed.
noinst_LTLIBRARIES += plugins/template/template.la
plugins_template_template_la_CPPFLAGS = $(plugin_cppflags)
plugins_template_template_la_LDFLAGS = $(plugin_ldflags) -rpath /nowhere
# `sockd plugin new` writes these, with another name.
template_files = plugins/template/template.c plugins/template/test_template.c plugins/template/template.script \
	plugins/template/template.yaml plugins/template/Makefile plugins/template/README.md plugins/template/.gitignore
EXTRA_DIST += $(template_files)
