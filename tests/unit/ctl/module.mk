# check_PROGRAMS += tests/unit/ctl/test_FILE
