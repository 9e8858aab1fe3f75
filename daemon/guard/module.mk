core_sources += daemon/guard/access.c daemon/guard/access.h
core_sources += daemon/guard/bans.c daemon/guard/bans.h
core_sources += daemon/guard/guard.c daemon/guard/guard.h
core_sources += daemon/guard/prefix_table.c daemon/guard/prefix_table.h
core_sources += daemon/guard/proxy_header.c daemon/guard/proxy_header.h
core_sources += daemon/guard/rate.c daemon/guard/rate.h
core_sources += daemon/guard/refusals.c daemon/guard/refusals.h
core_sources += daemon/guard/sources.c daemon/guard/sources.h
