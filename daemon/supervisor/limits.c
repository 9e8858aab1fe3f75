/* An estimate, and a careful one: a connection is one descriptor; a fiber's stack with its guard is two
 * mappings; the rest is what was counted in a daemon of one listener, rounded up. Plugins that open
 * descriptors of their own are not foreseen. A limit that does not fit is survived (the engine stops
 * accepting and tries again), hence only a warning. */
#include "supervisor/limits.h"

#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>

#include "base/fdutil.h"

enum {
	DESCRIPTORS_FIXED = 32,  /* standard ones, log, plugins, notify, what libraries keep */
	DESCRIPTORS_OF_LOOP = 4, /* two epolls, wake-up, reserve */
	MAPPINGS_FIXED = 300,    /* program, libraries, heaps */
	MAPPINGS_OF_LOOP = 16,   /* stack, guard, heap arena, ring */
	MAPPINGS_OF_FIBER = 2
};

void
limits_raise(void)
{
	struct rlimit r;

	if (getrlimit(RLIMIT_NOFILE, &r) < 0 || r.rlim_cur == r.rlim_max)
		return;
	r.rlim_cur = r.rlim_max;
	if (setrlimit(RLIMIT_NOFILE, &r) < 0)
		return; /* the contract says who tells */
}

static uint64_t
read_number(const char *path)
{
	auto_of(fd) int fd = open(path, O_RDONLY | O_CLOEXEC);
	char text[32];
	ssize_t n;

	if (fd < 0)
		return UINT64_MAX;
	n = read(fd, text, sizeof text - 1);
	if (n <= 0)
		return UINT64_MAX;
	text[n] = '\0';
	return strtoull(text, NULL, 10);
}

struct limits
limits_read(void)
{
	struct limits l = { .descriptors = UINT64_MAX,
		.mappings = read_number("/proc/sys/vm/max_map_count") };
	struct rlimit r;

	if (getrlimit(RLIMIT_NOFILE, &r) == 0 && r.rlim_cur != RLIM_INFINITY)
		l.descriptors = r.rlim_cur;
	return l;
}

static uint64_t
listener_connections(const struct cfg_listener *l)
{
	for (size_t i = 0; i < l->address_count; i++)
		if (!cfg_transport_is_datagram(l->addresses[i].transport))
			return (uint64_t)l->connections_limit;
	return 0;
}

static uint64_t
listener_sockets(const struct cfg_listener *l, unsigned loops)
{
	uint64_t n = 0;

	for (size_t i = 0; i < l->address_count; i++)
		n += l->addresses[i].transport == CFG_UDP && !l->one_thread ? loops : 1;
	return n;
}

unsigned
limits_check(const struct config *config, unsigned loops, const bool *serves, const struct limits *limits,
	limits_warn_fn *warn, void *arg)
{
	uint64_t descriptors = DESCRIPTORS_FIXED + (uint64_t)loops * DESCRIPTORS_OF_LOOP;
	uint64_t mappings = MAPPINGS_FIXED + (uint64_t)loops * MAPPINGS_OF_LOOP;
	unsigned warnings = 0;
	char text[256];

	for (size_t i = 0; i < config->listener_count; i++) {
		uint64_t connections = listener_connections(&config->listeners[i]);

		descriptors += connections + listener_sockets(&config->listeners[i], loops);
		if (serves != NULL && serves[i])
			mappings += connections * MAPPINGS_OF_FIBER;
	}
	if (descriptors > limits->descriptors) {
		snprintf(text, sizeof text,
			"limits.connections of all listeners need about %" PRIu64
			" descriptors, this process may have %" PRIu64
			" (LimitNOFILE= in the unit, or ulimit -n); further clients will have to wait",
			descriptors, limits->descriptors);
		warn(arg, "descriptors", text);
		warnings++;
	}
	if (mappings > limits->mappings) {
		snprintf(text, sizeof text,
			"plugins that serve on fibers need about %" PRIu64
			" memory mappings for limits.connections, the kernel "
			"allows %" PRIu64 " (sysctl vm.max_map_count)",
			mappings, limits->mappings);
		warn(arg, "mappings", text);
		warnings++;
	}
	return warnings;
}
