check_PROGRAMS += tests/unit/guard/test_prefix_table
check_PROGRAMS += tests/unit/guard/test_proxy_header
check_PROGRAMS += tests/unit/guard/test_access
check_PROGRAMS += tests/unit/guard/test_bans
check_PROGRAMS += tests/unit/guard/test_refusals
check_PROGRAMS += tests/unit/guard/test_sources
check_PROGRAMS += tests/unit/guard/test_rate
