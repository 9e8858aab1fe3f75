#include "server.h"

#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "target.h"

struct server
server_parse(const char *pids)
{
	struct server s = { 0 };
	char *end;

	errno = 0;
	for (; *pids != '\0'; pids = *end == ',' ? end + 1 : end) {
		long pid = strtol(pids, &end, 10);

		if (end == pids || pid <= 0 || (*end != '\0' && *end != ','))
			die("process ids are numbers with commas between them");
		if (s.count == sizeof s.pids / sizeof s.pids[0])
			die("too many process ids");
		s.pids[s.count++] = (pid_t)pid;
	}
	return s;
}

/* The first number of a file in /proc; 0 when its task is gone. */
static double
first_number(const char *path)
{
	FILE *f = fopen(path, "re");
	double n = 0;

	if (f == NULL)
		return 0;
	if (fscanf(f, "%lf", &n) != 1)
		n = 0;
	fclose(f);
	return n;
}

/* schedstat counts nanoseconds where stat counts ticks of 10 ms. */
static double
process_cpu_s(pid_t pid)
{
	const struct dirent *entry;
	char path[64];
	double ns = 0;
	DIR *tasks;

	snprintf(path, sizeof path, "/proc/%d/task", (int)pid);
	tasks = opendir(path);
	if (tasks == NULL)
		return 0;
	while ((entry = readdir(tasks)) != NULL)
		if (entry->d_name[0] != '.') {
			snprintf(path, sizeof path, "/proc/%d/task/%d/schedstat", (int)pid,
				atoi(entry->d_name));
			ns += first_number(path);
		}
	closedir(tasks);
	return ns / 1e9;
}

double
server_cpu_s(const struct server *s)
{
	double sum = 0;

	for (int i = 0; i < s->count; i++)
		sum += process_cpu_s(s->pids[i]);
	return sum;
}

static double
process_memory_kib(pid_t pid)
{
	char path[64], line[256];
	double kib = 0;
	FILE *f;

	snprintf(path, sizeof path, "/proc/%d/smaps_rollup", (int)pid);
	f = fopen(path, "re");
	if (f == NULL)
		return 0;
	while (fgets(line, sizeof line, f) != NULL)
		if (strncmp(line, "Pss:", 4) == 0)
			kib = atof(line + 4);
	fclose(f);
	return kib;
}

double
server_memory_kib(const struct server *s)
{
	double sum = 0;

	for (int i = 0; i < s->count; i++)
		sum += process_memory_kib(s->pids[i]);
	return sum;
}
