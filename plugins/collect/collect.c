/* collect - writes what it is sent to a file or to the journal: a datagram a record, or a line of a stream.
 * All transports, in event style.
 *
 * Each loop gathers records in a batch, and hands it on when it is large, or after a moment; a pool thread
 * writes it, so a slow disk stops no loop. When the disk is full, records wait in memory and are tried again;
 * when too many wait, reading stops, and the senders wait in the kernel. At the end all that was read is
 * written before the plugin goes. */
#include <errno.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <sockd/plugin.h>

#include "sink.h"

enum {
	BATCH_FULL = 64 * 1024,
	GATHER_MS = 50,
	RETRY_MS = 1000,
	BACKLOG_MAX = 16 * 1024 * 1024, /* bytes that may wait for the disk before reading stops */
	RECORD_MAX = 64 * 1024,
	STAMP_SIZE = 32,
};

struct collect {
	struct sockd_host host;
	struct sink *sink;
	bool stamp, journal;
	size_t line_max;
	const char *tag,
		*target; /* lent by the settings until stop(); the file, or what the journal is called */
};

struct loop {
	struct collect *collect;
	struct sockd_host host;
	struct batch *batch;         /* owned; NULL: nothing is gathered */
	bool writing;                /* a pool thread is at it */
	int error;                   /* of the last try; 0: it worked */
	struct sockd_reader *paused; /* owned */
	size_t paused_count, paused_room;
	char record[RECORD_MAX + 1];
};

/* ---- settings ---- */

static const struct sockd_option options[] = {
	{ .name = "file",
		.type = SOCKD_T_PATH,
		.help = "The file that records are appended to; made if it is not there" },
	{ .name = "mode",
		.type = SOCKD_T_STRING,
		.fallback = "\"0640\"",
		.min = 4,
		.max = 4,
		.help = "The mode of a file that is made, in octal" },
	{ .name = "journal",
		.type = SOCKD_T_BOOL,
		.fallback = "false",
		.help = "Send records to the journal instead, with SYSLOG_IDENTIFIER and PEER" },
	{ .name = "tag",
		.type = SOCKD_T_STRING,
		.fallback = "sockd-collect",
		.min = 1,
		.max = 64,
		.help = "The journal's SYSLOG_IDENTIFIER" },
	{ .name = "stamp",
		.type = SOCKD_T_BOOL,
		.fallback = "true",
		.help = "Begin each line of a file with the time and the sender" },
	{ .name = "max_line",
		.type = SOCKD_T_SIZE,
		.fallback = "8KiB",
		.min = 16,
		.max = RECORD_MAX,
		.help = "How long a line of a stream may be; a longer one becomes several records" },
	{ 0 },
};

/* @return whether it is one */
static bool
parse_mode(const char *text, mode_t *ret)
{
	char *end;
	unsigned long mode = strtoul(text, &end, 8);

	*ret = (mode_t)mode;
	return text[0] == '0' && *end == '\0' && mode <= 0777;
}

static int
check(const struct sockd_settings *s, struct sockd_error *e)
{
	mode_t mode;

	if ((sockd_setting_string(s, "file") != NULL) == sockd_setting_bool(s, "journal"))
		return sockd_error_set(e, "file", "give either a file or `journal: true`");
	if (!parse_mode(sockd_setting_string(s, "mode"), &mode))
		return sockd_error_set(e, "mode", "a mode is written like \"0640\"");
	return 0;
}

static int
start(struct sockd_host h, const struct sockd_settings *s, void **ret_instance, struct sockd_error *e)
{
	struct collect *c = calloc(1, sizeof *c);
	struct sink_options o = { .path = sockd_setting_string(s, "file") };

	if (c == NULL)
		return sockd_error_set(e, NULL, "no memory");
	c->host = h;
	(void)parse_mode(sockd_setting_string(s, "mode"), &o.mode); /* check() has seen to it */
	c->journal = o.path == NULL;
	c->stamp = sockd_setting_bool(s, "stamp");
	c->line_max = sockd_setting_size(s, "max_line");
	c->tag = sockd_setting_string(s, "tag");
	c->target = o.path != NULL ? o.path : "the journal";
	c->sink = sink_new(&o);
	if (c->sink == NULL) {
		int error = errno;

		(void)sockd_error_set(e, o.path != NULL ? "file" : "journal", "cannot open %s: %s", c->target,
			strerror(error));
		free(c);
		return -1;
	}
	*ret_instance = c;
	return 0;
}

static void
stop(void *instance)
{
	struct collect *c = instance;
	int error = sink_write(c->sink, NULL);

	if (error != 0)
		(void)sockd_log(c->host, SOCKD_LOG_ERROR, "collect_lost", "%zu records: cannot write %s: %s",
			sink_records(c->sink), c->target, strerror(error));
	sink_unref(c->sink);
	free(c);
}

static void
reopen(void *instance)
{
	struct collect *c = instance;

	if (sink_reopen(c->sink) < 0)
		(void)sockd_log(c->host, SOCKD_LOG_ERROR, "collect_not_reopened",
			"cannot open %s: %s; what was open before is still written to", c->target,
			strerror(errno));
}

/* ---- handing on ---- */

static void
resume_all(struct loop *loop)
{
	size_t count = loop->paused_count;

	loop->paused_count = 0;
	for (size_t i = 0; i < count; i++)
		(void)sockd_pause(loop->paused[i], false); /* one that is gone needs none */
}

/* What a pool thread does; it may come to it when the loop, or all of the instance, has ended. */
struct job {
	struct sink *sink; /* ref */
	struct loop *loop; /* only for written(), and only while there is a loop */
	bool news;         /* whether it has begun to fail, or failed before */
};

static int
write_queue(void *arg)
{
	struct job *job = arg;

	return sink_write(job->sink, &job->news);
}

static void hand_on(struct loop *loop);

static void
written(struct sockd_host h, int error, void *arg)
{
	struct job *job = arg;
	struct loop *loop = job->loop;
	bool ended = sockd_null(h), news = job->news;

	sink_unref(job->sink);
	free(job);
	if (ended)
		return; /* thread_stop() has seen to the rest */
	loop->writing = false;
	if (news && error != 0)
		(void)sockd_log(h, SOCKD_LOG_ERROR, "collect_stopped",
			"cannot write %s: %s; records wait, and then their senders", loop->collect->target,
			strerror(error));
	if (news && error == 0)
		(void)sockd_log(h, SOCKD_LOG_NOTICE, "collect_resumed", "what waited for %s has been written",
			loop->collect->target);
	loop->error = error;
	if (error != 0)
		return; /* gathered() tries again */
	if (sink_backlog(loop->collect->sink) < BACKLOG_MAX / 2)
		resume_all(loop);
	if (loop->batch != NULL && loop->batch->size >= BATCH_FULL)
		hand_on(loop);
}

/* Have a pool thread write the queue; if there is none now, gathered() asks again. */
static void
start_writing(struct loop *loop)
{
	struct job *job = malloc(sizeof *job);

	if (job == NULL)
		return;
	*job = (struct job){ .sink = sink_ref(loop->collect->sink), .loop = loop };
	loop->writing = sockd_offload_then(loop->host, loop->collect, write_queue, written, job) == 0;
	if (!loop->writing) {
		sink_unref(job->sink);
		free(job);
	}
}

/* Put the batch into the queue, and see that somebody writes it. */
static void
hand_on(struct loop *loop)
{
	if (loop->batch != NULL)
		sink_put(loop->collect->sink, loop->batch);
	loop->batch = NULL;
	if (!loop->writing && sink_backlog(loop->collect->sink) > 0)
		start_writing(loop);
}

/* Every GATHER_MS; after a failure every RETRY_MS. */
static void
gathered(struct sockd_host h, void *arg)
{
	struct loop *loop = arg;

	hand_on(loop);
	if (sink_backlog(loop->collect->sink) < BACKLOG_MAX / 2)
		resume_all(loop); /* another loop's writing may have made the room */
	if (sockd_timer_start(h, loop->error != 0 ? RETRY_MS : GATHER_MS, 0, gathered, loop) == 0)
		(void)sockd_log(h, SOCKD_LOG_ERROR, "collect_no_timer", "records are written late: %s",
			strerror(errno));
}

static int
thread_start(struct sockd_host h, void *instance, void **ret_state, struct sockd_error *e)
{
	struct loop *loop = calloc(1, sizeof *loop);

	if (loop == NULL)
		return sockd_error_set(e, NULL, "no memory");
	loop->collect = instance;
	loop->host = h;
	if (sockd_timer_start(h, GATHER_MS, 0, gathered, loop) == 0) {
		free(loop);
		return sockd_error_set(e, NULL, "cannot start a timer");
	}
	*ret_state = loop;
	return 0;
}

/* The last records: written here and now, after those that a pool thread may still be at. */
static void
thread_stop(void *instance, void *state)
{
	struct collect *c = instance;
	struct loop *loop = state;

	if (loop->batch != NULL)
		sink_put(c->sink, loop->batch);
	(void)sink_write(c->sink, NULL); /* stop() tries once more, and tells */
	free(loop->paused);
	free(loop);
}

/* ---- records ---- */

/* "2026-11-25T02:28:24.123Z 127.0.0.1:4711 " */
static bool
add_stamp(struct batch *b, struct sockd_conn c)
{
	int64_t now_ms = sockd_wall(sockd_conn_host(c));
	time_t seconds = (time_t)(now_ms / 1000);
	const char *peer = sockd_conn_remote_text(c);
	char text[STAMP_SIZE];
	struct tm t;
	size_t n;

	if (gmtime_r(&seconds, &t) == NULL)
		return false;
	n = strftime(text, sizeof text, "%FT%T", &t);
	n += (size_t)snprintf(text + n, sizeof text - n, ".%03dZ ", (int)(now_ms % 1000));
	return batch_add(b, text, n) && batch_add(b, peer, strlen(peer)) && batch_add(b, " ", 1);
}

/* U+0080 to U+009F are control characters as well; the second of their two bytes in UTF-8 decides. */
static bool
is_control(const char *bytes, size_t at)
{
	unsigned char byte = (unsigned char)bytes[at];

	return (byte < ' ' && byte != '\t') || byte == 0x7f ||
	       (byte >= 0x80 && byte <= 0x9f && at > 0 && (unsigned char)bytes[at - 1] == 0xc2);
}

/* Control characters come out as \xHH, or a sender could write a line in another's name. */
static bool
add_escaped(struct batch *b, const char *bytes, size_t size)
{
	size_t plain = 0;
	char hex[8];

	for (size_t i = 0; i < size; i++) {
		unsigned char byte = (unsigned char)bytes[i];

		if (!is_control(bytes, i))
			continue;
		snprintf(hex, sizeof hex, "\\x%02x", byte);
		if (!batch_add(b, bytes + plain, i - plain) || !batch_add(b, hex, 4))
			return false;
		plain = i + 1;
	}
	return batch_add(b, bytes + plain, size - plain);
}

static bool
add_line(struct batch *b, struct sockd_conn c, bool stamp, const char *bytes, size_t size)
{
	return (!stamp || add_stamp(b, c)) && add_escaped(b, bytes, size) && batch_add(b, "\n", 1);
}

/* A field whose value may hold anything: its name, the length as 64 bits, the bytes (systemd.io, "Native
 * Journal Protocol"). */
static bool
add_field(struct batch *b, const char *name, const char *value, size_t size)
{
	unsigned char length[8];

	for (size_t i = 0; i < sizeof length; i++)
		length[i] = (unsigned char)((uint64_t)size >> 8 * i);
	return batch_add(b, name, strlen(name)) && batch_add(b, "\n", 1) &&
	       batch_add(b, length, sizeof length) && batch_add(b, value, size) && batch_add(b, "\n", 1);
}

static bool
add_entry(struct batch *b, struct sockd_conn c, const char *tag, const char *bytes, size_t size)
{
	const char *peer = sockd_conn_remote_text(c);
	size_t at = b->size, length = 0;
	bool ok = batch_add(b, &length, sizeof length) && add_field(b, "MESSAGE", bytes, size) &&
		  add_field(b, "SYSLOG_IDENTIFIER", tag, strlen(tag)) &&
		  add_field(b, "PEER", peer, strlen(peer)) && batch_add(b, "PRIORITY=6\n", 11);

	length = b->size - at - sizeof length;
	if (ok)
		memcpy(b->data + at, &length, sizeof length);
	return ok;
}

/* A record that has come. One for which there is no memory is lost, and that is told. */
static void
take_record(struct loop *loop, struct sockd_conn c, const char *bytes, size_t size)
{
	const struct collect *collect = loop->collect;
	size_t before = loop->batch != NULL ? loop->batch->size : 0;
	bool ok;

	if (loop->batch == NULL)
		loop->batch = batch_new();
	ok = loop->batch != NULL &&
	     (collect->journal ? add_entry(loop->batch, c, collect->tag, bytes, size)
			       : add_line(loop->batch, c, collect->stamp, bytes, size));
	if (!ok) {
		if (loop->batch != NULL)
			loop->batch->size = before;
		(void)sockd_log(
			sockd_conn_host(c), SOCKD_LOG_ERROR, "collect_lost", "no memory for a record");
		return;
	}
	loop->batch->records++;
	if (loop->batch->size >= BATCH_FULL)
		hand_on(loop);
}

/* @return whether there is room for one more */
static bool
make_room(struct loop *loop)
{
	size_t room = loop->paused_room > 0 ? 2 * loop->paused_room : 64;
	struct sockd_reader *grown;

	if (loop->paused_count < loop->paused_room)
		return true;
	grown = realloc(loop->paused, room * sizeof *grown);
	if (grown == NULL)
		return false;
	loop->paused = grown;
	loop->paused_room = room;
	return true;
}

/* Too much waits to be written: stop reading until that has changed. @return whether it stopped */
static bool
pause_if_full(struct loop *loop, struct sockd_reader r)
{
	if (sink_backlog(loop->collect->sink) < BACKLOG_MAX || !make_room(loop))
		return false;
	if (sockd_pause(r, true) == 0)
		loop->paused[loop->paused_count++] = r;
	return true;
}

static void
on_datagram(struct sockd_conn c, struct sockd_reader r, struct sockd_writer w)
{
	struct loop *loop = sockd_conn_thread_state(c);
	size_t size;

	(void)w;
	if (sockd_receive(r, loop->record, RECORD_MAX, &size) <= 0)
		return;
	while (size > 0 && (loop->record[size - 1] == '\n' || loop->record[size - 1] == '\0'))
		size--; /* as syslog's senders end them, if they do */
	take_record(loop, c, loop->record, size);
	(void)pause_if_full(loop, r);
}

static void
on_data(struct sockd_conn c, struct sockd_reader r, struct sockd_writer w)
{
	struct loop *loop = sockd_conn_thread_state(c);
	ssize_t n;

	(void)w;
	while (!pause_if_full(loop, r)) {
		size_t size;

		n = sockd_read_until(r, "\n", 1, loop->record, loop->collect->line_max);
		if (n < 0 && errno == EMSGSIZE)
			n = sockd_read(r, loop->record, loop->collect->line_max);
		if (n <= 0)
			return;
		size = (size_t)n;
		if (loop->record[size - 1] == '\n')
			size -= size > 1 && loop->record[size - 2] == '\r' ? 2 : 1;
		if (size > 0)
			take_record(loop, c, loop->record, size);
	}
}

/* The last line may have no end. */
static void
on_eof(struct sockd_conn c, struct sockd_reader r, struct sockd_writer w)
{
	on_data(c, r, w);
	(void)sockd_conn_close(c);
}

SOCKD_EXPORT const struct sockd_plugin sockd_plugin = {
	SOCKD_PLUGIN_INIT,
	.name = "collect",
	.version = "1.0",
	.summary = "Writes datagrams and lines to a file or the journal",
	.license = "MIT",
	.options = options,
	.check = check,
	.start = start,
	.stop = stop,
	.thread_start = thread_start,
	.thread_stop = thread_stop,
	.data = on_data,
	.eof = on_eof,
	.datagram = on_datagram,
	.reopen = reopen,
};
