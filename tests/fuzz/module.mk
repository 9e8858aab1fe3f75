EXTRA_DIST += tests/fuzz/run tests/fuzz/seeds/fuzz_address.txt tests/fuzz/seeds/fuzz_config/anchors.yaml \
	tests/fuzz/seeds/fuzz_config/whole.yaml tests/fuzz/seeds/fuzz_config/wrong.yaml
EXTRA_DIST += tests/fuzz/fuzz_address.c tests/fuzz/fuzz_config.c
EXTRA_DIST += tests/fuzz/fuzz_tls.c
EXTRA_DIST += tests/fuzz/fuzz_network.c tests/fuzz/fuzz_proxy.c
EXTRA_DIST += tests/fuzz/fuzz_control.c tests/fuzz/seeds/fuzz_control/no_body
EXTRA_DIST += tests/fuzz/fuzz_snapshot.c tests/fuzz/fuzz_state.c tests/fuzz/fuzz_wire.c
EXTRA_DIST += tests/fuzz/make_seeds.c tests/fuzz/seeds.h
