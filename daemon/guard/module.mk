core_sources += daemon/guard/prefix_table.c daemon/guard/prefix_table.h
core_sources += daemon/guard/proxy_header.c daemon/guard/proxy_header.h
