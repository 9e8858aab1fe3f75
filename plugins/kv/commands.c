/* One row a command: its name, how many words it takes, and its function. Replies and error texts are
 * Redis's, since clients look at both. */
#include "commands_private.h"

#include <ctype.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

enum { ANY = 1 << 16, INFO_MAX = 1024, SHOWN_MAX = 64 };

static void
syntax_error(struct call *c)
{
	reply_error(c->out, "ERR syntax error");
}

static void
not_an_integer(struct call *c)
{
	reply_error(c->out, "ERR value is not an integer or out of range");
}

static void
full(struct call *c)
{
	reply_error(c->out, "OOM command not allowed when used memory > 'max_memory'.");
}

/* ---- values ---- */

static void
take_bulk(void *arg, struct bytes value)
{
	reply_bulk(arg, value);
}

static void
get_one(struct call *c, struct bytes key)
{
	if (!store_get(c->s->store, key, c->s->now_ms, take_bulk, c->out))
		reply_nil(c->out);
}

static void
do_get(struct call *c)
{
	get_one(c, c->words[1]);
}

static void
do_mget(struct call *c)
{
	reply_array(c->out, c->count - 1);
	for (size_t i = 1; i < c->count; i++)
		get_one(c, c->words[i]);
}

static void
take_size(void *arg, struct bytes value)
{
	*(size_t *)arg = value.size;
}

static void
do_strlen(struct call *c)
{
	size_t size = 0;

	(void)store_get(
		c->s->store, c->words[1], c->s->now_ms, take_size, &size); /* a missing one has length 0 */
	reply_integer(c->out, (int64_t)size);
}

/* @param unit_ms  of the number in @p word @return whether *ret is set; if not, the client has been told */
static bool
parse_expiry(struct call *c, struct bytes word, int64_t unit_ms, const char *command, int64_t *ret)
{
	int64_t n, ms;

	if (!store_parse_number(word, &n)) {
		not_an_integer(c);
		return false;
	}
	if (n <= 0 || __builtin_mul_overflow(n, unit_ms, &ms) ||
		__builtin_add_overflow(ms, c->s->now_ms, ret)) {
		reply_error(c->out, "ERR invalid expire time in '%s' command", command);
		return false;
	}
	return true;
}

/* SET key value [EX s | PX ms] [NX | XX] */
static void
do_set(struct call *c)
{
	enum store_condition condition = STORE_ALWAYS;
	int64_t expires_ms = STORE_NO_EXPIRY;

	for (size_t i = 3; i < c->count; i++) {
		bool seconds = call_is_word(c->words[i], "EX");

		if ((seconds || call_is_word(c->words[i], "PX")) && i + 1 < c->count &&
			expires_ms == STORE_NO_EXPIRY) {
			if (!parse_expiry(c, c->words[++i], seconds ? 1000 : 1, "set", &expires_ms))
				return;
		} else if (call_is_word(c->words[i], "NX") && condition == STORE_ALWAYS) {
			condition = STORE_IF_ABSENT;
		} else if (call_is_word(c->words[i], "XX") && condition == STORE_ALWAYS) {
			condition = STORE_IF_PRESENT;
		} else {
			syntax_error(c);
			return;
		}
	}
	switch (store_set(c->s->store, c->words[1], c->words[2], expires_ms, condition, c->s->now_ms)) {
	case STORE_OK:
		reply_status(c->out, "OK");
		break;
	case STORE_FULL:
		full(c);
		break;
	case STORE_MISSING:
	case STORE_NOT_NUMBER:
	case STORE_OVERFLOW:
		reply_nil(c->out);
		break;
	}
}

/* Not all at once: another client may see some keys set and others not yet. */
static void
do_mset(struct call *c)
{
	if (c->count % 2 == 0) {
		reply_error(c->out, "ERR wrong number of arguments for 'mset' command");
		return;
	}
	for (size_t i = 1; i < c->count; i += 2)
		if (store_set(c->s->store, c->words[i], c->words[i + 1], STORE_NO_EXPIRY, STORE_ALWAYS,
			    c->s->now_ms) != STORE_OK) {
			full(c);
			return;
		}
	reply_status(c->out, "OK");
}

static void
do_del(struct call *c)
{
	int64_t n = 0;

	for (size_t i = 1; i < c->count; i++)
		n += store_delete(c->s->store, c->words[i], c->s->now_ms);
	reply_integer(c->out, n);
}

static void
do_exists(struct call *c)
{
	int64_t n = 0, ignored;

	for (size_t i = 1; i < c->count; i++)
		n += store_expiry(c->s->store, c->words[i], c->s->now_ms, &ignored);
	reply_integer(c->out, n);
}

/* ---- numbers ---- */

static void
add(struct call *c, int64_t n)
{
	int64_t sum = 0;

	switch (store_add(c->s->store, c->words[1], n, c->s->now_ms, &sum)) {
	case STORE_OK:
		reply_integer(c->out, sum);
		break;
	case STORE_FULL:
		full(c);
		break;
	case STORE_OVERFLOW:
		reply_error(c->out, "ERR increment or decrement would overflow");
		break;
	case STORE_NOT_NUMBER:
	case STORE_MISSING:
		not_an_integer(c);
		break;
	}
}

static void
do_incr(struct call *c)
{
	add(c, 1);
}

static void
do_decr(struct call *c)
{
	add(c, -1);
}

static void
do_incrby(struct call *c)
{
	int64_t n;

	if (store_parse_number(c->words[2], &n))
		add(c, n);
	else
		not_an_integer(c);
}

static void
do_decrby(struct call *c)
{
	int64_t n;

	if (!store_parse_number(c->words[2], &n))
		not_an_integer(c);
	else if (n == INT64_MIN)
		reply_error(c->out, "ERR decrement would overflow");
	else
		add(c, -n);
}

/* ---- expiry ---- */

static void
expire(struct call *c, int64_t unit_ms, const char *command)
{
	int64_t n, ms, expires_ms;

	if (!store_parse_number(c->words[2], &n)) {
		not_an_integer(c);
	} else if (n <= 0) { /* a time that has passed */
		reply_integer(c->out, store_delete(c->s->store, c->words[1], c->s->now_ms));
	} else if (__builtin_mul_overflow(n, unit_ms, &ms) ||
		   __builtin_add_overflow(ms, c->s->now_ms, &expires_ms)) {
		reply_error(c->out, "ERR invalid expire time in '%s' command", command);
	} else {
		reply_integer(c->out, store_expire(c->s->store, c->words[1], expires_ms, c->s->now_ms));
	}
}

static void
do_expire(struct call *c)
{
	expire(c, 1000, "expire");
}

static void
do_pexpire(struct call *c)
{
	expire(c, 1, "pexpire");
}

/* -2: no such key; -1: it does not expire. */
static void
ttl(struct call *c, int64_t unit_ms)
{
	int64_t expires_ms = 0;

	if (!store_expiry(c->s->store, c->words[1], c->s->now_ms, &expires_ms))
		reply_integer(c->out, -2);
	else if (expires_ms == STORE_NO_EXPIRY)
		reply_integer(c->out, -1);
	else
		reply_integer(c->out, (expires_ms - c->s->now_ms + unit_ms / 2) / unit_ms);
}

static void
do_ttl(struct call *c)
{
	ttl(c, 1000);
}

static void
do_pttl(struct call *c)
{
	ttl(c, 1);
}

static void
do_persist(struct call *c)
{
	int64_t expires_ms = STORE_NO_EXPIRY;
	bool there = store_expiry(c->s->store, c->words[1], c->s->now_ms, &expires_ms);

	there = there && expires_ms != STORE_NO_EXPIRY &&
		store_expire(c->s->store, c->words[1], STORE_NO_EXPIRY, c->s->now_ms);
	reply_integer(c->out, there);
}

/* ---- the server; what a client begins with is session.c's ---- */

static void
do_ping(struct call *c)
{
	if (c->count > 1)
		reply_bulk(c->out, c->words[1]);
	else
		reply_status(c->out, "PONG");
}

static void
do_echo(struct call *c)
{
	reply_bulk(c->out, c->words[1]);
}

static void
do_dbsize(struct call *c)
{
	reply_integer(c->out, (int64_t)store_counts(c->s->store).keys);
}

static void
do_flushall(struct call *c)
{
	store_clear(c->s->store);
	reply_status(c->out, "OK");
}

static void
do_info(struct call *c)
{
	struct store_counts n = store_counts(c->s->store);
	char text[INFO_MAX];
	int size = snprintf(text, sizeof text,
		"# Server\r\nredis_mode:standalone\r\nuptime_in_seconds:%" PRId64 "\r\n"
		"# Clients\r\nconnected_clients:%" PRId64 "\r\n"
		"# Memory\r\nused_memory:%zu\r\n"
		"# Stats\r\nkeyspace_hits:%" PRIu64 "\r\nkeyspace_misses:%" PRIu64 "\r\nexpired_keys:%" PRIu64
		"\r\n"
		"# Keyspace\r\ndb0:keys=%zu\r\n",
		c->s->uptime_ms / 1000, c->s->open_connections, n.memory, n.hits, n.misses, n.expired,
		n.keys);

	reply_bulk(c->out, (struct bytes){ text, (size_t)size });
}

/* ---- all of them ---- */

struct row {
	const char *name;
	size_t min, max; /* words, with the name */
	bool open;       /* before a password was given, too */
	void (*run)(struct call *c);
};

static const struct row rows[] = {
	{ "GET", 2, 2, false, do_get },
	{ "SET", 3, ANY, false, do_set },
	{ "DEL", 2, ANY, false, do_del },
	{ "UNLINK", 2, ANY, false, do_del },
	{ "EXISTS", 2, ANY, false, do_exists },
	{ "INCR", 2, 2, false, do_incr },
	{ "DECR", 2, 2, false, do_decr },
	{ "INCRBY", 3, 3, false, do_incrby },
	{ "DECRBY", 3, 3, false, do_decrby },
	{ "MGET", 2, ANY, false, do_mget },
	{ "MSET", 3, ANY, false, do_mset },
	{ "STRLEN", 2, 2, false, do_strlen },
	{ "EXPIRE", 3, 3, false, do_expire },
	{ "PEXPIRE", 3, 3, false, do_pexpire },
	{ "TTL", 2, 2, false, do_ttl },
	{ "PTTL", 2, 2, false, do_pttl },
	{ "PERSIST", 2, 2, false, do_persist },
	{ "PING", 1, 2, false, do_ping },
	{ "ECHO", 2, 2, false, do_echo },
	{ "QUIT", 1, ANY, true, session_quit },
	{ "AUTH", 2, 3, true, session_auth },
	{ "HELLO", 1, ANY, true, session_hello },
	{ "SELECT", 2, 2, false, session_select },
	{ "DBSIZE", 1, 1, false, do_dbsize },
	{ "FLUSHALL", 1, 2, false, do_flushall },
	{ "FLUSHDB", 1, 2, false, do_flushall },
	{ "INFO", 1, ANY, false, do_info },
	{ "COMMAND", 1, ANY, false, session_nothing_known },
	{ "CONFIG", 2, ANY, false, session_nothing_known },
	{ "CLIENT", 2, ANY, false, session_client },
};

static void
wrong_count(struct reply *out, const struct row *row)
{
	char name[SHOWN_MAX] = "";

	for (size_t i = 0; row->name[i] != '\0'; i++)
		name[i] = (char)tolower(row->name[i]); /* as Redis writes it, whatever the client wrote */
	reply_error(out, "ERR wrong number of arguments for '%s' command", name);
}

void
command_run(struct session *s, const struct resp_command *command, struct reply *out)
{
	struct call call = { .s = s, .words = command->arguments, .count = command->count, .out = out };
	struct bytes name = command->count > 0 ? command->arguments[0] : (struct bytes){ "", 0 };

	if (command->count == 0)
		return;
	for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
		if (!call_is_word(name, rows[i].name))
			continue;
		if (command->count < rows[i].min || command->count > rows[i].max)
			wrong_count(out, &rows[i]);
		else if (s->password != NULL && !s->authorised && !rows[i].open)
			reply_error(out, "NOAUTH Authentication required.");
		else
			rows[i].run(&call);
		return;
	}
	reply_error(out, "ERR unknown command '%.*s'", (int)(name.size < SHOWN_MAX ? name.size : SHOWN_MAX),
		name.at);
}
