/* One row of code a step; what a step does to its socket is run/plugin_peer.c's. */
#include "run/plugin_play.h"

#include <errno.h>

static bool
is_for_streams(enum script_verb verb)
{
	return verb == SCRIPT_END || verb == SCRIPT_EXPECT_END || verb == SCRIPT_RESET;
}

static bool
is_last(enum script_verb verb)
{
	return verb == SCRIPT_DRAIN || verb == SCRIPT_STOP;
}

static int
play_step(struct plugin_daemon *d, struct peer *p, const struct script_step *step, struct err *e)
{
	if (d->target.datagrams && is_for_streams(step->verb))
		return 0;
	if (p->fd < 0 && step->verb != SCRIPT_CONNECT && !is_last(step->verb))
		return err_set(e, -ENOTCONN, "there is no connection: write `connect` after `reset`");
	switch (step->verb) {
	case SCRIPT_SEND:
		return peer_send(p, step->bytes, step->size, e);
	case SCRIPT_EXPECT:
		return peer_expect(p, step->bytes, step->size, e);
	case SCRIPT_END:
		return peer_end(p, e);
	case SCRIPT_EXPECT_END:
		return peer_expect_end(p, e);
	case SCRIPT_RESET:
		peer_close(p, true);
		return 0;
	case SCRIPT_CONNECT:
		return peer_connect(p, e);
	case SCRIPT_DRAIN:
		return plugin_daemon_drain(d, e);
	case SCRIPT_STOP:
		return plugin_daemon_stop(d, e);
	case SCRIPT_VERB_COUNT:
		break;
	}
	return 0;
}

int
play_steps(struct plugin_daemon *d, struct peer *p, const struct script *s, struct err *e)
{
	for (size_t i = 0; i < s->count; i++) {
		int r = play_step(d, p, &s->steps[i], e);

		if (r < 0)
			return err_prefix(e, "%s:%d", s->name, s->steps[i].line);
	}
	return 0;
}

bool
play_is_repeatable(const struct script *s)
{
	for (size_t i = 0; i < s->count; i++)
		if (is_last(s->steps[i].verb))
			return false;
	return true;
}
