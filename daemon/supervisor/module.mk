core_sources += daemon/supervisor/admin_bans.c daemon/supervisor/admin_bans.h
core_sources += daemon/supervisor/bans_give.c daemon/supervisor/bans_give.h
core_sources += daemon/supervisor/admin.c daemon/supervisor/admin.h \
	daemon/supervisor/admin_call.c daemon/supervisor/admin_call.h \
	daemon/supervisor/admin_client.h \
	daemon/supervisor/admin_pages.c daemon/supervisor/admin_pages.h \
	daemon/supervisor/admin_service.c daemon/supervisor/admin_service.h \
	daemon/supervisor/admin_socket.c daemon/supervisor/admin_socket.h \
	daemon/supervisor/admin_takeover.c \
	daemon/supervisor/admin_verbs.c
core_sources += daemon/supervisor/announce.c daemon/supervisor/announce.h \
	daemon/supervisor/backoff.c daemon/supervisor/backoff.h \
	daemon/supervisor/child.c daemon/supervisor/child.h daemon/supervisor/child_private.h \
	daemon/supervisor/child_adopt.c daemon/supervisor/child_hear.c daemon/supervisor/child_start.c \
	daemon/supervisor/counters.c daemon/supervisor/counters.h \
	daemon/supervisor/excuse.c daemon/supervisor/excuse.h \
	daemon/supervisor/exit_status.c daemon/supervisor/exit_status.h \
	daemon/supervisor/generations.c daemon/supervisor/generations.h \
	daemon/supervisor/generations_adopt.c daemon/supervisor/generations_private.h \
	daemon/supervisor/holds.c daemon/supervisor/holds.h \
	daemon/supervisor/log_watch.c daemon/supervisor/log_watch.h \
	daemon/supervisor/identity.c daemon/supervisor/identity.h \
	daemon/supervisor/limits.c daemon/supervisor/limits.h \
	daemon/supervisor/seats.c daemon/supervisor/seats.h \
	daemon/supervisor/service.c daemon/supervisor/service.h daemon/supervisor/service_private.h \
	daemon/supervisor/service_view.c \
	daemon/supervisor/signals.c daemon/supervisor/signals.h \
	daemon/supervisor/snapshot_build.c daemon/supervisor/snapshot_build.h \
	daemon/supervisor/snapshot_sockets.c \
	daemon/supervisor/adopt.c daemon/supervisor/adopt.h \
	daemon/supervisor/plugin_metrics.c daemon/supervisor/plugin_metrics.h \
	daemon/supervisor/post_mortem.c daemon/supervisor/post_mortem.h \
	daemon/supervisor/pulse.c daemon/supervisor/pulse.h \
	daemon/supervisor/rehearsal.c daemon/supervisor/rehearsal.h daemon/supervisor/rehearse.c \
	daemon/supervisor/reopen.c daemon/supervisor/reopen.h \
	daemon/supervisor/state.c daemon/supervisor/state.h \
	daemon/supervisor/upgrade.c daemon/supervisor/upgrade.h \
	daemon/supervisor/status.c daemon/supervisor/status.h \
	daemon/supervisor/supervisor.c daemon/supervisor/supervisor.h daemon/supervisor/supervisor_private.h \
	daemon/supervisor/supervisor_adopt.c \
	daemon/supervisor/worker_ops.h
core_sources += daemon/supervisor/checker.h \
	daemon/supervisor/reload.c daemon/supervisor/reload.h \
	daemon/supervisor/held_keys.c daemon/supervisor/held_keys.h \
	daemon/supervisor/reload_plan.c daemon/supervisor/reload_plan.h \
	daemon/supervisor/reload_verdict.c daemon/supervisor/reload_verdict.h
core_sources += daemon/supervisor/fd_store.c daemon/supervisor/fd_store.h
core_sources += daemon/supervisor/warnings.c daemon/supervisor/warnings.h
core_sources += daemon/supervisor/notify.c daemon/supervisor/notify.h
core_sources += daemon/supervisor/certificates.c daemon/supervisor/certificates.h
core_sources += daemon/supervisor/watch.c daemon/supervisor/watch.h
