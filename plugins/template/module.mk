plugin_LTLIBRARIES += plugins/template/template.la
plugins_template_template_la_CPPFLAGS = $(plugin_cppflags)
plugins_template_template_la_LDFLAGS = $(plugin_ldflags)
# `sockd plugin new` writes these, with another name.
template_files = plugins/template/template.c plugins/template/test_template.c plugins/template/template.script \
	plugins/template/template.yaml plugins/template/Makefile plugins/template/README.md plugins/template/.gitignore
EXTRA_DIST += $(template_files)
