check_PROGRAMS += tests/unit/control/test_admin_path
check_PROGRAMS += tests/unit/control/test_json_text
check_PROGRAMS += tests/unit/control/test_occupancy
check_PROGRAMS += tests/unit/control/test_protocol tests/unit/control/test_snapshot \
	tests/unit/control/test_snapshot_pack tests/unit/control/test_watch \
	tests/unit/control/test_watch_frames tests/unit/control/test_wire
