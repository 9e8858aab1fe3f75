/* Refuses its settings, and says what its check() might do here: as whom it runs, what is open, and whether
 * somebody would hear it. */
#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <sockd/plugin.h>

/* The constructor runs before any of the daemon's code can say who we are. */
static uid_t loaded_as;

__attribute__((constructor)) static void
loaded(void)
{
	loaded_as = geteuid();
}

static void
find_line(const char *path, const char *name, char *value, size_t size)
{
	char line[256];
	FILE *f = fopen(path, "re");

	while (f != NULL && fgets(line, sizeof line, f) != NULL)
		if (strncmp(line, name, strlen(name)) == 0)
			snprintf(value, size, "%s", strtok(line + strlen(name), ": \t\n"));
	if (f != NULL)
		fclose(f);
}

/* Descriptors that lead to somebody: sockets, pipes (but for the answer's), events. */
static int
count_doors(void)
{
	DIR *dir = opendir("/proc/self/fd");
	int count = 0;

	for (struct dirent *d; dir != NULL && (d = readdir(dir)) != NULL;) {
		char target[256] = "";

		if (atoi(d->d_name) > STDERR_FILENO &&
			readlinkat(dirfd(dir), d->d_name, target, sizeof target - 1) > 0)
			count += strncmp(target, "socket:", 7) == 0 ||
				 strncmp(target, "anon_inode:", 11) == 0 ||
				 strncmp(target, "pipe:", 5) == 0 ||
				 strncmp(target, "/memfd:sockd-counters", 21) == 0;
	}
	if (dir != NULL)
		closedir(dir);
	return count;
}

static int
check(const struct sockd_settings *s, struct sockd_error *e)
{
	char caps[64] = "?", ignored[64] = "?";

	(void)s;
	find_line("/proc/self/status", "CapPrm", caps, sizeof caps);
	find_line("/proc/self/status", "SigIgn", ignored, sizeof ignored);
	return sockd_error_set(e, NULL,
		"loaded_as=%u uid=%u gid=%u groups=%d root_again=%d caps=%s doors=%d notify=%d ignored=%s",
		(unsigned)loaded_as, (unsigned)getuid(), (unsigned)getgid(), getgroups(0, NULL),
		seteuid(0) == 0, caps, count_doors(), getenv("NOTIFY_SOCKET") != NULL, ignored);
}

static void
data(struct sockd_conn c, struct sockd_reader r, struct sockd_writer w)
{
	(void)c;
	sockd_move(w, r);
}

SOCKD_EXPORT const struct sockd_plugin sockd_plugin = { SOCKD_PLUGIN_INIT, .name = "confess",
	.version = "1.0", .check = check, .data = data };
