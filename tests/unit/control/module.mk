check_PROGRAMS += tests/unit/control/test_snapshot
check_PROGRAMS += tests/unit/control/test_admin_path
check_PROGRAMS += tests/unit/control/test_json_text
