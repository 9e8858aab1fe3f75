/* The process is asked from within, since only its own malloc() knows what is in use: the pages that the
 * kernel counts show a leak of a few bytes late or never. A thread of its own answers, so that a plugin that
 * holds up the loops does not hold up the question. Under a sanitizer malloc() does not say; memory is 0
 * then.
 */
#include "run/plugin_probe.h"

#include <dirent.h>
#include <errno.h>
#include <malloc.h>
#include <pthread.h>
#include <signal.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/fdutil.h"

struct question {
	struct sockaddr_storage address;
	socklen_t size;
};

static int64_t
count_entries(const char *path)
{
	DIR *folder = opendir(path);
	int64_t n = 0;

	for (const struct dirent *d; folder != NULL && (d = readdir(folder)) != NULL;)
		n += d->d_name[0] != '.';
	if (folder != NULL)
		closedir(folder);
	return n;
}

static bool
is_connection(int fd, const struct question *q)
{
	struct sockaddr_storage name = { 0 };
	socklen_t size = sizeof name, value_size = sizeof(int);
	int type, listens;

	return getsockopt(fd, SOL_SOCKET, SO_TYPE, &type, &value_size) == 0 && type == SOCK_STREAM &&
	       getsockopt(fd, SOL_SOCKET, SO_ACCEPTCONN, &listens, &value_size) == 0 && listens == 0 &&
	       getsockname(fd, (struct sockaddr *)&name, &size) == 0 &&
	       memcmp(&name, &q->address, sizeof name) == 0;
}

static int64_t
count_connections(const struct question *q)
{
	DIR *folder = opendir("/proc/self/fd");
	int64_t n = 0;

	for (const struct dirent *d; folder != NULL && (d = readdir(folder)) != NULL;)
		n += d->d_name[0] != '.' && is_connection(atoi(d->d_name), q);
	if (folder != NULL)
		closedir(folder);
	return n;
}

static struct probe_figures
measure(const struct question *q)
{
	struct probe_figures f = { .threads = count_entries("/proc/self/task"),
		.connections = count_connections(q) };
	struct mallinfo2 m = mallinfo2();

	f.memory = (int64_t)(m.uordblks + m.hblkhd);
	f.descriptors = fd_count_open() - f.connections;
	return f;
}

static void *
answer(void *arg)
{
	int fd = (int)(intptr_t)arg;
	struct question q;

	while (recv(fd, &q, sizeof q, MSG_WAITALL) == sizeof q) {
		struct probe_figures f = measure(&q);

		if (send(fd, &f, sizeof f, MSG_NOSIGNAL) != sizeof f)
			break;
	}
	close(fd);
	return NULL;
}

int
probe_start(int fd)
{
	sigset_t all, before;
	pthread_t thread;
	int error;

	sigfillset(&all); /* they are for the daemon's own threads */
	pthread_sigmask(SIG_SETMASK, &all, &before);
	error = pthread_create(&thread, NULL, answer, (void *)(intptr_t)fd);
	pthread_sigmask(SIG_SETMASK, &before, NULL);
	if (error == 0)
		pthread_detach(thread);
	return -error;
}

int
probe_ask(int fd, const struct sockaddr_storage *address, socklen_t size, struct probe_figures *ret)
{
	struct question q = { .size = size };

	memcpy(&q.address, address, size);
	if (send(fd, &q, sizeof q, MSG_NOSIGNAL) != sizeof q ||
		recv(fd, ret, sizeof *ret, MSG_WAITALL) != sizeof *ret)
		return -EPIPE;
	return 0;
}
