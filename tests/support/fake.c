/* The loop of the fakes: in which order a plugin's entries are called. */
#include "fake.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct sockd_fake *
sockd_fake_new(const struct sockd_plugin *plugin, int transport)
{
	struct sockd_fake *f = calloc(1, sizeof *f);

	if (f == NULL)
		return NULL;
	*f = (struct sockd_fake){ .settings = { &fake_settings_ops },
		.error = { &fake_error_ops },
		.plugin = plugin,
		.transport = transport,
		.room = (size_t)256 * 1024,
		.read_buffer = (size_t)64 * 1024,
		.remote_text = "fake:1",
		.address.len = sizeof(sa_family_t),
		.local.len = sizeof(sa_family_t) };
	f->root = f;
	fake_settings_init(f);
	return f;
}

int
sockd_fake_set(struct sockd_fake *f, const char *name, const char *text)
{
	for (size_t i = 0; i < f->value_count; i++) {
		struct fake_setting *v = &f->values[i];

		if (strcmp(v->option->name, name) != 0 || v->count == FAKE_SETTINGS)
			continue;
		v->items[v->count++] = text;
		return 0;
	}
	errno = EINVAL;
	return -1;
}

int
sockd_fake_start(struct sockd_fake *f)
{
	const struct sockd_plugin *p = f->plugin;
	struct sockd_host h = { &fake_host_ops, fake_ref(f) }, all = h;

	all.ref |= FAKE_SCOPE_INSTANCE;
	if (p->check != NULL && p->check(&f->settings, &f->error) < 0)
		return -1;
	if (p->start != NULL && p->start(all, &f->settings, &f->instance, &f->error) < 0)
		return -1;
	f->started = true;
	if (p->thread_start != NULL && p->thread_start(h, f->instance, &f->thread_state, &f->error) < 0)
		return -1;
	f->thread_started = true;
	return 0;
}

/* Fibers first, then what they had dialled, and close() last of all. */
static void
over(struct sockd_fake *f, int reason)
{
	struct sockd_conn c = sockd_fake_conn(f);

	if (!f->open)
		return;
	f->reason = reason;
	f->ending = true;
	fake_fibers_end(f);
	fake_peers_end(f, false);
	f->serve_fiber = 0;
	f->gone = true;
	f->closes++;
	if (f->plugin->close != NULL && !fake_is_datagram(f))
		f->plugin->close(c, reason);
	f->open = f->gone = f->ending = f->broken = false;
	fake_timers_end(f);
}

void
sockd_fake_free(struct sockd_fake *f)
{
	if (f == NULL)
		return;
	over(f, SOCKD_BY_SHUTDOWN);
	f->stopping = true;
	fake_fibers_end(f);
	fake_peers_end(f, true);
	while (fake_messages_deliver(f))
		;
	if (f->thread_started && f->plugin->thread_stop != NULL)
		f->plugin->thread_stop(f->instance, f->thread_state);
	if (f->started && f->plugin->stop != NULL)
		f->plugin->stop(f->instance);
	fake_peers_free(f);
	fake_queue_fini(&f->in);
	fake_queue_fini(&f->out);
	free(f);
}

void
fake_wake_readers(struct sockd_fake *f, int code)
{
	fake_wake_with(f, &f->in, code);
	fake_wake_with(f, &f->root->in, code); /* a relay waits for two at once */
}

int
sockd_fake_feed(struct sockd_fake *f, const void *bytes, size_t size)
{
	if (fake_is_datagram(f) && size > f->read_buffer)
		return 0; /* as sockd drops what it had to cut */
	fake_wake_readers(f, 0);
	return fake_queue_put(&f->in, bytes, size);
}

void
sockd_fake_end(struct sockd_fake *f)
{
	f->ended = true;
	fake_wake_readers(f, 0);
}

void
sockd_fake_stay(struct sockd_fake *f, bool stays)
{
	f->stays = stays;
	fake_wake_readers(f, 0);
}

void
sockd_fake_set_segment(struct sockd_fake *f, size_t bytes)
{
	f->segment = bytes;
	f->arrived = 0;
}

static void
connect_client(struct sockd_fake *f)
{
	struct sockd_conn c;

	f->open = true;
	f->eof_told = f->paused = f->read_closed = f->write_closed = f->armed = f->closing = f->served =
		false;
	f->reason = 0;
	f->data = NULL;
	f->id = ++f->last_id;
	c = sockd_fake_conn(f);
	if (fake_is_datagram(f))
		return;
	if (f->plugin->tune != NULL && f->plugin->tune(c, -1) < 0) {
		f->open = false; /* refused: neither open() nor close() */
		f->reason = SOCKD_BY_DENIED;
		return;
	}
	if (f->plugin->open != NULL && f->plugin->data != NULL)
		f->plugin->open(c, sockd_conn_reader(c), sockd_conn_writer(c));
}

static int
serve_body(struct sockd_host h, void *arg)
{
	struct sockd_fake *f = arg;
	struct sockd_conn c = sockd_fake_conn(f);

	(void)h;
	do
		f->plugin->serve(c, sockd_conn_reader(c), sockd_conn_writer(c));
	while (fake_is_datagram(f) && f->in.count > 0);
	return 0;
}

/* @return whether there was something to do */
static bool
serve(struct sockd_fake *f)
{
	if (f->serve_fiber == 0 && !f->served) {
		f->serve_fiber = fake_fiber_new(sockd_conn_host(sockd_fake_conn(f)), serve_body, f);
		if (f->serve_fiber == 0)
			over(f, SOCKD_BY_ERROR);
		return true;
	}
	if (f->serve_fiber == 0 || fake_fiber_lives(f, f->serve_fiber))
		return false;
	f->serve_fiber = 0;
	f->served = true;
	if (!fake_is_datagram(f))
		over(f, f->closing ? f->closing_reason : SOCKD_BY_HANDLER);
	return true;
}

static void
datagrams(struct sockd_fake *f)
{
	struct sockd_conn c = sockd_fake_conn(f);

	f->one_datagram = true;
	while (f->in.count > 0 && !f->paused) {
		f->has_datagram = f->met = true;
		f->plugin->datagram(c, sockd_conn_reader(c), sockd_conn_writer(c));
		if (f->has_datagram)
			fake_queue_take(&f->in, true, NULL, 0, f->in.sizes[0]);
	}
	f->one_datagram = f->has_datagram = false;
}

bool
fake_stream_events(struct sockd_fake *f, const struct fake_entries *on)
{
	struct sockd_conn c = sockd_fake_conn(f);
	struct sockd_reader r = sockd_conn_reader(c);
	struct sockd_writer w = sockd_conn_writer(c);
	bool any = f->armed && f->out.size <= f->room / 2;

	if (any) {
		f->armed = false;
		if (on->writable != NULL)
			on->writable(c, r, w);
	}
	while (f->in.size > 0 && !f->paused && !f->closing && !f->read_closed) {
		size_t there = fake_input_size(f);

		if ((there == 0 || there == f->seen) && !fake_more_arrives(f))
			break;
		f->seen = fake_input_size(f);
		any = true;
		if (on->data != NULL)
			on->data(c, r, w);
	}
	if (!f->ended || f->in.size > 0 || f->eof_told || f->paused || f->closing)
		return any;
	f->eof_told = true;
	if (on->eof != NULL)
		on->eof(c, r, w);
	return true;
}

/* The client's connection. @return whether there was something to do */
static bool
client_step(struct sockd_fake *f)
{
	const struct sockd_plugin *p = f->plugin;
	bool any = false;

	if (!f->open)
		return false;
	if (fake_is_datagram(f) && p->datagram != NULL) {
		any = f->in.count > 0 && !f->paused;
		datagrams(f);
	} else if (!fake_is_datagram(f) && p->data != NULL) {
		any = fake_stream_events(f, &(const struct fake_entries){ p->data, p->eof, p->writable });
		if (f->open && f->eof_told && p->eof == NULL)
			over(f, SOCKD_BY_EOF);
	} else if (p->serve != NULL) {
		any = serve(f);
	}
	if (f->open && f->closing && f->serve_fiber == 0)
		over(f, f->closing_reason);
	return any;
}

void
fake_settle(struct sockd_fake *f)
{
	bool any;

	do {
		any = client_step(f);
		any = fake_messages_deliver(f) || any;
		any = fake_fibers_step(f) || any;
		any = fake_peers_step(f) || any;
	} while (any);
}

/* While serve() lives, its own waits are all that the clock waits for. */
void
sockd_fake_turn(struct sockd_fake *f)
{
	int64_t next_ms;

	f = f->root;
	f->seen = 0;
	if (!f->open)
		connect_client(f);
	if (!f->open)
		return;
	if (fake_is_datagram(f))
		f->served = false;
	fake_settle(f);
	while (f->serve_fiber != 0 && (next_ms = fake_fiber_deadline(f, f->serve_fiber)) >= 0)
		fake_clock_move(f, next_ms);
}

ssize_t
sockd_fake_take(struct sockd_fake *f, void *buf, size_t size)
{
	bool datagram = fake_is_datagram(f);
	size_t n = datagram && f->out.count > 0 ? f->out.sizes[0] : f->out.size;
	size_t taken = n < size ? n : size;

	if (datagram ? f->out.count == 0 : n == 0)
		return -1;
	fake_queue_take(&f->out, datagram, buf, taken, datagram ? n : taken);
	return (ssize_t)taken;
}

void
sockd_fake_fail(struct sockd_fake *f, int call, int error, unsigned skip, unsigned count)
{
	f->fail[call].error = error;
	f->fail[call].skip = skip;
	f->fail[call].count = count;
}

void
sockd_fake_drain(struct sockd_fake *f, int64_t ms_left)
{
	f->drain_ms = ms_left > 0 ? ms_left : 1;
	if (f->open && !fake_is_datagram(f) && f->plugin->draining != NULL)
		f->plugin->draining(sockd_fake_conn(f), f->drain_ms);
	fake_fibers_drain(f);
}

void
sockd_fake_timeout(struct sockd_fake *f, int which)
{
	if (!f->open || fake_is_of_datagrams(f))
		return;
	if (f->plugin == NULL || f->serve_fiber != 0) {
		fake_wake_readers(f, ETIMEDOUT);
		fake_settle(f->root);
		return;
	}
	f->timeout_set = false;
	if (f->plugin->timeout != NULL)
		f->plugin->timeout(sockd_fake_conn(f), which);
	if (!f->timeout_set)
		over(f, which == SOCKD_TIMEOUT_WRITE      ? SOCKD_BY_WRITE_TIMEOUT
			: which == SOCKD_TIMEOUT_LIFETIME ? SOCKD_BY_LIFETIME_TIMEOUT
							  : SOCKD_BY_IDLE_TIMEOUT);
}

void
sockd_fake_break(struct sockd_fake *f, int reason)
{
	f->broken = true;
	if (f != f->root)
		fake_wake_readers(f, ECONNRESET);
	else
		over(f, reason);
}

struct sockd_conn
sockd_fake_conn(struct sockd_fake *f)
{
	return f->open ? (struct sockd_conn){ &fake_conn_ops, fake_conn_ref(f) }
		       : (struct sockd_conn){ NULL, 0 };
}
