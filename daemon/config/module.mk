core_sources += daemon/config/config.h daemon/config/node.h
core_sources += daemon/config/accounts.c daemon/config/accounts.h
core_sources += daemon/config/address.c daemon/config/address.h
core_sources += daemon/config/arena.c daemon/config/arena.h
core_sources += daemon/config/bind.c daemon/config/bind.h
core_sources += daemon/config/check.c daemon/config/check.h
core_sources += daemon/config/check_guard.c daemon/config/check_guard.h
core_sources += daemon/config/config.c daemon/config/config_whole.h
core_sources += daemon/config/diff.c daemon/config/diff.h
core_sources += daemon/config/expand.c daemon/config/expand.h
core_sources += daemon/config/files.c daemon/config/files.h
core_sources += daemon/config/gather.c daemon/config/gather.h
core_sources += daemon/config/key.c daemon/config/key.h
core_sources += daemon/config/keys_daemon.c daemon/config/keys_listener.c daemon/config/keys_tls.c
core_sources += daemon/config/keys_guard.h
core_sources += daemon/config/load.c daemon/config/load.h daemon/config/load_rest.c daemon/config/load_rest.h \
	daemon/config/load_tls.c daemon/config/load_tls.h
core_sources += daemon/config/networks.c daemon/config/networks.h
core_sources += daemon/config/node.c
core_sources += daemon/config/record.c daemon/config/record.h
core_sources += daemon/config/report.c daemon/config/report.h
core_sources += daemon/config/source.c daemon/config/source.h
core_sources += daemon/config/store.c daemon/config/store.h daemon/config/store_maps.c daemon/config/store_maps.h
core_sources += daemon/config/text.c daemon/config/text.h
core_sources += daemon/config/tree.c daemon/config/tree.h
core_sources += daemon/config/value.c daemon/config/value.h
core_sources += daemon/config/man.c daemon/config/man.h
core_sources += daemon/config/print.c daemon/config/print.h
core_sources += daemon/config/quote.c daemon/config/quote.h
core_sources += daemon/config/schema.c daemon/config/schema.h

# Prints the section of keys of sockd.yaml(5), which daemon/man puts into the page.
noinst_PROGRAMS += daemon/config/gen_man
daemon_config_gen_man_SOURCES = daemon/config/gen_man.c
daemon_config_gen_man_LDADD = $(core_libs)
