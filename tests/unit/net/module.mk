# check_PROGRAMS += tests/unit/net/test_FILE
