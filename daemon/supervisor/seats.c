/* Nothing is ever read here of what workers write. A seat is emptied when its worker is gone and not before
 * the next one sits down: the connections of a dead worker are nobody's from the moment of its death. */
#include "supervisor/seats.h"

#include <errno.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "base/fdutil.h"

struct seats {
	struct occupancy_row *rows; /* owned: mapped */
	int fd;                     /* owned */
	size_t size;
	bool taken[OCCUPANCY_SEATS];
};

static int
map(int fd, unsigned rows, struct seats **ret, struct err *e)
{
	struct seats *s = mem_new(*s);
	size_t size = occupancy_size(rows);
	void *memory = s != NULL ? fd_map_shared(fd, size, true) : NULL;

	if (memory == NULL) {
		close(fd);
		free(s);
		return err_set(e, -EBADMSG, "the memory that workers count connections in cannot be mapped");
	}
	*s = (struct seats){ .rows = memory, .fd = fd, .size = size };
	*ret = s;
	return 0;
}

int
seats_new(unsigned rows, struct seats **ret, struct err *e)
{
	int fd, code = fd_shared_memory("sockd-occupancy", occupancy_size(rows), &fd);

	if (code < 0)
		return err_set(e, code, "cannot make memory for workers to count connections in: %s",
			strerror(-code));
	return map(fd, rows, ret, e);
}

int
seats_adopt(int fd, unsigned rows, struct seats **ret, struct err *e)
{
	return map(fd, rows, ret, e);
}

void
seats_free(struct seats *s)
{
	if (s == NULL)
		return;
	munmap(s->rows, s->size);
	close(s->fd);
	free(s);
}

static void
sit(struct seats *s, unsigned seat, struct occupancy *ret)
{
	s->taken[seat] = true;
	*ret = (struct occupancy){ .rows = s->rows, .seat = seat };
}

int
seats_take(struct seats *s, struct occupancy *ret, struct err *e)
{
	for (unsigned i = 0; i < OCCUPANCY_SEATS; i++) {
		if (s->taken[i])
			continue;
		sit(s, i, ret);
		return 0;
	}
	return err_set(e, -EAGAIN, "%d workers are there already, most of them draining: wait for one to end",
		OCCUPANCY_SEATS);
}

int
seats_take_again(struct seats *s, unsigned seat, struct occupancy *ret, struct err *e)
{
	if (seat >= OCCUPANCY_SEATS || s->taken[seat])
		return err_set(e, -EBADMSG, "the state of a worker's seat is not understood");
	sit(s, seat, ret);
	return 0;
}

void
seats_leave(struct seats *s, const struct occupancy *o, unsigned rows)
{
	for (unsigned i = 0; i < rows; i++)
		atomic_store(&s->rows[i].open[o->seat], 0);
	s->taken[o->seat] = false;
}

int
seats_fd(const struct seats *s)
{
	return s->fd;
}
