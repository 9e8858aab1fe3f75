EXTRA_DIST += \
	tests/lint/analyze.py \
	tests/lint/lint.py \
	tests/lint/test_assertions.py \
	tests/lint/test_format.py \
	tests/lint/test_headers.py \
	tests/lint/test_includes.py \
	tests/lint/test_lists.py \
	tests/lint/test_shell.py \
	tests/lint/test_size.py \
	tests/lint/test_words.py
