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

	if (fake_is_current(ref) && !f->root->in_work)
		return f;
	errno = f->root->in_work ? EXDEV : EBADF;
	return NULL;
}

/* As usable(), for what datagrams have not. */
static struct sockd_fake *
stream(uint64_t ref)
{
	struct sockd_fake *f = usable(ref);

	if (f == NULL || !fake_is_of_datagrams(f))
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
conn_local(struct sockd_conn c)
{
	struct sockd_fake *f = usable(c.ref);

	return f != NULL ? &f->local : NULL;
}

static const struct sockd_addr *
conn_remote(struct sockd_conn c)
{
	struct sockd_fake *f = usable(c.ref);

	return f != NULL ? &f->address : NULL;
}

static const char *
conn_remote_text(struct sockd_conn c)
{
	struct sockd_fake *f = usable(c.ref);

	return f == NULL ? NULL : f->url != NULL ? f->url : f->remote_text;
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

	return f != NULL ? f->root->drain_ms : -1;
}

static const struct sockd_tls_info *
conn_tls(struct sockd_conn c)
{
	struct sockd_fake *f = usable(c.ref);

	if (f == NULL)
		return NULL;
	errno = 0;
	return f->tls;
}

static const struct sockd_cred *
conn_cred(struct sockd_conn c)
{
	struct sockd_fake *f = usable(c.ref);

	if (f != NULL && f->cred == NULL)
		errno = ENOTSUP;
	return f != NULL ? f->cred : NULL;
}

static const struct sockd_addr *
conn_proxy(struct sockd_conn c)
{
	struct sockd_fake *f = usable(c.ref);

	return f != NULL ? f->proxy : NULL;
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
	struct sockd_fake *f = usable(c.ref);

	return f != NULL ? f->root->instance : NULL;
}

static void *
conn_thread_state(struct sockd_conn c)
{
	struct sockd_fake *f = usable(c.ref);

	return f != NULL ? f->root->thread_state : NULL;
}

static struct sockd_reader
conn_reader(struct sockd_conn c)
{
	return (struct sockd_reader){ usable(c.ref) != NULL ? &fake_reader_ops : NULL, c.ref };
}

static struct sockd_writer
conn_writer(struct sockd_conn c)
{
	return (struct sockd_writer){ usable(c.ref) != NULL ? &fake_writer_ops : NULL, c.ref };
}

static struct sockd_host
conn_host(struct sockd_conn c)
{
	struct sockd_fake *f = usable(c.ref);

	if (f == NULL)
		return (struct sockd_host){ NULL, 0 };
	return (struct sockd_host){ &fake_host_ops,
		fake_is_of_datagrams(f) ? fake_ref(f) : c.ref | FAKE_SCOPE_CONN };
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
	.local = conn_local,
	.remote = conn_remote,
	.remote_text = conn_remote_text,
	.listener = conn_listener,
	.transport = conn_transport,
	.tls = conn_tls,
	.cred = conn_cred,
	.proxy = conn_proxy,
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
	.relay = fake_relay,
};

/* ---- host ---- */

struct sockd_fake *
fake_scope(struct sockd_host h)
{
	struct sockd_fake *f = fake_of(h.ref);

	if (!fake_is_conn_scope(h.ref) || (fake_is_current(h.ref) && !f->root->in_work))
		return f;
	errno = f->root->in_work ? EXDEV : EBADF;
	return NULL;
}

struct sockd_fake *
fake_scope_here(struct sockd_host h)
{
	struct sockd_fake *f = fake_scope(h);

	if (f == NULL || !f->root->in_work)
		return f;
	errno = EXDEV;
	return NULL;
}

struct sockd_fake *
fake_scope_of_loop(struct sockd_host h)
{
	if ((h.ref & FAKE_SCOPE_INSTANCE) == 0)
		return fake_scope_here(h);
	errno = EINVAL;
	return NULL;
}

static int SOCKD_FORMAT_(4, 0)
	host_vlog(struct sockd_host h, int level, const char *event, const char *format, va_list args)
{
	struct sockd_fake *f = fake_of(h.ref)->root;
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
	struct sockd_fake *f = fake_of(h.ref)->root;
	size_t at = 0;

	if (level < SOCKD_LOG_ERROR || level > SOCKD_LOG_DEBUG || event == NULL || count > FAKE_FIELDS ||
		(fields == NULL && count > 0))
		return fake_refuse(EINVAL);
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
	return fake_of(h.ref)->root->now_ms;
}

static int64_t
host_open_connections(struct sockd_host h)
{
	const struct sockd_fake *f = fake_scope(h);

	return f == NULL ? -1 : f->root->open ? 1 : 0;
}

static void *
host_instance(struct sockd_host h)
{
	const struct sockd_fake *f = fake_scope(h);

	return f != NULL ? f->root->instance : NULL;
}

static const struct sockd_settings *
host_settings(struct sockd_host h)
{
	const struct sockd_fake *f = fake_scope(h);

	return f != NULL ? &f->root->settings : NULL;
}

static void *
host_thread_state(struct sockd_host h)
{
	const struct sockd_fake *f = fake_scope(h);

	return f != NULL && (h.ref & FAKE_SCOPE_INSTANCE) == 0 ? f->root->thread_state : NULL;
}

const struct sockd_host_ops fake_host_ops = {
	.size = sizeof fake_host_ops,
	.vlog = host_vlog,
	.log_fields = host_log_fields,
	.now = host_now,
	.wall = host_now,
	.sleep = fake_sleep,
	.timer_start = fake_timer_start,
	.timer_stop = fake_timer_stop,
	.spawn = fake_spawn,
	.join = fake_join,
	.cancel = fake_cancel,
	.wait = fake_wait_for,
	.wake = fake_wake,
	.dial = fake_dial,
	.offload = fake_offload,
	.offload_then = fake_offload_then,
	.post = fake_post,
	.post_thread = fake_post_thread,
	.metric_register = fake_metric_register,
	.metric_add = fake_metric_add,
	.open_connections = host_open_connections,
	.instance = host_instance,
	.settings = host_settings,
	.thread_state = host_thread_state,
};
