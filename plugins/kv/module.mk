plugin_LTLIBRARIES += plugins/kv/kv.la
kv_sources = plugins/kv/commands.c plugins/kv/commands.h plugins/kv/commands_private.h plugins/kv/resp.c plugins/kv/resp.h \
	plugins/kv/siphash.c plugins/kv/siphash.h plugins/kv/session.c plugins/kv/store.c plugins/kv/store.h
plugins_kv_kv_la_SOURCES = plugins/kv/kv.c $(kv_sources)
plugins_kv_kv_la_CPPFLAGS = $(plugin_cppflags)
plugins_kv_kv_la_LDFLAGS = $(plugin_ldflags)
EXTRA_DIST += plugins/kv/README.md
