/* The first three numbers never change their place: a stranger can tell that it is one. */
#include "supervisor/state.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/fdutil.h"
#include "net/files.h"

#define STATE_MAGIC 0x74536b73U /* "skSt" */

enum { STATE_MAX = 64 * 1024 * 1024 };

static bool
remember(int **io_fds, size_t *io_count, size_t *io_capacity, int fd)
{
	if (*io_count == *io_capacity) {
		size_t capacity = *io_capacity != 0 ? 2 * *io_capacity : 64;
		int *grown = reallocarray(*io_fds, capacity, sizeof *grown);

		if (grown == NULL)
			return false;
		*io_fds = grown;
		*io_capacity = capacity;
	}
	(*io_fds)[(*io_count)++] = fd;
	return true;
}

void
state_begin(struct state_writer *w)
{
	*w = (struct state_writer){ 0 };
	pack_u32(&w->body, STATE_MAGIC);
	pack_u32(&w->body, STATE_OLDEST);
	pack_u32(&w->body, STATE_VERSION);
}

void
state_add_fd(struct state_writer *w, int fd)
{
	pack_u32(&w->body, (uint32_t)(fd + 1));
	if (fd >= 0 && !remember(&w->fds, &w->count, &w->capacity, fd))
		w->body.failed = true;
}

void
state_pack_files(struct state_writer *w, const struct net_files *files)
{
	const char *path;
	int fd;

	for (size_t i = 0; net_files_get(files, i, &path, &fd); i++) {
		if (fd < 0)
			continue; /* it was never made */
		pack_text(&w->body, path);
		state_add_fd(w, fd);
	}
	pack_text(&w->body, NULL);
}

void
state_writer_fini(struct state_writer *w)
{
	if (w->body.data != NULL)
		explicit_bzero(w->body.data, w->body.size);
	strbuf_fini(&w->body);
	free(w->fds);
	*w = (struct state_writer){ 0 };
}

static int
check_head(struct unpack *u, uint32_t *ret_version, struct err *e)
{
	uint32_t magic = unpack_u32(u), oldest = unpack_u32(u), version = unpack_u32(u);

	if (u->failed || magic != STATE_MAGIC)
		return err_set(e, -EBADMSG, "this is no state of a supervisor");
	if (oldest > STATE_VERSION || version < STATE_OLDEST)
		return err_set(e, -EPROTONOSUPPORT,
			"its state has version %u, this sockd reads %u to %u; upgrade by way of a release in "
			"between",
			version, STATE_OLDEST, STATE_VERSION);
	*ret_version = version;
	return 0;
}

int
state_open(int fd, bool rehearsal, struct state_reader *ret, struct err *e)
{
	struct state_reader r = { .rehearsal = rehearsal };
	struct stat st;
	int code;

	if (fstat(fd, &st) < 0 || !S_ISREG(st.st_mode) || st.st_size > STATE_MAX)
		return err_set(e, -EBADMSG, "there is no state to take over");
	r.bytes = malloc((size_t)st.st_size + 1);
	if (r.bytes == NULL)
		return err_set(e, -ENOMEM, "out of memory");
	if (pread(fd, r.bytes, (size_t)st.st_size, 0) != st.st_size)
		code = err_set(e, -EBADMSG, "the state cannot be read");
	else {
		r.u = UNPACK(r.bytes, (size_t)st.st_size);
		code = check_head(&r.u, &r.version, e);
	}
	if (code < 0) {
		state_reader_fini(&r);
		return code;
	}
	*ret = r;
	return 0;
}

int
state_take_fd(struct state_reader *r)
{
	uint32_t number = unpack_u32(&r->u);
	int fd, copy;

	if (number == 0 || number > INT_MAX || r->u.failed)
		return -1;
	fd = (int)number - 1;
	if (r->rehearsal)
		return open("/dev/null", O_RDWR | O_CLOEXEC);
	copy = fcntl(fd, F_DUPFD_CLOEXEC, 3);
	if (copy < 0 || !remember(&r->fds, &r->count, &r->capacity, fd)) {
		r->u.failed = true;
		return -1;
	}
	return copy;
}

int
state_unpack_files(struct state_reader *r, struct net_files **ret)
{
	struct net_files *files = net_files_new();
	const char *path;

	while (files != NULL && (path = unpack_text(&r->u)) != NULL) {
		int fd = state_take_fd(r);

		if (r->rehearsal && fd >= 0) { /* the other supervisor's to remove, not ours */
			close(fd);
			continue;
		}
		if (fd < 0 || net_files_reserve(files, path) < 0) {
			cleanup_fd(&fd);
			net_files_leave(files);
			return fd < 0 ? -EBADMSG : -ENOMEM;
		}
		net_files_add(files, fd);
	}
	if (files == NULL || r->u.failed) {
		net_files_leave(files);
		return files == NULL ? -ENOMEM : -EBADMSG;
	}
	*ret = files;
	return 0;
}

void
state_close_originals(struct state_reader *r)
{
	for (size_t i = 0; i < r->count; i++)
		if (r->fds[i] > STDERR_FILENO)
			close(r->fds[i]);
	r->count = 0;
}

void
state_reader_fini(struct state_reader *r)
{
	if (r->bytes != NULL)
		explicit_bzero(r->bytes, (size_t)(r->u.end - (const unsigned char *)r->bytes));
	free(r->bytes);
	free(r->fds);
	*r = (struct state_reader){ 0 };
}
