# The load generator and the raw peers: built with the tests, so that they never rot; run by `make bench`.
bench_programs = tests/bench/load tests/bench/raw_echo tests/bench/raw_tls_echo tests/bench/transfer
check_PROGRAMS += $(bench_programs)
EXTRA_DIST += tests/bench/plots/connections.svg tests/bench/plots/sizes.svg tests/bench/plots/loops.svg \
	tests/bench/plots/start.svg
EXTRA_DIST += tests/bench/README.md tests/bench/run tests/bench/peers.py tests/bench/report.py tests/bench/go_echo.go \
	tests/bench/behind.py tests/bench/clients.py tests/bench/growth.py tests/bench/sharing.py

tests_bench_load_SOURCES = tests/bench/load.c tests/bench/load.h tests/bench/load_stream.c tests/bench/load_connect.c \
	tests/bench/load_datagram.c tests/bench/load_idle.c tests/bench/histogram.c tests/bench/histogram.h \
	tests/bench/link.c tests/bench/link.h tests/bench/server.c tests/bench/server.h tests/bench/target.c \
	tests/bench/target.h
tests_bench_load_LDADD = $(OPENSSL_LIBS)
tests_bench_raw_echo_SOURCES = tests/bench/raw_echo.c tests/bench/target.c tests/bench/target.h
tests_bench_raw_echo_LDADD =
tests_bench_raw_tls_echo_SOURCES = tests/bench/raw_tls_echo.c tests/bench/target.c tests/bench/target.h
tests_bench_raw_tls_echo_LDADD = $(OPENSSL_LIBS)
tests_bench_transfer_SOURCES = tests/bench/transfer.c tests/bench/target.c tests/bench/target.h
tests_bench_transfer_LDADD =
