check_PROGRAMS += tests/unit/run/test_check_child tests/unit/run/test_cli tests/unit/run/test_run_command \
	tests/unit/run/test_plugin_new tests/unit/run/test_plugin_script
