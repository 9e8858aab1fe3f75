EXTRA_DIST += tests/abi/test_headers.py tests/abi/test_symbols.py tests/abi/test_record.py tests/abi/record \
	tests/abi/everything.c tests/abi/sockd-1.0.abi tests/abi/sockd-1.1.abi tests/abi/1.0/plugin.c tests/abi/1.0/sockd/conn.h \
	tests/abi/1.0/sockd/host.h tests/abi/1.0/sockd/io.h tests/abi/1.0/sockd/ops.h tests/abi/1.0/sockd/plugin.h \
	tests/abi/1.0/sockd/settings.h tests/abi/1.0/sockd/types.h
