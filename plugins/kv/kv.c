/* kv - a small cache that speaks enough of the Redis protocol for its clients, on tcp and unix, in event
 * style.
 *
 * Every loop reads into a buffer of its own and answers from one of its own, all commands of a piece by one
 * write. A connection keeps memory only while it has a command that has not come whole, or replies that its
 * client does not take: then no more of its commands are read until it does. */
#include <stdlib.h>
#include <string.h>

#include <sockd/plugin.h>

#include "commands.h"
#include "resp.h"
#include "store.h"

enum {
	INPUT_SIZE = 64 * 1024,
	REPLY_LIMIT = 1024 * 1024, /* with so much to send, what came behind has to wait */
	BUFFER_KEPT = 64 * 1024,   /* a loop's reply buffer that has grown beyond it is given back */
	SWEEP_MS = 100,
};

struct kv {
	struct store *store;
	const char *password; /* lent by the settings until stop(); NULL: none */
	size_t value_max;
	int64_t started_ms;
};

struct loop {
	char input[INPUT_SIZE];
	struct resp_command command;
	struct reply out;
	bool limited; /* there are so many replies that the commands behind them have to wait */
};

struct client {
	struct reply kept;    /* bytes that came and are not understood yet; used as a buffer */
	struct reply pending; /* replies that the client has not taken */
	bool authorised;
	bool closing; /* no more commands: send the replies, then close */
	bool ended;   /* it has sent its last byte: carry out what is there, then close */
};

/* ---- the instance ---- */

static const struct sockd_option options[] = {
	{ .name = "max_memory",
		.type = SOCKD_T_SIZE,
		.fallback = "256MiB",
		.min = 0,
		.max = INT64_MAX,
		.help = "What keys, values and their overhead may take; then writes are refused. 0: no "
			"limit" },
	{ .name = "max_value",
		.type = SOCKD_T_SIZE,
		.fallback = "16MiB",
		.min = 64,
		.max = 512 * 1024 * 1024,
		.help = "How long a key or value may be; a client that announces more is disconnected" },
	{ .name = "password", .type = SOCKD_T_SECRET, .help = "What clients have to give by AUTH" },
	{ 0 },
};

static int
start(struct sockd_host h, const struct sockd_settings *s, void **ret_instance, struct sockd_error *e)
{
	struct kv *kv = calloc(1, sizeof *kv);

	if (kv != NULL)
		kv->store = store_new(sockd_setting_size(s, "max_memory"));
	if (kv == NULL || kv->store == NULL) {
		free(kv);
		return sockd_error_set(e, NULL, "no memory");
	}
	kv->password = sockd_setting_string(s, "password");
	kv->value_max = sockd_setting_size(s, "max_value");
	kv->started_ms = sockd_now(h);
	*ret_instance = kv;
	return 0;
}

static void
stop(void *instance)
{
	struct kv *kv = instance;

	store_free(kv->store);
	free(kv);
}

static void
sweep(struct sockd_host h, void *arg)
{
	const struct kv *kv = arg;

	store_sweep(kv->store, sockd_now(h));
}

static int
thread_start(struct sockd_host h, void *instance, void **ret_state, struct sockd_error *e)
{
	struct loop *loop = calloc(1, sizeof *loop);

	if (loop == NULL)
		return sockd_error_set(e, NULL, "no memory");
	if (sockd_timer_start(h, SWEEP_MS, SWEEP_MS, sweep, instance) == 0) {
		free(loop);
		return sockd_error_set(e, NULL, "cannot start a timer");
	}
	*ret_state = loop;
	return 0;
}

static void
thread_stop(void *instance, void *state)
{
	struct loop *loop = state;

	(void)instance;
	reply_fini(&loop->out);
	free(loop);
}

/* ---- a connection ---- */

static void
on_open(struct sockd_conn c, struct sockd_reader r, struct sockd_writer w)
{
	struct client *client = calloc(1, sizeof *client);

	(void)r, (void)w;
	if (client == NULL || sockd_conn_set_data(c, client) < 0) {
		free(client);
		(void)sockd_conn_abort(c);
	}
}

static void
on_close(struct sockd_conn c, int reason)
{
	struct client *client = sockd_conn_data(c);

	(void)reason;
	if (client == NULL)
		return;
	reply_fini(&client->kept);
	reply_fini(&client->pending);
	free(client);
}

/* Send what the writer takes; the rest is for on_writable(). @return whether all is sent */
static bool
send_bytes(struct sockd_writer w, struct reply *out)
{
	size_t done = 0;

	while (done < out->size) {
		size_t room = sockd_writable(w), left = out->size - done;
		size_t size = room < left ? room : left;

		if (size == 0)
			size = 1; /* there is no room: the write fails, and on_data() comes when there is */
		if (sockd_write(w, out->data + done, size) < 0)
			break;
		done += size;
	}
	reply_consume(out, done);
	return out->size == 0;
}

/* @return how many bytes of @p input were understood; the connection may be closing then */
static size_t
run_commands(struct sockd_conn c, struct client *client, struct bytes input)
{
	const struct kv *kv = sockd_conn_instance(c);
	struct loop *loop = sockd_conn_thread_state(c);
	struct sockd_host h = sockd_conn_host(c);
	struct session s = { .store = kv->store,
		.password = kv->password,
		.now_ms = sockd_now(h),
		.id = (int64_t)sockd_conn_id(c),
		.open_connections = sockd_open_connections(h),
		.authorised = client->authorised };
	const char *why = "";
	size_t done = 0;

	s.uptime_ms = s.now_ms - kv->started_ms;
	loop->limited = false;
	while (!client->closing && !loop->limited) {
		struct bytes rest = { input.at + done, input.size - done };
		enum resp_result found = resp_parse(rest, kv->value_max, &loop->command, &why);

		if (found == RESP_MORE)
			break;
		if (found == RESP_BROKEN) {
			reply_error(&loop->out, "ERR Protocol error: %s", why);
			client->closing = true;
			break;
		}
		command_run(&s, &loop->command, &loop->out);
		done += loop->command.size;
		client->closing = s.quit;
		loop->limited = loop->out.size >= REPLY_LIMIT;
	}
	client->authorised = s.authorised;
	return done;
}

/* Understand @p fresh behind what was kept, and keep what is left. @return false: no memory */
static bool
take_input(struct sockd_conn c, struct client *client, struct bytes fresh)
{
	size_t done;

	if (client->kept.size > 0) {
		reply_raw(&client->kept, fresh.at, fresh.size);
		if (!client->kept.failed)
			reply_consume(&client->kept,
				run_commands(
					c, client, (struct bytes){ client->kept.data, client->kept.size }));
	} else {
		done = run_commands(c, client, fresh);
		if (done < fresh.size)
			reply_raw(&client->kept, fresh.at + done, fresh.size - done);
	}
	if (client->kept.size == 0)
		reply_fini(&client->kept);
	return !client->kept.failed;
}

/* Send the loop's replies; what the client does not take becomes its own. @return false: no memory */
static bool
send_replies(struct sockd_writer w, struct client *client, struct loop *loop)
{
	bool ok = !loop->out.failed;

	if (ok && !send_bytes(w, &loop->out))
		reply_raw(&client->pending, loop->out.data, loop->out.size);
	ok = ok && !client->pending.failed;
	loop->out.size = 0;
	if (loop->out.failed || loop->out.room > BUFFER_KEPT)
		reply_fini(&loop->out);
	return ok;
}

/* Understand @p size bytes of the loop's buffer, and answer. @return whether there may be more to do now */
static bool
take_and_answer(
	struct sockd_conn c, struct sockd_writer w, struct client *client, struct loop *loop, size_t size)
{
	if (!take_input(c, client, (struct bytes){ loop->input, size }) || !send_replies(w, client, loop)) {
		(void)sockd_conn_abort(c);
		return false;
	}
	if (client->pending.size > 0)
		return false; /* on_data() comes again when there is room */
	if (client->closing)
		(void)sockd_conn_close(c);
	return !client->closing;
}

/* Bytes came, or there is room: do whatever can be done. What was kept comes first. */
static void
on_data(struct sockd_conn c, struct sockd_reader r, struct sockd_writer w)
{
	struct client *client = sockd_conn_data(c);
	struct loop *loop = sockd_conn_thread_state(c);
	ssize_t n = 0;

	if (client == NULL || !send_bytes(w, &client->pending))
		return;
	reply_fini(&client->pending);
	do {
		if (!take_and_answer(c, w, client, loop, (size_t)n))
			return;
		n = loop->limited ? 0 : sockd_read(r, loop->input, sizeof loop->input);
	} while (n > 0 || loop->limited);
	if (client->ended)
		(void)sockd_conn_close(c);
}

/* The client has asked its last: it still gets all its answers. */
static void
on_eof(struct sockd_conn c, struct sockd_reader r, struct sockd_writer w)
{
	struct client *client = sockd_conn_data(c);

	if (client != NULL)
		client->ended = true;
	on_data(c, r, w);
}

SOCKD_EXPORT const struct sockd_plugin sockd_plugin = {
	SOCKD_PLUGIN_INIT,
	.name = "kv",
	.version = "1.0",
	.summary = "A small cache that speaks the Redis protocol",
	.license = "MIT",
	.options = options,
	.start = start,
	.stop = stop,
	.thread_start = thread_start,
	.thread_stop = thread_stop,
	.open = on_open,
	.data = on_data,
	.eof = on_eof,
	.writable = on_data,
	.close = on_close,
};
