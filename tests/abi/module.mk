EXTRA_DIST += tests/abi/test_headers.py tests/abi/test_symbols.py
