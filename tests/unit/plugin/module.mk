# check_PROGRAMS += tests/unit/plugin/test_FILE
