/* inotify watches folders, not files: a file that is renamed over is another file, which no watch of the old
 * one tells of. Every folder on the way is watched, that of the name and that of what the name leads to. An
 * event only starts a clock, or starts it anew; when it runs out, what stat() says of each file is held
 * against what it said before, so that what else happens in those folders tells nothing. */
#include "supervisor/watch.h"

#include <errno.h>
#include <glob.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/inotify.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/fdutil.h"
#include "base/log.h"
#include "config/load_tls.h"

enum { EVENTS = IN_CREATE | IN_CLOSE_WRITE | IN_MOVED_TO | IN_MOVED_FROM | IN_DELETE | IN_ATTRIB };

struct watch {
	struct event_base *base; /* borrowed */
	void (*changed)(void *arg);
	void *arg;
	int fd;                           /* owned; -1 while nothing is watched */
	struct event *readable, *settled; /* owned */
	char **paths;                     /* owned */
	size_t count;
	uint64_t seen;    /* a hash of what stat() said */
	int64_t since_ms; /* when the first thing happened that was not looked into yet */
};

/* ---- how the files are ---- */

static void
mix(uint64_t *hash, const void *bytes, size_t size)
{
	const unsigned char *at = bytes;

	for (size_t i = 0; i < size; i++)
		*hash = (*hash ^ at[i]) * 0x100000001b3u; /* FNV-1a */
}

static void
mix_file(uint64_t *hash, const char *path)
{
	struct stat st;
	const int64_t missing = -1;

	if (stat(path, &st) < 0) {
		mix(hash, &missing, sizeof missing);
		return;
	}
	mix(hash, &st.st_dev, sizeof st.st_dev);
	mix(hash, &st.st_ino, sizeof st.st_ino);
	mix(hash, &st.st_size, sizeof st.st_size);
	mix(hash, &st.st_mtim, sizeof st.st_mtim);
}

static bool
is_folder(const char *path)
{
	struct stat st;

	return stat(path, &st) == 0 && S_ISDIR(st.st_mode);
}

static void
mix_folder(uint64_t *hash, const char *folder)
{
	auto_of(mem) char *pattern = tls_folder_pattern(folder);
	glob_t found = { 0 };

	if (pattern == NULL || glob(pattern, 0, NULL, &found) != 0)
		return;
	for (size_t i = 0; i < found.gl_pathc; i++) {
		mix(hash, found.gl_pathv[i], strlen(found.gl_pathv[i]));
		mix_file(hash, found.gl_pathv[i]);
	}
	globfree(&found);
}

uint64_t
watch_look(const char *const *paths, size_t count)
{
	uint64_t hash = 0xcbf29ce484222325u;

	for (size_t i = 0; i < count; i++) {
		mix_file(&hash, paths[i]);
		if (is_folder(paths[i]))
			mix_folder(&hash, paths[i]);
	}
	return hash;
}

static uint64_t
look(const struct watch *w)
{
	return watch_look((const char *const *)w->paths, w->count);
}

/* ---- watching ---- */

static void
watch_folder(const struct watch *w, const char *folder)
{
	if (inotify_add_watch(w->fd, *folder != '\0' ? folder : "/", EVENTS | IN_ONLYDIR) < 0 &&
		errno != ENOENT)
		log_warning("watch_failed", LOG_S("path", folder), LOG_S("error", strerror(errno)),
			LOG_S("msg", "changes there take effect with the next reload only"));
}

/* The folder of a name, in place. */
static void
watch_parent(const struct watch *w, char *path)
{
	char *slash = strrchr(path, '/');

	if (slash == NULL)
		strcpy(path, ".");
	else
		*slash = '\0';
	watch_folder(w, path);
}

static int
watch_path(const struct watch *w, const char *path)
{
	auto_of(mem) char *name = strdup(path), *real = realpath(path, NULL);

	if (name == NULL)
		return -ENOMEM;
	if (is_folder(path))
		watch_folder(w, path);
	watch_parent(w, name);
	if (real != NULL)
		watch_parent(w, real);
	return 0;
}

static int watch_again(struct watch *w);

static void
on_settled(evutil_socket_t fd, short what, void *arg)
{
	struct watch *w = arg;
	uint64_t now = look(w);

	(void)fd, (void)what; /* a timer has neither */
	if (now == w->seen)
		return;
	w->seen = now;
	if (watch_again(w) < 0) /* a link may lead elsewhere now */
		log_warning("watch_failed", LOG_S("error", "out of memory"));
	w->changed(w->arg);
}

static void
settle(struct watch *w)
{
	const struct timeval wait = { .tv_sec = WATCH_SETTLE_MS / 1000 };
	int64_t now_ms = clock_now_ms();

	if (!event_pending(w->settled, EV_TIMEOUT, NULL))
		w->since_ms = now_ms;
	else if (now_ms - w->since_ms >= WATCH_PATIENCE_MS - WATCH_SETTLE_MS)
		return;
	event_add(w->settled, &wait);
}

static void
on_readable(evutil_socket_t fd, short what, void *arg)
{
	struct watch *w = arg;
	_Alignas(struct inotify_event) char events[4096];

	(void)what; /* only EV_READ is asked for */
	while (read(fd, events, sizeof events) > 0)
		; /* which it was is not asked: stat() tells what counts */
	settle(w);
}

static void
close_fd(struct watch *w)
{
	if (w->readable != NULL)
		event_free(w->readable);
	w->readable = NULL;
	cleanup_fd(&w->fd);
	w->fd = -1;
}

/* A new descriptor: there is no other way to forget folders that nothing leads to any more. */
static int
watch_again(struct watch *w)
{
	close_fd(w);
	if (w->count == 0)
		return 0;
	w->fd = inotify_init1(IN_CLOEXEC | IN_NONBLOCK);
	if (w->fd < 0) {
		log_warning("watch_failed", LOG_S("error", strerror(errno)),
			LOG_S("msg", "changed files take effect with the next reload only"));
		return 0;
	}
	w->readable = event_new(w->base, w->fd, EV_READ | EV_PERSIST, on_readable, w);
	if (w->readable == NULL || event_add(w->readable, NULL) < 0)
		return -ENOMEM;
	for (size_t i = 0; i < w->count; i++)
		if (watch_path(w, w->paths[i]) < 0)
			return -ENOMEM;
	return 0;
}

static void
forget(struct watch *w)
{
	for (size_t i = 0; i < w->count; i++)
		free(w->paths[i]);
	free(w->paths);
	w->paths = NULL;
	w->count = 0;
}

int
watch_set(struct watch *w, const char *const *paths, size_t count, uint64_t seen)
{
	int code;

	forget(w);
	w->paths = calloc(count + 1, sizeof *w->paths);
	if (w->paths == NULL)
		return -ENOMEM;
	for (size_t i = 0; i < count; i++) {
		w->paths[i] = strdup(paths[i]);
		if (w->paths[i] == NULL)
			return -ENOMEM;
		w->count++;
	}
	w->seen = seen;
	code = watch_again(w);
	if (look(w) != seen)
		settle(w);
	return code;
}

int
watch_new(struct event_base *base, void (*changed)(void *arg), void *arg, struct watch **ret, struct err *e)
{
	struct watch *w = mem_new(*w);

	if (w == NULL)
		return err_set(e, -ENOMEM, "out of memory");
	*w = (struct watch){ .base = base, .changed = changed, .arg = arg, .fd = -1 };
	w->settled = event_new(base, -1, 0, on_settled, w);
	if (w->settled == NULL) {
		watch_free(w);
		return err_set(e, -ENOMEM, "out of memory");
	}
	*ret = w;
	return 0;
}

void
watch_free(struct watch *w)
{
	if (w == NULL)
		return;
	close_fd(w);
	if (w->settled != NULL)
		event_free(w->settled);
	forget(w);
	free(w);
}
