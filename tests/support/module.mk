# support_sources += tests/support/FILE.c: what unit tests share, linked to each of them as libsockd-test.a
EXTRA_DIST += tests/support/harness.py tests/support/unit.h
