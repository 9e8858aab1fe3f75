# check_PROGRAMS += tests/plugins/test_FILE
