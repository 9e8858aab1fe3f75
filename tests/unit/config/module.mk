check_PROGRAMS += tests/unit/config/test_address tests/unit/config/test_files tests/unit/config/test_key \
	tests/unit/config/test_load tests/unit/config/test_load_rest tests/unit/config/test_memory tests/unit/config/test_print \
	tests/unit/config/test_record tests/unit/config/test_report tests/unit/config/test_tree tests/unit/config/test_value
EXTRA_DIST += tests/unit/config/fixture.h

# Our own allocations go through the test, which lets them fail one by one.
tests_unit_config_test_memory_LDFLAGS = $(AM_LDFLAGS) -Wl,--wrap=malloc -Wl,--wrap=calloc -Wl,--wrap=realloc \
	-Wl,--wrap=reallocarray -Wl,--wrap=strdup -Wl,--wrap=strndup
check_PROGRAMS += tests/unit/config/test_keys_daemon
check_PROGRAMS += tests/unit/config/test_guard_keys
check_PROGRAMS += tests/unit/config/test_load_tls
check_PROGRAMS += tests/unit/config/test_diff
