# EXTRA_DIST += tests/system/test_FILE.py (executable; tests/run finds it)
EXTRA_DIST += tests/system/test_tls_plugin.py tests/system/plugins/starttls.c tests/system/plugins/starttls_serve.c
EXTRA_DIST += tests/system/test_datagrams.py tests/system/test_docs.py tests/system/plugins/datagrams.c
EXTRA_DIST += tests/system/long_fuzz.py tests/system/long_instrumented.py
EXTRA_DIST += tests/system/long_starved.py tests/system/test_faults.py tests/system/test_starved.py tests/system/preload/fail_malloc.c
EXTRA_DIST += tests/system/test_admission.py tests/system/test_events.py tests/system/test_observers.py tests/system/test_streams.py \
	tests/system/test_timeouts.py tests/system/plugins/events.c tests/system/plugins/observer.c tests/system/plugins/scenario.h \
	tests/system/plugins/streams.c
EXTRA_DIST += tests/system/test_cli.py tests/system/test_drain.py tests/system/test_kv.py tests/system/test_plugin_command.py tests/system/test_run_command.py \
	tests/system/test_signals.py
EXTRA_DIST += tests/system/test_log.py tests/system/test_processes.py tests/system/test_crash.py tests/system/test_upgrade.py
EXTRA_DIST += tests/system/test_log.py tests/system/test_processes.py tests/system/test_upgrade.py
EXTRA_DIST += tests/system/test_log.py tests/system/test_processes.py
EXTRA_DIST += tests/system/long_floods.py tests/system/test_bans.py
EXTRA_DIST += tests/system/long_bandwidth.py tests/system/test_bandwidth.py
EXTRA_DIST += tests/system/test_log.py tests/system/test_processes.py tests/system/long_processes.py tests/system/test_crash.py tests/system/test_upgrade.py
EXTRA_DIST += tests/system/test_plugin_load.py
EXTRA_DIST += tests/system/test_fibers.py
EXTRA_DIST += tests/system/test_rights.py tests/system/plugins/rights.c
EXTRA_DIST += tests/system/test_threads.py tests/system/plugins/threads.c
EXTRA_DIST += tests/system/test_dial.py tests/system/plugins/dial.c
EXTRA_DIST += tests/system/test_dial_tls.py tests/system/plugins/dial_tls.c
EXTRA_DIST += tests/system/plugins/scenario.h tests/system/plugins/ending.c tests/system/plugins/fibers.c
EXTRA_DIST += tests/system/long_bounds.py tests/system/long_echo.py tests/system/test_bounds.py tests/system/test_echo.py
EXTRA_DIST += tests/system/test_sockctl.py
EXTRA_DIST += tests/system/test_access.py tests/system/test_per_source.py
EXTRA_DIST += tests/system/test_generations.py
EXTRA_DIST += tests/system/test_units.py
EXTRA_DIST += tests/system/test_proxy.py tests/system/plugins/whoami.c
EXTRA_DIST += tests/system/test_frames.py tests/system/plugins/frames_event.c tests/system/plugins/frames.c
EXTRA_DIST += tests/system/long_reload.py tests/system/test_reload.py tests/system/plugins/named.c
EXTRA_DIST += tests/system/test_tls.py tests/system/test_tls_check.py tests/system/test_tls_reload.py tests/system/long_tls_scan.py tests/system/long_tls_load.py
EXTRA_DIST += tests/system/test_tls.py tests/system/test_tls_check.py tests/system/test_tls_reload.py tests/system/long_tls_scan.py
EXTRA_DIST += tests/system/long_systemd.py
EXTRA_DIST += tests/system/test_proxy_plugin.py
EXTRA_DIST += tests/system/test_exec.py
EXTRA_DIST += tests/system/test_collect.py
EXTRA_DIST += tests/system/test_chat.py
