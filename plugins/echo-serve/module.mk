plugin_LTLIBRARIES += plugins/echo-serve/echo-serve.la
plugins_echo_serve_echo_serve_la_CPPFLAGS = $(plugin_cppflags)
plugins_echo_serve_echo_serve_la_LDFLAGS = $(plugin_ldflags)
EXTRA_DIST += plugins/echo-serve/README.md
