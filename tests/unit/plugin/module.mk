check_PROGRAMS += tests/unit/plugin/test_instance tests/unit/plugin/test_plugin_file tests/unit/plugin/test_plugin_load \
	tests/unit/plugin/test_plugin_symbols tests/unit/plugin/test_settings
EXTRA_DIST += tests/unit/plugin/made.h tests/unit/plugin/settings_case.h
