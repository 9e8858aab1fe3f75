check_PROGRAMS += tests/unit/base/test_err tests/unit/base/test_fdutil tests/unit/base/test_strbuf
check_PROGRAMS += tests/unit/base/test_log tests/unit/base/test_log_format tests/unit/base/test_log_record \
	tests/unit/base/test_log_ring tests/unit/base/test_log_sink tests/unit/base/test_log_target tests/unit/base/test_log_writer
EXTRA_DIST += tests/unit/base/log_test.h
check_PROGRAMS += tests/unit/base/test_pack tests/unit/base/test_parse
check_PROGRAMS += tests/unit/base/test_network
