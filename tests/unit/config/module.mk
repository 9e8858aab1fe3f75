# check_PROGRAMS += tests/unit/config/test_FILE
