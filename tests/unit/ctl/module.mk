check_PROGRAMS += tests/unit/ctl/test_command tests/unit/ctl/test_table
