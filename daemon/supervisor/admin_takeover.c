/* How the clients of the admin socket come through an upgrade: each with its connection, with what it has
 * sent and nobody has read, and with what it waits for. Who asked for the upgrade learns from the supervisor
 * that goes on how it went, be that the new one or the old one come back; a reload that had to wait for the
 * upgrade is asked for again, as if its line came only now.
 *
 * Nothing is read and nobody is let in before that is decided: whatever the new supervisor had taken in would
 * be lost on the way back. */
#include <errno.h>
#include <event2/buffer.h>
#include <unistd.h>

#include "supervisor/admin_client.h"
#include "supervisor/state.h"

static bool
is_between_answers(const struct admin_client *c)
{
	if (evbuffer_get_length(bufferevent_get_output(c->bev)) > 0)
		return false;
	return c->call == NULL || c->call->takeover != ADMIN_CALL_LOST;
}

bool
admin_is_quiet(const struct admin *a)
{
	for (const struct admin_client *c = a->clients; c != NULL; c = c->next)
		if (!is_between_answers(c))
			return false;
	return true;
}

/* What is to be read from it first: the request that waits, and what came behind it. */
static void
pack_input(struct strbuf *s, const struct admin_client *c)
{
	auto_of(strbuf) struct strbuf text = { 0 };
	struct evbuffer *input = bufferevent_get_input(c->bev);
	size_t size = evbuffer_get_length(input);
	const unsigned char *bytes = size > 0 ? evbuffer_pullup(input, -1) : NULL;

	if (c->call != NULL && c->call->takeover == ADMIN_CALL_REPEATED) {
		auto_of(mem) char *request = json_dumps(c->call->request, JSON_COMPACT);

		text.failed |= request == NULL;
		strbuf_add(&text, request != NULL ? request : "");
		strbuf_add_char(&text, '\n');
	}
	if (size > 0 && bytes == NULL)
		text.failed = true;
	else
		strbuf_add_bytes(&text, bytes, size);
	s->failed |= text.failed;
	pack_bytes(s, text.data, text.size);
}

void
admin_pack_clients(struct state_writer *w, const struct admin *a)
{
	for (const struct admin_client *c = a->clients; c != NULL; c = c->next) {
		if (!is_between_answers(c))
			continue;
		pack_u32(&w->body, 1);
		state_add_fd(w, bufferevent_getfd(c->bev));
		pack_u32(&w->body, c->call != NULL && c->call->takeover == ADMIN_CALL_TOLD);
		pack_input(&w->body, c);
	}
	pack_u32(&w->body, 0);
}

/* As if it had just been read. */
static int
give_input(struct admin_client *c, const void *bytes, size_t size)
{
	struct evbuffer *input = bufferevent_get_input(c->bev);
	int code;

	evbuffer_unfreeze(input, 0);
	code = evbuffer_add(input, bytes, size);
	evbuffer_freeze(input, 0);
	return code == 0 ? 0 : -ENOMEM;
}

static int
adopt_client(struct admin *a, struct state_reader *r)
{
	int fd = state_take_fd(r);
	bool told = unpack_u32(&r->u) != 0;
	size_t size;
	const void *bytes = unpack_bytes(&r->u, &size);
	struct admin_client *c;

	if (r->u.failed || fd < 0 || a == NULL) {
		if (fd >= 0)
			close(fd);
		return r->u.failed || fd < 0 ? -EBADMSG : 0;
	}
	c = admin_client_new(a, fd);
	if (c == NULL)
		return -ENOMEM;
	c->awaits_takeover = told;
	return give_input(c, bytes, size);
}

int
admin_adopt_clients(struct admin *a, struct state_reader *r)
{
	int code = 0;

	if (a != NULL && a->accept != NULL)
		event_del(a->accept);
	while (code == 0 && unpack_u32(&r->u) != 0)
		code = adopt_client(a, r);
	return r->u.failed ? -EBADMSG : code;
}

void
admin_go_on(struct admin *a, json_t *done, const char *why)
{
	json_t *error = why != NULL ? json_string(why) : NULL;

	for (struct admin_client *c = a->clients; c != NULL; c = c->next) {
		if (c->awaits_takeover)
			admin_client_say(c, why != NULL ? "error" : "done", why != NULL ? error : done);
		c->awaits_takeover = false;
		admin_client_begin(c);
		admin_client_look_again(c);
	}
	json_decref(error);
	if (a->accept != NULL)
		event_add(a->accept, NULL);
}
