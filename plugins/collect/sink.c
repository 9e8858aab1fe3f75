/* Two locks: one of the queue, held for a moment; one of the descriptor, held while something is written. */
#include "sink.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#define JOURNAL_SOCKET "/run/systemd/journal/socket"

enum { BATCH_ROOM = 4096 };

struct sink {
	_Atomic unsigned references;
	char *path; /* owned; NULL: the journal */
	mode_t mode;
	pthread_mutex_t queue_lock, write_lock;
	struct batch *first, **end;
	size_t backlog;
	int fd, error; /* of the last write; under the write lock */
};

/* ---- batches ---- */

struct batch *
batch_new(void)
{
	return calloc(1, sizeof(struct batch));
}

void
batch_free(struct batch *b)
{
	if (b != NULL)
		free(b->data);
	free(b);
}

bool
batch_add(struct batch *b, const void *bytes, size_t size)
{
	size_t room = b->room > 0 ? b->room : BATCH_ROOM;
	char *grown;

	while (room - b->size < size)
		room *= 2;
	if (room != b->room) {
		grown = realloc(b->data, room);
		if (grown == NULL)
			return false;
		b->data = grown;
		b->room = room;
	}
	memcpy(b->data + b->size, bytes, size);
	b->size += size;
	return true;
}

/* ---- opening ---- */

static int
open_journal(void)
{
	struct sockaddr_un address = { .sun_family = AF_UNIX, .sun_path = JOURNAL_SOCKET };
	int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);

	if (fd >= 0 && connect(fd, (const struct sockaddr *)&address, sizeof address) < 0) {
		int error = errno;

		close(fd);
		errno = error;
		return -1;
	}
	return fd;
}

static int
open_target(const struct sink *s)
{
	return s->path != NULL ? open(s->path, O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC | O_NOCTTY, s->mode)
			       : open_journal();
}

struct sink *
sink_new(const struct sink_options *o)
{
	struct sink *s = calloc(1, sizeof *s);

	if (s == NULL)
		return NULL;
	s->path = o->path != NULL ? strdup(o->path) : NULL;
	s->mode = o->mode;
	s->fd = o->path != NULL && s->path == NULL ? -1 : open_target(s);
	if (s->fd < 0) {
		int error = errno;

		free(s->path);
		free(s);
		errno = error;
		return NULL;
	}
	atomic_init(&s->references, 1);
	s->end = &s->first;
	pthread_mutex_init(&s->queue_lock, NULL);
	pthread_mutex_init(&s->write_lock, NULL);
	return s;
}

struct sink *
sink_ref(struct sink *s)
{
	atomic_fetch_add(&s->references, 1);
	return s;
}

void
sink_unref(struct sink *s)
{
	if (s == NULL || atomic_fetch_sub(&s->references, 1) > 1)
		return;
	(void)sink_write(
		s, NULL); /* what it still cannot write is lost: there is nobody left to wait for it */
	while (s->first != NULL) {
		struct batch *b = s->first;

		s->first = b->next;
		batch_free(b);
	}
	close(s->fd);
	pthread_mutex_destroy(&s->queue_lock);
	pthread_mutex_destroy(&s->write_lock);
	free(s->path);
	free(s);
}

/* ---- the queue ---- */

void
sink_put(struct sink *s, struct batch *b)
{
	pthread_mutex_lock(&s->queue_lock);
	b->next = NULL;
	*s->end = b;
	s->end = &b->next;
	s->backlog += b->size;
	pthread_mutex_unlock(&s->queue_lock);
}

/* The head, which stays where it is: only the holder of the write lock takes it out. */
static struct batch *
queue_head(struct sink *s)
{
	struct batch *b;

	pthread_mutex_lock(&s->queue_lock);
	b = s->first;
	pthread_mutex_unlock(&s->queue_lock);
	return b;
}

static void
queue_drop_head(struct sink *s)
{
	struct batch *b;

	pthread_mutex_lock(&s->queue_lock);
	b = s->first;
	s->first = b->next;
	if (s->first == NULL)
		s->end = &s->first;
	s->backlog -= b->size;
	pthread_mutex_unlock(&s->queue_lock);
	batch_free(b);
}

size_t
sink_backlog(struct sink *s)
{
	size_t backlog;

	pthread_mutex_lock(&s->queue_lock);
	backlog = s->backlog;
	pthread_mutex_unlock(&s->queue_lock);
	return backlog;
}

/* Of a file's batch those whose ends are still to come. */
static size_t
lines_left(const struct batch *b)
{
	size_t count = 0;

	for (const char *at = b->data + b->done; (at = memchr(at, '\n', b->data + b->size - at)) != NULL;
		at++)
		count++;
	return count;
}

size_t
sink_records(struct sink *s)
{
	size_t count = 0;

	pthread_mutex_lock(&s->write_lock);
	pthread_mutex_lock(&s->queue_lock);
	for (const struct batch *b = s->first; b != NULL; b = b->next)
		count += s->path != NULL ? lines_left(b) : b->records;
	pthread_mutex_unlock(&s->queue_lock);
	pthread_mutex_unlock(&s->write_lock);
	return count;
}

/* ---- writing ---- */

/* The rest of a line would mean nothing in another file. */
static void
begin_line_anew(struct batch *b)
{
	while (b->done > 0 && b->data[b->done - 1] != '\n')
		b->done--;
}

/* With the write lock held. @return 0 or an errno value */
static int
open_anew(struct sink *s)
{
	struct batch *b;
	int fd = open_target(s);

	if (fd < 0)
		return errno;
	close(s->fd);
	s->fd = fd;
	b = queue_head(s);
	if (s->path != NULL && b != NULL)
		begin_line_anew(b);
	return 0;
}

/* With the lock from the begin: once there is a new file, nothing more is written to the old one. */
int
sink_reopen(struct sink *s)
{
	int error;

	pthread_mutex_lock(&s->write_lock);
	error = open_anew(s);
	pthread_mutex_unlock(&s->write_lock);
	errno = error;
	return error != 0 ? -1 : 0;
}

static bool
is_removed(const struct sink *s)
{
	struct stat st;

	return s->path != NULL && fstat(s->fd, &st) == 0 && st.st_nlink == 0;
}

static int
write_lines(struct sink *s, struct batch *b)
{
	while (b->done < b->size) {
		ssize_t n = write(s->fd, b->data + b->done, b->size - b->done);

		if (n < 0 && errno != EINTR)
			return errno;
		b->done += n > 0 ? (size_t)n : 0;
	}
	return 0;
}

/* One datagram an entry. The journal may have been started anew since: then there is another socket of that
 * name. */
static int
write_entries(struct sink *s, struct batch *b)
{
	while (b->done < b->size) {
		size_t length;
		int fd;

		memcpy(&length, b->data + b->done, sizeof length);
		if (send(s->fd, b->data + b->done + sizeof length, length, MSG_NOSIGNAL) >= 0) {
			b->done += sizeof length + length;
			b->records--;
			continue;
		}
		if (errno == EINTR)
			continue;
		if (errno == EMSGSIZE) {
			b->done += sizeof length +
				   length; /* it takes larger ones by descriptor only: not these */
			b->records--;
			continue;
		}
		if (errno != ECONNREFUSED && errno != ENOTCONN)
			return errno;
		fd = open_journal();
		if (fd < 0)
			return errno;
		close(s->fd);
		s->fd = fd;
	}
	return 0;
}

int
sink_write(struct sink *s, bool *ret_news)
{
	struct batch *b;
	int error;

	pthread_mutex_lock(&s->write_lock);
	error = is_removed(s) ? open_anew(s) : 0;
	while (error == 0 && (b = queue_head(s)) != NULL) {
		error = s->path != NULL ? write_lines(s, b) : write_entries(s, b);
		if (error == 0)
			queue_drop_head(s);
	}
	if (ret_news != NULL)
		*ret_news = (error != 0) != (s->error != 0);
	s->error = error;
	pthread_mutex_unlock(&s->write_lock);
	return error;
}
