check_PROGRAMS += tests/unit/supervisor/test_announce tests/unit/supervisor/test_exit_status \
	tests/unit/supervisor/test_limits \
	tests/unit/supervisor/test_service tests/unit/supervisor/test_signals \
	tests/unit/supervisor/test_snapshot_build tests/unit/supervisor/test_status
check_PROGRAMS += tests/unit/supervisor/test_notify
check_PROGRAMS += tests/unit/supervisor/test_admin tests/unit/supervisor/test_admin_socket \
	tests/unit/supervisor/test_admin_takeover tests/unit/supervisor/test_admin_verbs
EXTRA_DIST += tests/unit/supervisor/admin_case.h tests/unit/supervisor/child_case.h
check_PROGRAMS += tests/unit/supervisor/test_backoff tests/unit/supervisor/test_bans_give tests/unit/supervisor/test_counters \
	tests/unit/supervisor/test_identity tests/unit/supervisor/test_state
check_PROGRAMS += tests/unit/supervisor/test_child_adopt tests/unit/supervisor/test_child_hear tests/unit/supervisor/test_excuse tests/unit/supervisor/test_fd_store \
	tests/unit/supervisor/test_held_keys tests/unit/supervisor/test_holds tests/unit/supervisor/test_log_watch tests/unit/supervisor/test_plugin_metrics \
	tests/unit/supervisor/test_pulse tests/unit/supervisor/test_seats tests/unit/supervisor/test_watch
