/* A loop keeps its own reference to the bans, so that it asks them without a lock; they change by mail. */
#include "engine/guard_order.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/log.h"
#include "base/parse.h"
#include "engine/conn.h"
#include "engine/engine_private.h"
#include "engine/proxied.h"
#include "guard/guard.h"

struct ban_mail {
	struct mail mail;
	struct bans *bans; /* ref */
};

static bool
is_banned(const struct conn *c, const struct bans *bans, int64_t now_ms)
{
	struct network net;
	bool known;

	if (c->proxied != NULL && c->proxied->client.len > 0)
		known = network_of_socket(
			(const struct sockaddr *)&c->proxied->client.sa, c->proxied->client.len, &net);
	else
		known = c->transport == CFG_TCP && network_of_socket(&c->peer.sa, sizeof c->peer, &net);
	return known && bans_find(bans, &net, now_ms) != NULL;
}

static void
ban_deliver(struct loop *loop, struct mail *mail)
{
	struct ban_mail *m = container_of(mail, struct ban_mail, mail);
	int64_t now_ms = clock_now_ms();

	bans_unref(loop->bans);
	loop->bans = m->bans;
	free(m);
	for (uint32_t i = 0; loop->bans != NULL && i < loop->conns.used; i++) {
		struct conn *c = slab_at(&loop->conns, i);

		if (c != NULL && is_banned(c, loop->bans, now_ms))
			conn_cut(c, SOCKD_BY_DENIED);
	}
}

static void
free_mails(struct ban_mail **mails, unsigned count)
{
	for (unsigned i = 0; i < count; i++)
		free(mails[i]);
	free(mails);
}

int
engine_set_bans(struct engine *engine, const struct ban_list *list)
{
	struct ban_mail **mails = calloc(engine->loop_count, sizeof *mails);
	struct bans *bans = NULL;

	if (mails == NULL)
		return -ENOMEM;
	for (unsigned i = 0; i < engine->loop_count; i++) {
		mails[i] = mem_new(*mails[i]);
		if (mails[i] == NULL) {
			free_mails(mails, i);
			return -ENOMEM;
		}
	}
	if (list->count > 0 && bans_new(list, &bans) < 0) {
		free_mails(mails, engine->loop_count);
		return -ENOMEM;
	}
	for (unsigned i = 0; i < engine->loop_count; i++) {
		*mails[i] = (struct ban_mail){ .mail.deliver = ban_deliver,
			.bans = bans != NULL ? bans_ref(bans) : NULL };
		engine_tell_loop(engine, i, &mails[i]->mail);
	}
	free(mails);
	bans_unref(engine->bans);
	engine->bans = bans;
	return 0;
}

/* ---- why ---- */

/* What a person calls a client. */
struct named_client {
	struct guard_client client;
	struct network net;
	struct access_peer peer;
};

static int
read_client(const char *text, struct named_client *ret, struct err *e)
{
	int64_t uid;

	memset(ret, 0, sizeof *ret);
	if (strncmp(text, "uid:", 4) == 0) {
		if (parse_integer(text + 4, &uid, NULL) < 0 || uid < 0 || uid >= UINT32_MAX)
			return err_set(e, -EINVAL, "'%.40s' is no user; write uid:1000", text);
		ret->peer.uid = (uid_t)uid;
		ret->peer.gid = (gid_t)-1; /* only the user is asked about */
		ret->client.peer = &ret->peer;
		ret->client.is_unix = true;
		return 0;
	}
	ret->client.net = &ret->net;
	return network_parse(text, strlen(text), &ret->net, e);
}

static struct listener *
find_listener(const struct engine *engine, const char *name)
{
	for (size_t i = 0; i < engine->listener_count; i++)
		if (strcmp(engine->listeners[i]->cfg->name, name) == 0)
			return engine->listeners[i];
	return NULL;
}

int
engine_why(struct engine *engine, const char *listener, const char *client, bool *ret_allowed,
	struct strbuf *out, struct err *e)
{
	const struct listener *l = find_listener(engine, listener);
	struct guard_finding finding;
	struct named_client who;
	int code;

	if (l == NULL)
		return err_set(e, -ENOENT, "there is no listener '%.70s'", listener);
	code = read_client(client, &who, e);
	if (code < 0)
		return code;
	guard_explain(l->guard, engine->bans, &who.client, clock_now_ms(), &finding, out);
	*ret_allowed = finding.cause == GUARD_PASS;
	return 0;
}
