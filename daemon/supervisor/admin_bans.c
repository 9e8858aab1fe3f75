/* Bans live here, in the supervisor: every worker is given the whole list when it comes and when it changes,
 * so a reload or a new worker changes nothing. */
#include "supervisor/admin_bans.h"

#include <errno.h>
#include <string.h>

#include "base/clock.h"
#include "base/log.h"
#include "guard/bans.h"
#include "supervisor/admin_pages.h"

static void
no_row(struct admin_call *call, unsigned generation, json_t *row)
{
	(void)call, (void)generation, (void)row; /* an order has none */
}

static void
done_empty(struct admin_call *call)
{
	admin_done(call, json_object());
}

static void
tell_workers(struct admin_call *call, const struct ban_list *list)
{
	auto_of(strbuf) struct strbuf text = { 0 };

	ban_list_write(list, &text);
	if (text.failed)
		admin_fail(call, "out of memory");
	else
		admin_ask_all(
			call, "bans", json_string(text.data != NULL ? text.data : ""), no_row, done_empty);
}

/* The list without what is over. */
static struct ban_list *
list_of(struct admin_call *call)
{
	struct ban_list *list = call->host->bans(call->host_arg);

	ban_list_expire(list, clock_now_ms());
	return list;
}

/* @return false: it was refused */
static bool
read_address(struct admin_call *call, struct network *ret)
{
	const char *text = NULL;
	struct err e = { 0 };

	if (!admin_text(call, "address", &text))
		return false;
	if (text == NULL)
		admin_fail(call, "an address or a network is missing");
	else if (network_parse(text, strlen(text), ret, &e) < 0)
		admin_fail(call, "%s", e.text);
	else
		return true;
	return false;
}

void
verb_ban(struct admin_call *call)
{
	struct ban_list *list = list_of(call);
	char text[NETWORK_TEXT_SIZE];
	struct network net;
	int64_t for_ms = 0, until_ms;
	int code;

	if (!read_address(call, &net) || !admin_number(call, "for_ms", &for_ms))
		return;
	if (for_ms == 0 || __builtin_add_overflow(clock_now_ms(), for_ms, &until_ms))
		until_ms = BAN_FOR_GOOD;
	code = ban_list_add(list, &net, until_ms);
	if (code < 0) {
		admin_fail(call, code == -ENOSPC ? "there are %d bans already" : "out of memory", BANS_MAX);
		return;
	}
	log_notice("banned", LOG_S("network", network_format(&net, text)), LOG_I("for_ms", for_ms),
		LOG_S("msg", "by sockctl"));
	tell_workers(call, list);
}

void
verb_unban(struct admin_call *call)
{
	struct ban_list *list = list_of(call);
	char text[NETWORK_TEXT_SIZE];
	struct network net;

	if (!read_address(call, &net))
		return;
	network_format(&net, text);
	if (!ban_list_remove(list, &net)) {
		admin_fail(call, "%s is not banned", text);
		return;
	}
	log_notice("unbanned", LOG_S("network", text), LOG_S("msg", "by sockctl"));
	tell_workers(call, list);
}

void
verb_bans(struct admin_call *call)
{
	const struct ban_list *list = list_of(call);
	int64_t now_ms = clock_now_ms();
	char text[NETWORK_TEXT_SIZE];

	for (size_t i = 0; i < list->count; i++) {
		const struct ban *b = &list->bans[i];
		json_t *row = json_pack("{s:s}", "network", network_format(&b->net, text));

		if (row != NULL && b->until_ms != BAN_FOR_GOOD)
			json_object_set_new(row, "left_ms", json_integer((json_int_t)(b->until_ms - now_ms)));
		admin_row(call, row);
	}
	done_empty(call);
}

/* ---- why ---- */

static void
why_row(struct admin_call *call, unsigned generation, json_t *row)
{
	(void)generation; /* the newest */
	if (call->list == NULL)
		call->list = json_incref(row);
}

static void
why_last(struct admin_call *call)
{
	if (call->list == NULL)
		admin_fail(call, "no worker serves now");
	else if (json_object_get(call->list, "refusal") != NULL)
		admin_fail(call, "%s", json_string_value(json_object_get(call->list, "refusal")));
	else
		admin_done(call, json_incref(call->list));
}

void
verb_why(struct admin_call *call)
{
	const char *address = NULL, *listener = NULL;
	unsigned workers[ADMIN_WORKERS_MAX];

	if (!admin_text(call, "address", &address) || !admin_text(call, "listener", &listener))
		return;
	if (address == NULL || listener == NULL)
		admin_fail(call, "why needs an address, or uid:N, and a listener");
	else if (call->host->workers(call->host_arg, workers) == 0)
		admin_fail(call, "no worker serves now");
	else
		admin_ask_one(call, workers[0], "why",
			json_pack("{s:s, s:s}", "address", address, "listener", listener), why_row, why_last);
}
