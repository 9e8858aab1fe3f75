check_PROGRAMS += tests/unit/guard/test_prefix_table
check_PROGRAMS += tests/unit/guard/test_proxy_header
