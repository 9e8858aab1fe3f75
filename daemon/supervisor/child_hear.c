/* What a worker says is taken from somebody who may have been taken over: a message that makes no sense costs
 * the worker its life, and nobody else anything. */
#include <errno.h>
#include <jansson.h>
#include <stdio.h>

#include "base/pack.h"
#include "control/snapshot_pack.h"
#include "supervisor/child_private.h"

static int
take_hello(struct child *c, const struct wire_message *m)
{
	struct protocol_hello hello;
	struct err e = { 0 };
	int code = protocol_hello_unpack(m->body, m->size, &hello);

	if (code < 0 || (c->version != 0 && !c->adopted))
		return -EBADMSG;
	event_del(c->hello);
	code = protocol_choose(&hello, &c->version, &e);
	if (code < 0)
		child_end_by_force(c, e.text);
	else if (c->adopted)
		c->start.events->hello(c->start.arg);
	else
		code = child_send_first(c);
	child_watch_writable(c);
	return code == -EPROTONOSUPPORT || code == -EPIPE ? 0 : code;
}

static int
take_ready(struct child *c, struct unpack *u)
{
	auto_of(mem) bool *serves = calloc(c->listeners + 1, sizeof *serves);
	uint32_t count = unpack_count(u, 4);

	if (serves == NULL)
		return -ENOMEM;
	if (count != c->listeners || c->version == 0 || c->ready || c->failed)
		return -EBADMSG;
	for (size_t i = 0; i < count; i++)
		serves[i] = unpack_u32(u) != 0;
	c->ready = true;
	c->start.events->ready(c->start.arg, serves);
	return 0;
}

/* An error of the worker's; what is no errno becomes one. */
static int
unpack_code(struct unpack *u)
{
	uint32_t code = unpack_u32(u);

	return code <= 4095 ? -(int)code : -EPROTO;
}

static int
take_failed(struct child *c, struct unpack *u)
{
	int code = unpack_code(u);
	const char *text = unpack_word(u);

	if (u->failed || c->ready || c->failed || code == 0 || report_unpack(u, c->start.report) < 0)
		return -EBADMSG;
	c->failed = true;
	c->error.code = code;
	snprintf(c->error.text, sizeof c->error.text, "%s", text);
	return 0;
}

static int
take_done(struct child *c, struct unpack *u)
{
	c->drained = unpack_u64(u);
	c->forced = unpack_u64(u);
	if (u->failed || !c->ready || !c->done_due)
		return -EBADMSG;
	c->done_due = false;
	c->start.events->done(c->start.arg);
	return 0;
}

/* Whatever it says: one that does not know the question lives too, and one whose answer makes no sense. */
static void
take_sign_of_life(struct child *c, const char *text)
{
	json_t *answer = json_loads(text, 0, NULL);
	json_int_t for_ms, lost;
	int error;

	c->knock = 0;
	if (json_unpack(answer, "{s:{s:i, s:I, s:I}}", "log", "error", &error, "for_ms", &for_ms, "lost",
		    &lost) == 0 &&
		error >= 0 && error < 4096 && for_ms >= 0 && lost >= 0)
		c->log = (struct log_health){ .error = error, .for_ms = for_ms, .lost = (uint64_t)lost };
	json_decref(answer);
}

static int
take_reply(struct child *c, uint32_t number, struct unpack *u)
{
	int code = unpack_code(u);
	const char *text = unpack_word(u);
	struct cfg_report ignored = { 0 };
	int result;

	if (number != 0 && number == c->knock) {
		take_sign_of_life(c, text);
		return 0;
	}
	for (struct request *r = c->requests; r != NULL; r = r->next) {
		if (r->number != number)
			continue;
		result = report_unpack(u, r->report != NULL ? r->report : &ignored);
		cfg_report_fini(&ignored);
		if (result == 0)
			child_answer(c, r, code, text);
		return result;
	}
	return c->adopted && number <= c->last_number ? 0 : -EBADMSG; /* who asked is gone */
}

static int
take_message(struct child *c, const struct wire_message *m)
{
	struct unpack u = UNPACK(m->body, m->size);

	switch (m->type) {
	case PROTOCOL_HELLO:
		return take_hello(c, m);
	case PROTOCOL_READY:
		return take_ready(c, &u);
	case PROTOCOL_FAILED:
		return take_failed(c, &u);
	case PROTOCOL_DONE:
		return take_done(c, &u);
	case PROTOCOL_REPLY:
		return take_reply(c, m->number, &u);
	default:
		return -EBADMSG;
	}
}

void
child_hear(struct child *c)
{
	while (c->wire != NULL) {
		struct wire_message m;
		int code = wire_receive(c->wire, &m);

		if (code == 0)
			return;
		if (code == 1) {
			code = take_message(c, &m);
			wire_message_fini(&m);
		}
		if (code >= 0)
			continue;
		/* A worker without a wire can't be told anything: it ends by itself, or is ended. */
		event_del(c->readable);
		event_del(c->writable);
		event_del(c->retry);
		wire_free(c->wire);
		c->wire = NULL;
		if (code != -EPIPE)
			child_end_by_force(c, "it sent what no worker sends");
	}
}

void
child_on_readable(evutil_socket_t fd, short what, void *arg)
{
	(void)fd, (void)what; /* the wire knows */
	child_hear(arg);
}
