core_sources += daemon/control/json_text.c daemon/control/json_text.h
core_sources += daemon/control/admin_path.c daemon/control/admin_path.h
core_sources += daemon/control/snapshot.c daemon/control/snapshot.h
