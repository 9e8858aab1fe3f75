EXTRA_DIST += tests/fuzz/fuzz_address.c tests/fuzz/fuzz_config.c
