# EXTRA_DIST += tests/system/test_FILE.py (executable; tests/run finds it)
EXTRA_DIST += tests/system/test_cli.py tests/system/test_drain.py tests/system/test_plugin_command.py tests/system/test_run_command.py \
	tests/system/test_signals.py
EXTRA_DIST += tests/system/test_log.py
EXTRA_DIST += tests/system/test_plugin_load.py
