/* A change of the engine that is under way; see apply.c. Nothing outside daemon/engine includes this. */
#ifndef ENGINE_APPLY_H
#define ENGINE_APPLY_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>

#include "base/err.h"
#include "engine/accept.h"
#include "engine/bound.h"
#include "engine/engine.h"
#include "engine/listener.h"
#include "engine/mailbox.h"

/** What becomes of one socket. Loops read it once it was mailed to them. */
struct move {
	struct bound *bound;
	struct listener *from, *to; /* NULL: it is new; nobody wants it any more */
	unsigned from_loop, to_loop;
	bool stays; /* what reads it now goes on, for another listener or version */
	bool fades; /* nobody wants it any more, and another socket gets what is sent to it from now on */
	struct acceptor *acceptor, *was_acceptor; /* prepared by to_loop; in use until now */
	struct endpoint *endpoint, *was_endpoint;
};

struct apply;

/** What one loop is told, and what it answers. */
struct apply_loop {
	struct apply *apply;
	struct mail prepare, end;
	int result;
	struct err error;
};

enum apply_state { APPLY_PREPARES, APPLY_COMMITTED, APPLY_ROLLED_BACK };

struct apply {
	struct engine *engine;
	_Atomic int state;         /* enum apply_state */
	struct handler **handlers; /* refs; of the listeners, in their order */
	size_t handler_count;
	struct handler **fresh; /* borrowed: those that are started now, in the order of starting */
	size_t fresh_count;
	struct observers *observers; /* ref; after the commit the old ones */
	struct listener **listeners; /* borrowed items; after the commit the old ones */
	size_t listener_count;
	struct bound *sockets; /* refs: the new ones; after the commit those that nobody wants any more */
	struct move *moves;
	size_t move_count;
	bool drains;       /* connections of some listener have to end */
	int64_t cut_at_ms; /* what belonged to removed sockets is cut then */
	struct apply_loop *loops;
	_Atomic unsigned preparing, ending; /* loops that have not answered */
	struct mail prepared, ended;        /* to the main thread, by the last of them */
	bool all_prepared;
	bool held_up; /* some loop has not prepared in time */
};

/** On the main thread: make handlers and listeners, and decide about the sockets. Takes every instance of the
 * setup, also on failure. */
must_check int apply_plan(struct apply *a, const struct engine_setup *setup, struct err *e);

/** On a loop: the mail that says so. */
void apply_on_prepare(struct loop *loop, struct mail *mail);
void apply_on_commit(struct loop *loop, struct mail *mail);
void apply_on_roll_back(struct loop *loop, struct mail *mail);

#endif
