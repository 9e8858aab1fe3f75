# check_PROGRAMS += tests/unit/worker/test_FILE
