# support_sources: what tests share, linked to each of them as libsockd-test.a; include/sockd/testing.h are the fakes.
support_sources += tests/support/fake.c tests/support/fake.h tests/support/fake_asked.c tests/support/fake_fiber.c \
	tests/support/fake_flow.c tests/support/fake_flow.h tests/support/fake_host.c tests/support/fake_io.c \
	tests/support/fake_metric.c tests/support/fake_peer.c tests/support/fake_settings.c tests/support/fake_timer.c \
	tests/support/fake_work.c tests/support/fake_writer.c
support_sources += daemon/engine/frame.c daemon/engine/frame.h daemon/engine/arguments.h
EXTRA_DIST += tests/support/harness.py tests/support/booted.py tests/support/machine.py tests/support/manager.py tests/support/unit.h
EXTRA_DIST += tests/support/bandwidth.py tests/support/netns.py
EXTRA_DIST += tests/support/installed.py tests/support/scenarios.py
EXTRA_DIST += tests/support/bounds.py tests/support/callers.py tests/support/clients.py tests/support/crowd.py tests/support/starved.py
EXTRA_DIST += tests/support/reloading.py tests/support/numbered.py tests/support/storm.py

# The daemon with a control protocol that no other speaks: its version comes before the one in the library.
check_PROGRAMS += tests/support/sockd_stranger
tests_support_sockd_stranger_SOURCES = daemon/main.c tests/support/stranger_version.c
tests_support_sockd_stranger_LDADD = $(core_libs)
EXTRA_DIST += tests/support/certs.py tests/support/tls_memory.h
