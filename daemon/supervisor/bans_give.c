/* The same question that a changed list is sent with; here nobody waits for the answer. */
#include "supervisor/bans_give.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/log.h"

int
bans_write(const struct ban_list *list, struct snapshot *s)
{
	auto_of(strbuf) struct strbuf lines = { 0 };
	char *text = NULL;

	ban_list_write(list, &lines);
	if (lines.failed)
		return -ENOMEM;
	if (lines.data != NULL) {
		text = strdup(lines.data);
		if (text == NULL)
			return -ENOMEM;
	}
	free(s->bans);
	s->bans = text;
	return 0;
}

static void
on_given(void *arg, int code, const char *text)
{
	(void)arg;
	if (code < 0)
		log_error("bans_lost", LOG_S("msg", text));
}

void
bans_give(const struct ban_list *list, const struct supervisor_worker_ops *ops, void *worker)
{
	auto_of(strbuf) struct strbuf lines = { 0 }, request = { 0 };

	ban_list_write(list, &lines);
	strbuf_add(&request, "{\"ask\":\"bans\",\"argument\":\"");
	if (lines.data != NULL)
		strbuf_add_json(&request, lines.data, lines.size);
	strbuf_add(&request, "\"}");
	if (lines.failed || request.failed)
		on_given(NULL, -ENOMEM, "out of memory");
	else
		ops->ask(worker, request.data, on_given, NULL);
}

void
bans_pack(struct state_writer *w, const struct ban_list *list)
{
	auto_of(strbuf) struct strbuf lines = { 0 };

	ban_list_write(list, &lines);
	pack_bytes(&w->body, lines.data != NULL ? lines.data : "", lines.size);
	if (lines.failed)
		w->body.failed = true;
}

int
bans_unpack(struct state_reader *r, struct ban_list *ret)
{
	size_t size;
	const char *lines = unpack_bytes(&r->u, &size);

	return r->u.failed ? -EBADMSG : ban_list_read(ret, lines, size);
}
