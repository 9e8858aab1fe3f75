core_sources += daemon/control/json_text.c daemon/control/json_text.h
core_sources += daemon/control/admin_path.c daemon/control/admin_path.h
core_sources += daemon/control/occupancy.c daemon/control/occupancy.h
core_sources += daemon/control/protocol.c daemon/control/protocol.h daemon/control/protocol_version.c
core_sources += daemon/control/snapshot.c daemon/control/snapshot.h
core_sources += daemon/control/snapshot_pack.c daemon/control/snapshot_pack.h
core_sources += daemon/control/watch.c daemon/control/watch.h
core_sources += daemon/control/wire.c daemon/control/wire.h
