sockdinclude_HEADERS += include/sockd/conn.h include/sockd/host.h include/sockd/io.h include/sockd/ops.h
sockdinclude_HEADERS += include/sockd/plugin.h include/sockd/settings.h include/sockd/testing.h include/sockd/types.h
