core_sources += daemon/control/snapshot.c daemon/control/snapshot.h
