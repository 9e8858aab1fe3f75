check_PROGRAMS += tests/unit/ctl/test_command tests/unit/ctl/test_table tests/unit/ctl/test_top_frame
