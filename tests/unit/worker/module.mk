check_PROGRAMS += tests/unit/worker/test_instances tests/unit/worker/test_privileges tests/unit/worker/test_worker
EXTRA_DIST += tests/unit/worker/fixture.h
