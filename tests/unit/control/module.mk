check_PROGRAMS += tests/unit/control/test_snapshot
