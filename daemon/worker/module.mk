core_sources += daemon/worker/ask_guard.c daemon/worker/ask_guard.h
core_sources += daemon/worker/ask.c daemon/worker/ask.h \
	daemon/worker/check.c daemon/worker/check.h \
	daemon/worker/instances.c daemon/worker/instances.h \
	daemon/worker/privileges.c daemon/worker/privileges.h \
	daemon/worker/process.c daemon/worker/process.h \
	daemon/worker/process_setup.c daemon/worker/process_setup.h \
	daemon/worker/worker.c daemon/worker/worker.h
