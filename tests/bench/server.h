/* What the kernel says of the server's processes: their CPU time and their memory. */
#ifndef BENCH_SERVER_H
#define BENCH_SERVER_H

#include <sys/types.h>

struct server {
	pid_t pids[32];
	int count;
};

/** "12,13": dies on anything else. */
struct server server_parse(const char *pids);
/** Seconds of CPU that its threads have used so far. */
double server_cpu_s(const struct server *s);
/** KiB in memory; pages that processes share are divided among them (PSS). */
double server_memory_kib(const struct server *s);

#endif
