# EXTRA_DIST += tests/bench/FILE
