/* Connection, host, settings and errors of the fakes. */
#include "fake.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static struct sockd_fake *
usable(uint64_t ref)
{
	struct sockd_fake *f = fake_of(ref);

	if (f->open)
		return f;
	errno = EBADF;
	return NULL;
}

/* As usable(), for what datagrams have not. */
static struct sockd_fake *
stream(uint64_t ref)
{
	struct sockd_fake *f = usable(ref);

	if (f == NULL || !fake_is_datagram(f))
		return f;
	errno = ENOTSUP;
	return NULL;
}

static uint64_t
conn_id(struct sockd_conn c)
{
	struct sockd_fake *f = stream(c.ref);

	return f != NULL ? f->id : 0;
}

static const struct sockd_addr *
conn_address(struct sockd_conn c)
{
	struct sockd_fake *f = usable(c.ref);

	return f != NULL ? &f->address : NULL;
}

static const char *
conn_remote_text(struct sockd_conn c)
{
	return usable(c.ref) != NULL ? "fake:1" : NULL;
}

static const char *
conn_listener(struct sockd_conn c)
{
	return usable(c.ref) != NULL ? "fake" : NULL;
}

static int
conn_transport(struct sockd_conn c)
{
	struct sockd_fake *f = usable(c.ref);

	return f != NULL ? f->transport : -1;
}

static int
conn_state(struct sockd_conn c)
{
	return usable(c.ref) != NULL ? SOCKD_HANDLER : -1;
}

static int64_t
conn_draining(struct sockd_conn c)
{
	struct sockd_fake *f = usable(c.ref);

	return f != NULL ? f->drain_ms : -1;
}

static int
conn_set_busy(struct sockd_conn c, bool busy)
{
	(void)busy;
	return stream(c.ref) != NULL ? 0 : -1;
}

static int
conn_set_timeout(struct sockd_conn c, int which, int64_t ms)
{
	struct sockd_fake *f = stream(c.ref);

	if (f == NULL)
		return -1;
	if (which < SOCKD_TIMEOUT_READ || which > SOCKD_TIMEOUT_LIFETIME || ms < SOCKD_FOREVER) {
		errno = EINVAL;
		return -1;
	}
	f->timeout_set = true;
	return 0;
}

static int
conn_set_data(struct sockd_conn c, void *data)
{
	struct sockd_fake *f = stream(c.ref);

	if (f == NULL)
		return -1;
	f->data = data;
	return 0;
}

static void *
conn_data(struct sockd_conn c)
{
	struct sockd_fake *f = stream(c.ref);

	return f != NULL ? f->data : NULL;
}

static void *
conn_instance(struct sockd_conn c)
{
	return fake_of(c.ref)->instance;
}

static void *
conn_thread_state(struct sockd_conn c)
{
	return fake_of(c.ref)->thread_state;
}

static struct sockd_reader
conn_reader(struct sockd_conn c)
{
	return (struct sockd_reader){ &fake_reader_ops, c.ref };
}

static struct sockd_writer
conn_writer(struct sockd_conn c)
{
	return (struct sockd_writer){ &fake_writer_ops, c.ref };
}

static struct sockd_host
conn_host(struct sockd_conn c)
{
	return (struct sockd_host){ &fake_host_ops, fake_is_datagram(fake_of(c.ref)) ? c.ref : c.ref | 1 };
}

static int
end_by(struct sockd_conn c, int reason)
{
	struct sockd_fake *f = stream(c.ref);

	if (f == NULL)
		return -1;
	if (!f->closing)
		f->closing_reason = reason;
	f->closing = true;
	return 0;
}

static int
conn_deny(struct sockd_conn c)
{
	return end_by(c, SOCKD_BY_DENIED);
}

static int
conn_close(struct sockd_conn c)
{
	return end_by(c, SOCKD_BY_HANDLER);
}

const struct sockd_conn_ops fake_conn_ops = {
	.size = sizeof fake_conn_ops,
	.id = conn_id,
	.local = conn_address,
	.remote = conn_address,
	.remote_text = conn_remote_text,
	.listener = conn_listener,
	.transport = conn_transport,
	.state = conn_state,
	.draining = conn_draining,
	.set_busy = conn_set_busy,
	.set_timeout = conn_set_timeout,
	.set_data = conn_set_data,
	.data = conn_data,
	.instance = conn_instance,
	.thread_state = conn_thread_state,
	.reader = conn_reader,
	.writer = conn_writer,
	.host = conn_host,
	.deny = conn_deny,
	.close = conn_close,
	.abort = conn_close,
};

/* ---- host ---- */

static int SOCKD_FORMAT_(4, 0)
	host_vlog(struct sockd_host h, int level, const char *event, const char *format, va_list args)
{
	struct sockd_fake *f = fake_of(h.ref);
	int n;

	if (level < SOCKD_LOG_ERROR || level > SOCKD_LOG_DEBUG || event == NULL) {
		errno = EINVAL;
		return -1;
	}
	n = snprintf(f->log_text, sizeof f->log_text, "%.100s ", event);
	vsnprintf(f->log_text + n, sizeof f->log_text - (size_t)n, format, args);
	return 0;
}

static int
host_log_fields(
	struct sockd_host h, int level, const char *event, const struct sockd_field *fields, size_t count)
{
	struct sockd_fake *f = fake_of(h.ref);
	size_t at = 0;

	(void)level;
	at += (size_t)snprintf(f->log_text, sizeof f->log_text, "%.100s", event);
	for (size_t i = 0; i < count && at < sizeof f->log_text; i++) {
		char *to = f->log_text + at;
		size_t left = sizeof f->log_text - at;

		at += (size_t)(fields[i].value != NULL ? snprintf(to, left, " %s=%.*s", fields[i].key,
								 (int)fields[i].length, fields[i].value)
						       : snprintf(to, left, " %s=%lld", fields[i].key,
								 (long long)fields[i].number));
	}
	return 0;
}

static int64_t
host_now(struct sockd_host h)
{
	return fake_of(h.ref)->now_ms;
}

static int
host_sleep(struct sockd_host h, int64_t ms)
{
	struct sockd_fake *f = fake_of(h.ref);

	if (!f->in_serve || f->drain_ms > 0) {
		errno = f->in_serve ? ESHUTDOWN : EDEADLK;
		return -1;
	}
	f->now_ms += ms;
	return 0;
}

static int64_t
host_open_connections(struct sockd_host h)
{
	return fake_of(h.ref)->open ? 1 : 0;
}

static void *
host_instance(struct sockd_host h)
{
	return fake_of(h.ref)->instance;
}

static const struct sockd_settings *
host_settings(struct sockd_host h)
{
	return &fake_of(h.ref)->settings;
}

static void *
host_thread_state(struct sockd_host h)
{
	return fake_of(h.ref)->thread_state;
}

const struct sockd_host_ops fake_host_ops = {
	.size = sizeof fake_host_ops,
	.vlog = host_vlog,
	.log_fields = host_log_fields,
	.now = host_now,
	.wall = host_now,
	.sleep = host_sleep,
	.timer_start = fake_timer_start,
	.timer_stop = fake_timer_stop,
	.metric_register = fake_metric_register,
	.metric_add = fake_metric_add,
	.open_connections = host_open_connections,
	.instance = host_instance,
	.settings = host_settings,
	.thread_state = host_thread_state,
};

/* ---- settings and errors ---- */

static const char *
get_list(const struct sockd_settings *s, const char *name, size_t i)
{
	const struct sockd_fake *f = (const struct sockd_fake *)(const void *)s; /* its first member */

	for (size_t k = 0; k < f->value_count; k++) {
		const struct fake_setting *v = &f->values[k];

		if (strcmp(v->option->name, name) == 0)
			return i < v->count ? v->items[i] : i == 0 ? v->option->fallback : NULL;
	}
	return NULL;
}

static const char *
get_string(const struct sockd_settings *s, const char *name)
{
	return get_list(s, name, 0);
}

/* Sizes and durations may have their units, as a fallback has them. */
static int64_t
get_int(const struct sockd_settings *s, const char *name)
{
	static const struct {
		const char *unit;
		int64_t factor;
	} units[] = { { "K", 1024 }, { "KiB", 1024 }, { "M", 1 << 20 }, { "MiB", 1 << 20 }, { "G", 1 << 30 },
		{ "GiB", 1 << 30 }, { "ms", 1 }, { "s", 1000 }, { "m", 60000 }, { "h", 3600000 },
		{ "d", 86400000 } };
	const char *text = get_list(s, name, 0);
	char *end;
	int64_t n;

	if (text == NULL || strcmp(text, "off") == 0)
		return text == NULL ? 0 : SOCKD_FOREVER;
	n = strtoll(text, &end, 10);
	for (size_t i = 0; i < sizeof units / sizeof units[0]; i++)
		if (strcmp(end, units[i].unit) == 0)
			return n * units[i].factor;
	return n;
}

static bool
get_bool(const struct sockd_settings *s, const char *name)
{
	const char *text = get_list(s, name, 0);

	return text != NULL && strcmp(text, "true") == 0;
}

static uint64_t
get_size(const struct sockd_settings *s, const char *name)
{
	return (uint64_t)get_int(s, name);
}

const struct sockd_settings_ops fake_settings_ops = {
	.size = sizeof fake_settings_ops,
	.get_string = get_string,
	.get_int = get_int,
	.get_bool = get_bool,
	.get_duration_ms = get_int,
	.get_size = get_size,
	.get_list = get_list,
};

static int SOCKD_FORMAT_(3, 0)
	error_vset(struct sockd_error *e, const char *option, const char *format, va_list args)
{
	struct sockd_fake *f = (struct sockd_fake *)(void *)((char *)e - offsetof(struct sockd_fake, error));
	int n = option != NULL ? snprintf(f->error_text, sizeof f->error_text, "%.100s: ", option) : 0;

	vsnprintf(f->error_text + n, sizeof f->error_text - (size_t)n, format, args);
	return -1;
}

const struct sockd_error_ops fake_error_ops = { .size = sizeof fake_error_ops, .vset = error_vset };
