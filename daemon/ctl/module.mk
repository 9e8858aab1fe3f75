# core_sources += daemon/ctl/FILE.c daemon/ctl/FILE.h
