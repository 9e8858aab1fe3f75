/* A query is its own mail, there and back, so it can't get lost for want of memory. On the loop it costs no
 * allocation either: rows are copied into the query. The number of slots that one page looks at is bounded
 * too, for a filter may match none of many thousands. */
#include "engine/query.h"

#include <assert.h>
#include <stdio.h>
#include <string.h>

#include "engine/api.h"
#include "engine/conn.h"
#include "engine/engine_private.h"
#include "engine/stream.h"
#include "guard/guard.h"

enum { SLOTS_OF_PAGE = 2048 };

static bool
is_wanted(const struct query_filter *f, const struct conn *c, const struct conn_text *text, int64_t now_ms)
{
	if (f->id != 0 && f->id != c->id)
		return false;
	if (f->listener[0] != '\0' && strcmp(f->listener, conn_cfg(c)->name) != 0)
		return false;
	if (now_ms - c->opened_ms < f->older_than_ms || now_ms - c->active_ms < f->idle_for_ms)
		return false;
	return query_peer_matches(&f->peer, &text->remote.sa, text->remote.len);
}

/* As the states that observers are told, where a connection is neither whole nor over: one whose client has
 * ended waits for its handler to close it. */
static const char *
state_word(const struct conn *c)
{
	if (c->state == CONN_OPEN && c->fin_sent)
		return "close_write";
	if (c->state == CONN_OPEN && c->fin_read)
		return "close_read";
	return conn_state_name[c->state];
}

static void
fill_row(const struct conn *c, const struct conn_text *text, int64_t now_ms, struct query_row *row)
{
	size_t pending = stream_pending(c);

	*row = (struct query_row){
		.id = c->id,
		.state = state_word(c),
		.transport = cfg_transport_name((enum cfg_transport)c->transport),
		.busy = !conn_is_quiet(c),
		.uid = text->has_cred ? (int64_t)text->cred.uid : -1,
		.pid = text->has_cred ? (int64_t)text->cred.pid : -1,
		.age_ms = now_ms - c->opened_ms,
		.idle_ms = now_ms - c->active_ms,
		.rx = c->read_bytes,
		.tx = stream_written(c),
		.pending = pending,
	};
	snprintf(row->listener, sizeof row->listener, "%s", conn_cfg(c)->name);
	snprintf(row->peer, sizeof row->peer, "%s", text->remote_text);
}

static void
look_at(struct query *q, struct conn *c, int64_t now_ms)
{
	struct conn_text text;

	if (c->state == CONN_ENDING)
		return;
	conn_text_fill(c, &text);
	if (!is_wanted(&q->filter, c, &text, now_ms))
		return;
	fill_row(c, &text, now_ms, &q->rows[q->count++]);
	if (q->kill)
		conn_cut(c, SOCKD_BY_KILLED);
}

static void
answer(struct query *q)
{
	int r;

	q->mail.deliver = q->answered;
	r = mailbox_send(q->answers, &q->mail);
	assert(r == 0); /* whoever asks keeps the mailbox open until all answers are there */
	(void)r;
}

static void
go_on_with(struct query *q, const struct engine *engine, unsigned loop, uint32_t slot)
{
	q->more = loop < engine->loop_count;
	q->next = (struct query_place){ loop, slot };
}

static void
query_obey(struct loop *loop, struct mail *mail)
{
	struct query *q = container_of(mail, struct query, mail);
	int64_t now_ms = loop_now_ms(loop);
	uint32_t slot = q->from.slot, looked = 0;

	while (slot < loop->conns.used && looked++ < SLOTS_OF_PAGE && q->count < QUERY_ROWS) {
		struct conn *c = slab_at(&loop->conns, slot++);

		if (c != NULL)
			look_at(q, c, now_ms);
	}
	if (slot < loop->conns.used)
		go_on_with(q, loop->engine, loop->index, slot);
	else
		go_on_with(q, loop->engine, loop->index + 1, 0);
	answer(q);
}

void
engine_query(struct engine *engine, struct query *q)
{
	q->answered = q->mail.deliver;
	q->count = 0;
	q->more = false;
	if (q->from.loop >= engine->loop_count) {
		answer(q);
		return;
	}
	q->mail.deliver = query_obey;
	if (mailbox_send(&engine->loops[q->from.loop]->mailbox, &q->mail) < 0) {
		go_on_with(q, engine, q->from.loop + 1,
			0); /* that loop has ended, and its connections with it */
		answer(q);
	}
}

void
engine_each_listener(const struct engine *engine,
	void (*fn)(void *arg, const struct engine_listener_info *info), void *arg)
{
	for (size_t i = 0; i < engine->listener_count; i++) {
		const struct listener *l = engine->listeners[i];
		const struct engine_listener_info info = { .index = l->tally->row,
			.cfg = l->cfg,
			.plugin = l->plugin,
			.open = tally_open(l->tally),
			.paused = l->paused,
			.draining = l->refusing,
			.sources = l->guard != NULL ? guard_sources(l->guard) : NULL };

		fn(arg, &info);
	}
}
