/* The list of bans comes whole each time: it is short, and so no order of messages can leave a half. */
#include "worker/ask_guard.h"

#include <errno.h>
#include <string.h>

#include "engine/guard_order.h"

json_t *
ask_guard_bans(const struct ask_subject *s, json_t *request, struct err *e)
{
	const char *text = json_string_value(json_object_get(request, "argument"));
	struct ban_list list = { 0 };
	int code;

	if (text == NULL || ban_list_read(&list, text, strlen(text)) < 0) {
		err_set(e, -EINVAL, "the list of bans is not understood");
		return NULL;
	}
	code = engine_set_bans(s->engine, &list);
	ban_list_fini(&list);
	return code == 0 ? json_object() : NULL;
}

json_t *
ask_guard_why(const struct ask_subject *s, json_t *request, struct err *e)
{
	auto_of(strbuf) struct strbuf text = { 0 };
	struct err refusal = { 0 };
	const char *address, *listener;
	bool allowed = false;

	if (json_unpack(json_object_get(request, "argument"), "{s:s, s:s}", "address", &address, "listener",
		    &listener) < 0) {
		err_set(e, -EINVAL, "the question is not understood");
		return NULL;
	}
	if (engine_why(s->engine, listener, address, &allowed, &text, &refusal) < 0)
		return json_pack("{s:[{s:s}]}", "rows", "refusal", refusal.text);
	if (text.failed)
		return NULL;
	return json_pack(
		"{s:[{s:b, s:s}]}", "rows", "allowed", allowed, "text", text.data != NULL ? text.data : "");
}
