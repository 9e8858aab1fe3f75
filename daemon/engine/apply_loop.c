/* What a loop does for a change: prepare, then go over, or throw away. */
#include "engine/apply.h"
#include "engine/dgram.h"
#include "engine/engine_private.h"

static int
prepare_socket(struct loop *loop, struct move *m, struct err *e)
{
	const struct bound *b = m->bound;
	struct scope *scope = &m->to->scopes[loop->index];
	size_t stack = m->to->plugin->stack_size;
	int r;

	if (!cfg_transport_is_datagram(b->transport))
		return acceptor_new(scope, m->bound, &m->acceptor, e);
	r = endpoint_new(scope, b->fd, b->transport, &b->local, b->local_size,
		stack != 0 ? stack : loop->engine->fiber_stack, &m->endpoint, e);
	if (r == 0)
		m->endpoint->socket = bound_ref(m->bound);
	return r;
}

static int
prepare(struct loop *loop, struct apply *a, struct err *e)
{
	int r = 0;

	for (size_t i = 0; r == 0 && i < a->fresh_count; i++)
		r = handler_thread_start(&a->fresh[i]->threads[loop->index], e);
	for (size_t i = 0; r == 0 && i < a->move_count; i++) {
		struct move *m = &a->moves[i];

		if (m->to != NULL && !m->stays && m->to_loop == loop->index)
			r = prepare_socket(loop, m, e);
	}
	return r;
}

void
apply_on_prepare(struct loop *loop, struct mail *mail)
{
	struct apply_loop *here = container_of(mail, struct apply_loop, prepare);
	struct apply *a = here->apply;

	if (atomic_load(&a->state) == APPLY_PREPARES)
		here->result = prepare(loop, a, &here->error);
	if (atomic_fetch_sub(&a->preparing, 1) == 1)
		engine_tell_main(a->engine, &a->prepared);
}

/* The listener that the socket served until now lets go of it. */
static void
leave_socket(const struct apply *a, const struct move *m)
{
	bool goes = m->to == NULL;

	if (m->was_acceptor != NULL && m->fades) {
		acceptor_fade(m->was_acceptor);
	} else if (m->was_acceptor != NULL) {
		if (goes) {
			acceptor_take_all(m->was_acceptor);
			bound_shut(m->bound);
		}
		acceptor_free(m->was_acceptor);
	} else {
		(goes ? endpoint_drain : endpoint_retire)(m->was_endpoint);
		endpoint_release(m->was_endpoint, goes ? a->cut_at_ms : CLOCK_NEVER);
	}
}

/* What reads the socket goes on, for another. */
static void
stay_at_socket(struct loop *loop, const struct move *m)
{
	struct scope *to = &m->to->scopes[loop->index];
	bool held = m->to->paused || m->to->refusing;

	if (m->was_acceptor != NULL) {
		acceptor_hand_over(m->was_acceptor, to);
		m->was_acceptor->refusing = m->to->refusing;
		acceptor_pause(m->was_acceptor, m->to->paused);
		return;
	}
	endpoint_hand_over(m->was_endpoint, to);
	if (m->was_endpoint->held != held)
		endpoint_hold(m->was_endpoint, held);
}

static void
take_socket(const struct move *m)
{
	if (m->acceptor != NULL) {
		m->acceptor->refusing = m->to->refusing;
		acceptor_pause(m->acceptor, m->to->paused);
	} else {
		endpoint_hold(m->endpoint, m->to->paused || m->to->refusing);
		endpoint_start(m->endpoint);
	}
}

void
apply_on_commit(struct loop *loop, struct mail *mail)
{
	struct apply *a = container_of(mail, struct apply_loop, end)->apply;

	for (size_t i = 0; i < a->move_count; i++) {
		const struct move *m = &a->moves[i];

		if (m->stays && m->from_loop == loop->index)
			stay_at_socket(loop, m);
		else if (m->from != NULL && m->from_loop == loop->index)
			leave_socket(a, m);
		if (m->to != NULL && !m->stays && m->to_loop == loop->index)
			take_socket(m);
	}
	if (a->drains)
		drain_listeners(loop);
	if (atomic_fetch_sub(&a->ending, 1) == 1)
		engine_tell_main(a->engine, &a->ended);
}

void
apply_on_roll_back(struct loop *loop, struct mail *mail)
{
	struct apply *a = container_of(mail, struct apply_loop, end)->apply;

	for (size_t i = 0; i < a->move_count; i++) {
		struct move *m = &a->moves[i];

		if (m->to == NULL || m->to_loop != loop->index)
			continue;
		acceptor_free(m->acceptor);
		endpoint_free(m->endpoint);
	}
	if (atomic_fetch_sub(&a->ending, 1) == 1)
		engine_tell_main(a->engine, &a->ended);
}
