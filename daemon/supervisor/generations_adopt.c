/* How the list of workers goes from one supervisor to the next: numbers and texts into the state, descriptors
 * along. None goes that is only starting, so whoever leaves waits until all is quiet. What a rehearsal reads
 * it lets go at once. */
#include <errno.h>

#include "base/fdutil.h"
#include "supervisor/generations_private.h"
#include "supervisor/post_mortem.h"
#include "supervisor/state.h"

bool
generations_are_quiet(const struct generations *all)
{
	for (const struct generation *g = all->first; g != NULL; g = g->next)
		if (g->state == GENERATION_STARTING || !all->options.ops->is_quiet(g->worker))
			return false;
	return true;
}

void
generations_pack(struct state_writer *w, const struct generations *all)
{
	struct strbuf *s = &w->body;

	counters_pack(w, all->counters);
	state_add_fd(w, seats_fd(all->seats));
	pack_u32(s, all->last_number);
	pack_u64(s, all->ended.served);
	pack_u64(s, all->ended.drained);
	pack_u64(s, all->ended.forced);
	for (const struct generation *g = all->first; g != NULL; g = g->next) {
		pack_u32(s, g->number);
		pack_u32(s, (uint32_t)g->state);
		pack_u32(s, g->occupancy.seat);
		pack_u32(s, g->counters->cells.loops);
		state_add_fd(w, g->counters->fd);
		state_add_fd(w, post_mortem_fd(g->post_mortem));
		all->options.ops->pack(w, g->worker);
	}
	pack_u32(s, 0);
}

static int
adopt_one(struct generations *all, struct state_reader *r, uint32_t number, struct generation **link,
	struct err *e)
{
	struct generation *g = mem_new(*g);
	uint32_t state = unpack_u32(&r->u), seat = unpack_u32(&r->u), loops = unpack_u32(&r->u);
	auto_of(fd) int fd = state_take_fd(r);
	auto_of(fd) int watch_fd = state_take_fd(r);
	int code;
	struct supervisor_start o;

	if (g == NULL || r->u.failed || state <= GENERATION_STARTING || state >= GENERATION_STATE_COUNT ||
		loops == 0) {
		free(g);
		return err_set(
			e, g == NULL ? -ENOMEM : -EBADMSG, "the state of a generation is not understood");
	}
	g->all = all;
	g->number = number;
	g->state = (enum generation_state)state;
	*link = g;
	code = seats_take_again(all->seats, seat, &g->occupancy, e);
	if (code == 0 && !r->rehearsal)
		code = counters_block_adopt(all->counters, fd_take(&fd), loops, &g->counters, e);
	if (code == 0 && !r->rehearsal)
		code = post_mortem_adopt(fd_take(&watch_fd), loops, &g->post_mortem, e);
	if (code < 0)
		return code;
	o = generation_start_of(g);
	code = all->options.ops->adopt(r, &o, &g->worker, e);
	if (code == 0 && r->rehearsal) {
		*link = NULL;
		free(g);
	}
	return code;
}

static int
adopt_seats(struct generations *all, struct state_reader *r, struct err *e)
{
	auto_of(fd) int fd = state_take_fd(r);
	struct seats *seats;
	int code;

	if (r->rehearsal)
		return 0;
	code = seats_adopt(fd_take(&fd), COUNTERS_ROWS, &seats, e);
	if (code < 0)
		return code;
	seats_free(all->seats);
	all->seats = seats;
	return 0;
}

int
generations_adopt(struct generations *all, struct state_reader *r, struct err *e)
{
	struct generation **link = &all->first;
	uint32_t number;
	int code;

	if (counters_unpack(r, all->counters) < 0)
		return err_set(e, -EBADMSG, "the state of the counters is not understood");
	code = adopt_seats(all, r, e);
	if (code < 0)
		return code;
	all->last_number = unpack_u32(&r->u);
	all->ended.served = unpack_u64(&r->u);
	all->ended.drained = unpack_u64(&r->u);
	all->ended.forced = unpack_u64(&r->u);
	while ((number = unpack_u32(&r->u)) != 0) {
		code = adopt_one(all, r, number, link, e);
		if (code < 0)
			return code;
		if (*link != NULL)
			link = &(*link)->next;
	}
	return r->u.failed ? err_set(e, -EBADMSG, "the state of the workers is not understood") : 0;
}
