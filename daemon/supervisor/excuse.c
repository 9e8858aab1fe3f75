/* The state alone would not do: a thread that turns in circles is ready as well. So what it was given since
 * the last look counts, and only the rest is excused. */
#include "supervisor/excuse.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/fdutil.h"

/* proc(5): the name in brackets may hold anything, so what counts begins behind the last of them: the state,
 * ten numbers, and the time in user space and in the kernel. */
static int
parse(const char *text, struct thread_look *ret)
{
	const char *behind = strrchr(text, ')');
	uint64_t user, kernel;
	long ticks = sysconf(_SC_CLK_TCK);
	char state;

	if (behind == NULL || ticks <= 0 ||
		sscanf(behind + 1, " %c %*s %*s %*s %*s %*s %*s %*s %*s %*s %*s %" SCNu64 " %" SCNu64, &state,
			&user, &kernel) != 3)
		return -EBADMSG;
	ret->ready = state == 'R';
	ret->kept = state == 'D';
	ret->cpu_ms = (int64_t)((user + kernel) * 1000 / (uint64_t)ticks);
	return 0;
}

int
thread_look(pid_t pid, pid_t tid, struct thread_look *ret)
{
	char path[64], text[1024];
	auto_of(fd) int fd = -1;
	ssize_t n;

	snprintf(path, sizeof path, "/proc/%d/task/%d/stat", (int)pid, (int)tid);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	n = fd >= 0 ? read(fd, text, sizeof text - 1) : -1;
	if (n < 0)
		return -errno;
	text[n] = '\0';
	return parse(text, ret);
}

void
excuse_look(struct excuse *x, const struct thread_look *look, int64_t now_ms)
{
	int64_t passed_ms = now_ms - x->looked_ms, had_ms = look != NULL ? look->cpu_ms - x->cpu_ms : 0;

	if (x->looked_ms != 0 && look != NULL && had_ms < passed_ms) {
		x->ms += look->ready ? passed_ms - had_ms : 0;
		x->kept_ms += look->kept ? passed_ms - had_ms : 0;
	}
	x->looked_ms = look != NULL ? now_ms : 0;
	x->cpu_ms = look != NULL ? look->cpu_ms : 0;
}
