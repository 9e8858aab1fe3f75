EXTRA_DIST += tests/fuzz/fuzz_address.c tests/fuzz/fuzz_config.c
EXTRA_DIST += tests/fuzz/fuzz_network.c tests/fuzz/fuzz_proxy.c
