plugin_LTLIBRARIES += plugins/proxy/proxy.la
plugins_proxy_proxy_la_SOURCES = plugins/proxy/proxy.c plugins/proxy/proxy.h plugins/proxy/header.c plugins/proxy/header.h \
	plugins/proxy/sessions.c plugins/proxy/upstream.c plugins/proxy/upstream.h
plugins_proxy_proxy_la_CPPFLAGS = $(plugin_cppflags)
plugins_proxy_proxy_la_LDFLAGS = $(plugin_ldflags)
EXTRA_DIST += plugins/proxy/README.md
