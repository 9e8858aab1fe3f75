/* The commands with which a client begins and ends, by which it says who it is and learns whom it has met.
 * Client libraries send them unasked, so what they get has to be what Redis answers. */
#include "commands_private.h"

/* HELLO came with Redis 6.0: a later version would be taken for a promise of more commands. */
#define HELLO_SERVER  "redis"
#define HELLO_VERSION "6.0.0"

enum { PROTOCOL = 2, SHOWN_MAX = 64 };

static int
shown(struct bytes b)
{
	return b.size < SHOWN_MAX ? (int)b.size : SHOWN_MAX;
}

/* ---- who it is ---- */

/* The time that it takes says nothing of how many letters were right. */
static bool
is_password(const char *password, struct bytes guess)
{
	size_t size = strlen(password);
	unsigned char difference = size != guess.size;

	for (size_t i = 0; i < guess.size; i++)
		difference |= (unsigned char)(guess.at[i] ^ password[size > 0 ? i % size : 0]);
	return difference == 0;
}

/* There is one user, who needs no password if there is none. @return false: the client has been told */
static bool
log_in(struct call *c, struct bytes user, struct bytes password)
{
	const struct session *s = c->s;

	if (!call_is_word(user, "default") || (s->password != NULL && !is_password(s->password, password))) {
		reply_error(c->out, "WRONGPASS invalid username-password pair or user is disabled.");
		return false;
	}
	c->s->authorised = true;
	return true;
}

void
session_auth(struct call *c)
{
	const struct bytes user = { "default", strlen("default") };

	if (c->count == 2 && c->s->password == NULL)
		reply_error(c->out, "ERR AUTH <password> called without any password configured for the "
				    "default user. Are "
				    "you sure your configuration is correct?");
	else if (log_in(c, c->count == 3 ? c->words[1] : user, c->words[c->count - 1]))
		reply_status(c->out, "OK");
}

/* ---- what it speaks ---- */

static void
pair_bulk(struct reply *out, const char *key, const char *value)
{
	reply_bulk(out, (struct bytes){ key, strlen(key) });
	reply_bulk(out, (struct bytes){ value, strlen(value) });
}

static void
pair_integer(struct reply *out, const char *key, int64_t n)
{
	reply_bulk(out, (struct bytes){ key, strlen(key) });
	reply_integer(out, n);
}

/* A map, which is a flat list in version 2 of the protocol. */
static void
tell_of_server(struct call *c)
{
	reply_array(c->out, 14);
	pair_bulk(c->out, "server", HELLO_SERVER);
	pair_bulk(c->out, "version", HELLO_VERSION);
	pair_integer(c->out, "proto", PROTOCOL);
	pair_integer(c->out, "id", c->s->id);
	pair_bulk(c->out, "mode", "standalone");
	pair_bulk(c->out, "role", "master");
	reply_bulk(c->out, (struct bytes){ "modules", strlen("modules") });
	reply_array(c->out, 0);
}

/* Names stand in lists, which others read by blanks and lines. */
static bool
check_name(struct call *c, struct bytes name)
{
	for (size_t i = 0; i < name.size; i++)
		if (name.at[i] < '!' || name.at[i] > '~') {
			reply_error(c->out,
				"ERR Client names cannot contain spaces, newlines or special characters.");
			return false;
		}
	return true;
}

/* @return false: the client has been told */
static bool
take_options(struct call *c)
{
	const struct bytes *user = NULL;

	for (size_t i = 2; i < c->count; i++) {
		struct bytes option = c->words[i];
		size_t left = c->count - 1 - i;

		if (call_is_word(option, "AUTH") && left >= 2) {
			user = &c->words[i + 1];
			i += 2;
		} else if (call_is_word(option, "SETNAME") && left >= 1) {
			if (!check_name(c, c->words[++i]))
				return false;
		} else {
			reply_error(
				c->out, "ERR Syntax error in HELLO option '%.*s'", shown(option), option.at);
			return false;
		}
	}
	return user == NULL || log_in(c, user[0], user[1]);
}

/* HELLO [version [AUTH user password] [SETNAME name]] */
void
session_hello(struct call *c)
{
	int64_t version = PROTOCOL;

	if (c->count > 1 && !store_parse_number(c->words[1], &version))
		reply_error(c->out, "ERR Protocol version is not an integer or out of range");
	else if (version != PROTOCOL)
		reply_error(c->out, "NOPROTO unsupported protocol version");
	else if (!take_options(c))
		return;
	else if (c->s->password != NULL && !c->s->authorised)
		reply_error(c->out,
			"NOAUTH HELLO must be called with the client already authenticated, otherwise the "
			"HELLO AUTH <user> <pass> option can be used to authenticate the client and "
			"select the RESP protocol version at the same time");
	else
		tell_of_server(c);
}

/* ---- the rest ---- */

static void
client_setname(struct call *c)
{
	if (check_name(c, c->words[2]))
		reply_status(c->out, "OK");
}

static void
client_setinfo(struct call *c)
{
	reply_status(c->out, "OK");
}

static void
client_id(struct call *c)
{
	reply_integer(c->out, c->s->id);
}

void
session_client(struct call *c)
{
	static const struct {
		const char *name, *lower;
		size_t words;
		void (*run)(struct call *c);
	} rows[] = {
		{ "SETNAME", "setname", 3, client_setname },
		{ "SETINFO", "setinfo", 4, client_setinfo },
		{ "ID", "id", 2, client_id },
	};
	struct bytes what = c->words[1];

	for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
		if (!call_is_word(what, rows[i].name))
			continue;
		if (c->count == rows[i].words)
			rows[i].run(c);
		else
			reply_error(c->out, "ERR wrong number of arguments for 'client|%s' command",
				rows[i].lower);
		return;
	}
	reply_error(c->out, "ERR unknown subcommand '%.*s'. Try CLIENT HELP.", shown(what), what.at);
}

void
session_select(struct call *c)
{
	int64_t n;

	if (!store_parse_number(c->words[1], &n))
		reply_error(c->out, "ERR value is not an integer or out of range");
	else if (n != 0)
		reply_error(c->out, "ERR DB index is out of range");
	else
		reply_status(c->out, "OK");
}

void
session_quit(struct call *c)
{
	c->s->quit = true;
	reply_status(c->out, "OK");
}

/* What clients ask to learn of features: there are none to tell of. */
void
session_nothing_known(struct call *c)
{
	reply_array(c->out, 0);
}
