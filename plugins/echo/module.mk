plugin_LTLIBRARIES += plugins/echo/echo.la
plugins_echo_echo_la_CPPFLAGS = $(plugin_cppflags)
plugins_echo_echo_la_LDFLAGS = $(plugin_ldflags)
EXTRA_DIST += plugins/echo/README.md
