/* chat - a room for people with netcat: what one says, all others read. On tcp and unix, in event style.
 *
 * Each loop keeps a list of its own members, so nothing of a connection is shared. What is said goes to the
 * members of the speaker's loop at once, and to each other loop as a message that it delivers to its own:
 * with `threads: 1` there are no other loops, and the same code needs no message. Only the names are shared,
 * under a lock.
 *
 * Nobody waits for a slow reader (member.h).
 */
#define _GNU_SOURCE 1 /* asprintf() */

#include <errno.h>
#include <pthread.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <sockd/plugin.h>

#include <utlist.h>

#include "member.h"
#include "names.h"

/* What the names of those begin with who have not chosen one. */
#define GUEST "guest-"

enum { LOOPS_MAX = 1024, LINE_LIMIT = 16 * 1024, NOTICE_SIZE = 256 };

/* One loop of the room. */
struct table {
	struct room *room;
	size_t index; /* in room->loops */
	struct member *members;
	char line[LINE_LIMIT + 1];
};

struct room {
	struct names *names;
	const char *greeting; /* lent by the settings until stop() */
	size_t line_max;
	_Atomic uint64_t guests;
	pthread_mutex_t lock; /* of the loops: they come one by one, and go so */
	struct sockd_host loops[LOOPS_MAX];
	size_t loop_count;
};

/* Something that was said, on its way to several loops. */
struct message {
	_Atomic unsigned references;
	size_t size;
	char text[];
};

/* ---- the instance ---- */

static const struct sockd_option options[] = {
	{ .name = "greeting",
		.type = SOCKD_T_STRING,
		.fallback = "\"* welcome; /nick NAME, /who and /quit are for you\"",
		.max = 1000,
		.help = "What a client is greeted with" },
	{ .name = "max_line",
		.type = SOCKD_T_SIZE,
		.fallback = "1KiB",
		.min = 16,
		.max = LINE_LIMIT,
		.help = "How long a line may be; a client that sends more is disconnected" },
	{ 0 },
};

static int
start(struct sockd_host h, const struct sockd_settings *s, void **ret_instance, struct sockd_error *e)
{
	struct room *room = calloc(1, sizeof *room);

	(void)h;
	if (room != NULL)
		room->names = names_new();
	if (room == NULL || room->names == NULL) {
		free(room);
		return sockd_error_set(e, NULL, "no memory");
	}
	pthread_mutex_init(&room->lock, NULL);
	room->greeting = sockd_setting_string(s, "greeting");
	room->line_max = sockd_setting_size(s, "max_line");
	*ret_instance = room;
	return 0;
}

static void
stop(void *instance)
{
	struct room *room = instance;

	names_free(room->names);
	pthread_mutex_destroy(&room->lock);
	free(room);
}

static bool
join_loops(struct room *room, struct sockd_host h, size_t *ret_index)
{
	bool joined;

	pthread_mutex_lock(&room->lock);
	joined = room->loop_count < LOOPS_MAX;
	if (joined) {
		*ret_index = room->loop_count;
		room->loops[room->loop_count++] = h;
	}
	pthread_mutex_unlock(&room->lock);
	return joined;
}

static int
thread_start(struct sockd_host h, void *instance, void **ret_state, struct sockd_error *e)
{
	struct table *table = calloc(1, sizeof *table);

	if (table == NULL || !join_loops(instance, h, &table->index)) {
		free(table);
		return sockd_error_set(
			e, NULL, table == NULL ? "no memory" : "more event loops than it can do with");
	}
	table->room = instance;
	*ret_state = table;
	return 0;
}

static void
thread_stop(void *instance, void *state)
{
	(void)instance; /* its handle of this loop is stale now, and posting to it fails */
	free(state);
}

/* ---- what is said ---- */

static void
tell_table(struct table *table, const struct member *but, const char *text, size_t size)
{
	struct member *m;

	DL_FOREACH (table->members, m) {
		if (m != but)
			member_tell(m, text, size);
	}
}

static void
message_unref(struct message *message)
{
	if (atomic_fetch_sub(&message->references, 1) == 1)
		free(message);
}

/* On another loop. */
static void
deliver(struct sockd_host h, void *arg)
{
	struct message *message = arg;
	struct table *table = sockd_host_thread_state(h);

	if (table != NULL)
		tell_table(table, NULL, message->text, message->size);
	message_unref(message);
}

/* A copy for each loop but this one; one whose mailbox is full, or which is ending, misses it. */
static void
tell_other_loops(struct table *table, const char *text, size_t size)
{
	struct room *room = table->room;
	struct message *message = malloc(sizeof *message + size);

	if (message == NULL)
		return;
	atomic_init(&message->references, 1);
	message->size = size;
	memcpy(message->text, text, size);
	pthread_mutex_lock(&room->lock);
	for (size_t i = 0; i < room->loop_count; i++) {
		if (i == table->index)
			continue;
		atomic_fetch_add(&message->references, 1);
		if (sockd_post_thread(room->loops[i], deliver, message) < 0)
			message_unref(message);
	}
	pthread_mutex_unlock(&room->lock);
	message_unref(message);
}

static void say(struct table *table, const struct member *speaker, const char *format, ...)
	SOCKD_FORMAT_(3, 4);
static void
say(struct table *table, const struct member *speaker, const char *format, ...)
{
	char text[LINE_LIMIT + NOTICE_SIZE];
	va_list args;
	int n;

	va_start(args, format);
	n = vsnprintf(text, sizeof text, format, args);
	va_end(args);
	if (n < 0 || (size_t)n >= sizeof text)
		return; /* a line and a name always fit */
	tell_table(table, speaker, text, (size_t)n);
	tell_other_loops(table, text, (size_t)n);
}

/* ---- commands ---- */

static void
do_nick(struct table *table, struct member *m, const char *name)
{
	char before[NAME_MAX_SIZE + 1];
	size_t n = strspn(name, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-");

	if (n == 0 || n > NAME_MAX_SIZE || name[n] != '\0' || strncmp(name, GUEST, strlen(GUEST)) == 0) {
		member_answer(m,
			"* a name has 1 to %d letters, digits, '-' and '_', and does not begin with " GUEST
			"\n",
			NAME_MAX_SIZE);
	} else if (!names_take(table->room->names, name)) {
		member_answer(m, "* %s is somebody else\n", name);
	} else {
		names_give_back(table->room->names, m->name);
		snprintf(before, sizeof before, "%s", m->name);
		snprintf(m->name, sizeof m->name, "%s", name);
		say(table, NULL, "* %s is now %s\n", before, m->name);
	}
}

static void
do_who(struct table *table, struct member *m)
{
	char *list = names_list(table->room->names), *text = NULL;

	if (list != NULL && asprintf(&text, "* %s\n", list) < 0)
		text = NULL;
	free(list);
	member_answer_take(m, text);
}

/* One line, without its end. */
static void
take_line(struct table *table, struct member *m, const char *line)
{
	if (line[0] == '\0')
		return;
	if (line[0] != '/')
		say(table, m, "%s: %s\n", m->name, line);
	else if (strncmp(line, "/nick ", 6) == 0)
		do_nick(table, m, line + 6);
	else if (strcmp(line, "/who") == 0)
		do_who(table, m);
	else if (strcmp(line, "/quit") == 0)
		member_leave(m);
	else
		member_answer(m, "* there are /nick NAME, /who and /quit\n");
}

/* ---- a connection ---- */

static void
on_open(struct sockd_conn c, struct sockd_reader r, struct sockd_writer w)
{
	struct table *table = sockd_conn_thread_state(c);
	struct member *m = calloc(1, sizeof *m);

	(void)r, (void)w;
	if (m != NULL)
		snprintf(m->name, sizeof m->name, GUEST "%llu",
			(unsigned long long)atomic_fetch_add(&table->room->guests, 1) + 1);
	if (m == NULL || !names_take(table->room->names, m->name) || sockd_conn_set_data(c, m) < 0) {
		free(m);
		(void)sockd_conn_abort(c);
		return;
	}
	m->conn = c;
	member_answer(m, "%s\n* you are %s\n", table->room->greeting, m->name);
	say(table, NULL, "* %s has come\n", m->name);
	DL_APPEND(table->members, m);
}

/* Control characters would let one client write on another's terminal. U+0080 to U+009F are some, too: of the
 * two bytes that each has in UTF-8 the second decides. */
static void
make_harmless(char *line, size_t size)
{
	for (size_t i = 0; i < size; i++) {
		unsigned char byte = (unsigned char)line[i], next = (unsigned char)line[i + 1];

		if (byte < ' ' || byte == 0x7f)
			line[i] = ' ';
		else if (byte == 0xc2 && i + 1 < size && next >= 0x80 && next <= 0x9f)
			line[i] = line[i + 1] = ' ';
	}
}

/* One command after the other, each when the answer to the one before it is out. */
static void
hear(struct table *table, struct member *m, struct sockd_reader r)
{
	ssize_t n = 1;

	while (m->rest == NULL && !m->leaves &&
		(n = sockd_read_until(r, "\n", 1, table->line, table->room->line_max)) > 0) {
		size_t size = (size_t)n - (table->line[n - 1] == '\n');

		size -= size > 0 && table->line[size - 1] == '\r';
		make_harmless(table->line, size);
		table->line[size] = '\0';
		take_line(table, m, table->line);
	}
	if (n < 0 && errno == EMSGSIZE) {
		member_answer(m, "* a line has at most %zu bytes; good-bye\n", table->room->line_max);
		member_leave(m);
	}
}

static void
on_data(struct sockd_conn c, struct sockd_reader r, struct sockd_writer w)
{
	struct member *m = sockd_conn_data(c);

	(void)w;
	if (m != NULL && member_go_on(m))
		hear(sockd_conn_thread_state(c), m, r);
}

/* The last line may have no end, and what it asks for may be long. */
static void
on_eof(struct sockd_conn c, struct sockd_reader r, struct sockd_writer w)
{
	struct member *m = sockd_conn_data(c);

	on_data(c, r, w);
	if (m != NULL)
		member_leave(m);
}

static void
on_writable(struct sockd_conn c, struct sockd_reader r, struct sockd_writer w)
{
	struct member *m = sockd_conn_data(c);

	(void)w;
	if (m != NULL && member_on_room(m))
		hear(sockd_conn_thread_state(c), m, r);
}

static void
on_close(struct sockd_conn c, int reason)
{
	struct table *table = sockd_conn_thread_state(c);
	struct member *m = sockd_conn_data(c);

	(void)reason;
	if (m == NULL)
		return;
	DL_DELETE(table->members, m);
	names_give_back(table->room->names, m->name);
	say(table, NULL, "* %s has gone\n", m->name);
	member_free(m);
}

SOCKD_EXPORT const struct sockd_plugin sockd_plugin = {
	SOCKD_PLUGIN_INIT,
	.name = "chat",
	.version = "1.0",
	.summary = "A room for people with netcat",
	.license = "MIT",
	.transports = SOCKD_STREAMS,
	.options = options,
	.start = start,
	.stop = stop,
	.thread_start = thread_start,
	.thread_stop = thread_stop,
	.open = on_open,
	.data = on_data,
	.eof = on_eof,
	.writable = on_writable,
	.close = on_close,
};
