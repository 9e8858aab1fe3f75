# EXTRA_DIST += tests/fuzz/FILE
