/* Edges of a connection and of what the daemon does for it. */
#ifndef TESTS_EDGES_HOST_H
#define TESTS_EDGES_HOST_H

#include "edges.h"

static const struct sockd_conn edge_no_conn = { NULL, 0 };
static const struct sockd_field edge_fields[33];

static int
edge_fiber(struct sockd_host h, void *arg)
{
	(void)h, (void)arg;
	return 0;
}

static void
edge_timer(struct sockd_host h, void *arg)
{
	(void)h, (void)arg;
}

static void
edge_mail(struct sockd_conn c, void *arg)
{
	(void)c, (void)arg;
}

static void
edge_done(struct sockd_host h, int result, void *arg)
{
	(void)h, (void)result, (void)arg;
}

static int
edge_work(void *arg)
{
	(void)arg;
	return 0;
}

EDGE(conn_id, edge_if(sockd_conn_id(on->c) != 0))
EDGE(conn_remote, edge_if(sockd_conn_remote(on->c) != NULL))
EDGE(conn_tls, edge_if(sockd_conn_tls(on->c) != NULL))
EDGE(conn_proxy, edge_if(sockd_conn_proxy(on->c) != NULL))
EDGE(conn_state, sockd_conn_state(on->c))
EDGE(conn_draining, sockd_conn_draining(on->c))
EDGE(conn_set_busy, sockd_conn_set_busy(on->c, false))
EDGE(conn_set_timeout_which, sockd_conn_set_timeout(on->c, 99, 10))
EDGE(conn_set_timeout_none, sockd_conn_set_timeout(on->c, 0, 10))
EDGE(conn_set_timeout_negative, sockd_conn_set_timeout(on->c, SOCKD_TIMEOUT_IDLE, -2))
EDGE(conn_set_data, sockd_conn_set_data(on->c, NULL))
EDGE(conn_data, edge_if(sockd_conn_data(on->c) != NULL))
EDGE(conn_deny, sockd_conn_deny(on->c))
EDGE(conn_close, sockd_conn_close(on->c))
EDGE(conn_abort, sockd_conn_abort(on->c))
EDGE(relay_nobody, sockd_relay(on->c, edge_no_conn))
EDGE(relay_itself, sockd_relay(on->c, on->c))

EDGE(log_level, sockd_log(on->h, 99, "edge", "x"))
EDGE(log_no_level, sockd_log(on->h, 0, "edge", "x"))
EDGE(log_no_event, sockd_log(on->h, SOCKD_LOG_INFO, NULL, "x"))
EDGE(log_fields_level, sockd_log_fields(on->h, 99, "edge", edge_fields, 0))
EDGE(log_fields_no_event, sockd_log_fields(on->h, SOCKD_LOG_INFO, NULL, edge_fields, 0))
EDGE(log_fields_too_many, sockd_log_fields(on->h, SOCKD_LOG_INFO, "edge", edge_fields, 33))
EDGE(log_fields_nowhere, sockd_log_fields(on->h, SOCKD_LOG_INFO, "edge", NULL, 1))
EDGE(log_fields_none, sockd_log_fields(on->h, SOCKD_LOG_INFO, "edge", NULL, 0))
EDGE(sleep_negative, sockd_sleep(on->h, -2))
EDGE(sleep_not, sockd_sleep(on->h, 0))
EDGE(wait_for_nothing, sockd_wait(on->h, NULL, 0))
EDGE(wait_negative, sockd_wait(on->h, edge_buf, -2))
EDGE(wait_not, sockd_wait(on->h, edge_buf, 0))
EDGE(wake_nobody, sockd_wake(on->h, NULL))
EDGE(timer_of_nothing, edge_if(sockd_timer_start(on->h, 1, 0, NULL, NULL) != 0))
EDGE(timer_before, edge_if(sockd_timer_start(on->h, -1, 0, edge_timer, NULL) != 0))
EDGE(timer_backwards, edge_if(sockd_timer_start(on->h, 0, -1, edge_timer, NULL) != 0))
EDGE(timer_stop_none, sockd_timer_stop(on->h, 0))
EDGE(timer_stop_another, sockd_timer_stop(on->h, 4711))
EDGE(spawn_nothing, edge_if(sockd_spawn(on->h, NULL, NULL) != 0))
EDGE(join_nobody, sockd_join(on->h, 0))
EDGE(join_another, sockd_join(on->h, 4711))
EDGE(cancel_nobody, sockd_cancel(on->h, 0))
EDGE(cancel_another, sockd_cancel(on->h, 4711))
EDGE(dial_nobody, edge_if(!sockd_null(sockd_dial(on->h, NULL, NULL))))
EDGE(dial_nowhere, edge_if(!sockd_null(sockd_dial(on->h, "", NULL))))
EDGE(dial_nonsense, edge_if(!sockd_null(sockd_dial(on->h, "carrier-pigeon://home", NULL))))
EDGE(offload_nothing, sockd_offload(on->h, NULL, NULL, NULL))
EDGE(offload_then_nothing, sockd_offload_then(on->h, NULL, NULL, edge_done, NULL))
EDGE(offload_then_untold, sockd_offload_then(on->h, NULL, edge_work, NULL, NULL))
EDGE(post_nothing, sockd_post(on->h, 4711, NULL, NULL))
EDGE(post_to_nobody, sockd_post(on->h, 0, edge_mail, NULL))
EDGE(post_to_another, sockd_post(on->h, 4711, edge_mail, NULL))
EDGE(post_thread_nothing, sockd_post_thread(on->h, NULL, NULL))
EDGE(post_thread_conn, sockd_post_thread(on->h, edge_timer, NULL))
EDGE(metric_kind, edge_if(sockd_metric_register(on->h, 3, "edges", "x") != 0))
EDGE(metric_no_name, edge_if(sockd_metric_register(on->h, 1, NULL, "x") != 0))
EDGE(metric_bad_name, edge_if(sockd_metric_register(on->h, 1, "Edges", "x") != 0))
EDGE(metric_total_name, edge_if(sockd_metric_register(on->h, 1, "edges_total", "x") != 0))
EDGE(metric_no_help, edge_if(sockd_metric_register(on->h, 1, "edges", NULL) != 0))
EDGE(metric_add_none, sockd_metric_add(on->h, 0, 1))
EDGE(metric_add_another, sockd_metric_add(on->h, 4711, 1))

static const struct edge edges_host[] = {
	{ "conn_id", conn_id, IS_THERE, -ENOTSUP, IS_THERE, false },
	{ "conn_remote", conn_remote, IS_THERE, IS_THERE, IS_THERE, false },
	{ "conn_tls", conn_tls, 0, 0, 0, false },
	{ "conn_proxy", conn_proxy, 0, 0, 0, false },
	{ "conn_state", conn_state, SOCKD_HANDLER, SOCKD_HANDLER, SOCKD_HANDLER, false },
	{ "conn_draining", conn_draining, 0, 0, 0, false },
	{ "conn_set_busy", conn_set_busy, 0, -ENOTSUP, 0, false },
	{ "conn_set_timeout_which", conn_set_timeout_which, -EINVAL, -ENOTSUP, -EINVAL, false },
	{ "conn_set_timeout_none", conn_set_timeout_none, -EINVAL, -ENOTSUP, -EINVAL, false },
	{ "conn_set_timeout_negative", conn_set_timeout_negative, -EINVAL, -ENOTSUP, -EINVAL, false },
	{ "conn_set_data", conn_set_data, 0, -ENOTSUP, 0, false },
	{ "conn_data", conn_data, 0, -ENOTSUP, 0, false },
	{ "conn_deny", conn_deny, SKIPPED, -ENOTSUP, SKIPPED, false },
	{ "conn_close", conn_close, SKIPPED, -ENOTSUP, SKIPPED, false },
	{ "conn_abort", conn_abort, SKIPPED, -ENOTSUP, SKIPPED, false },
	{ "relay_nobody", relay_nobody, -EBADF, -ENOTSUP, -EBADF, false },
	{ "relay_itself", relay_itself, -EINVAL, -ENOTSUP, -EINVAL, true },

	{ "log_level", log_level, -EINVAL, -EINVAL, -EINVAL, false },
	{ "log_no_level", log_no_level, -EINVAL, -EINVAL, -EINVAL, false },
	{ "log_no_event", log_no_event, -EINVAL, -EINVAL, -EINVAL, false },
	{ "log_fields_level", log_fields_level, -EINVAL, -EINVAL, -EINVAL, false },
	{ "log_fields_no_event", log_fields_no_event, -EINVAL, -EINVAL, -EINVAL, false },
	{ "log_fields_too_many", log_fields_too_many, -EINVAL, -EINVAL, -EINVAL, false },
	{ "log_fields_nowhere", log_fields_nowhere, -EINVAL, -EINVAL, -EINVAL, false },
	{ "log_fields_none", log_fields_none, 0, 0, 0, false },
	{ "sleep_negative", sleep_negative, -EINVAL, -EINVAL, -EINVAL, true },
	{ "sleep_not", sleep_not, 0, 0, 0, true },
	{ "wait_for_nothing", wait_for_nothing, -EINVAL, -EINVAL, -EINVAL, true },
	{ "wait_negative", wait_negative, -EINVAL, -EINVAL, -EINVAL, true },
	{ "wait_not", wait_not, -ETIMEDOUT, -ETIMEDOUT, -ETIMEDOUT, true },
	{ "wake_nobody", wake_nobody, 0, 0, 0, false },
	{ "timer_of_nothing", timer_of_nothing, -EINVAL, -EINVAL, -EINVAL, false },
	{ "timer_before", timer_before, -EINVAL, -EINVAL, -EINVAL, false },
	{ "timer_backwards", timer_backwards, -EINVAL, -EINVAL, -EINVAL, false },
	{ "timer_stop_none", timer_stop_none, -ENOENT, -ENOENT, -ENOENT, false },
	{ "timer_stop_another", timer_stop_another, -ENOENT, -ENOENT, -ENOENT, false },
	{ "spawn_nothing", spawn_nothing, -EINVAL, -EINVAL, -EINVAL, false },
	{ "join_nobody", join_nobody, -ESRCH, -ESRCH, -ESRCH, true },
	{ "join_another", join_another, -ESRCH, -ESRCH, -ESRCH, true },
	{ "cancel_nobody", cancel_nobody, -ESRCH, -ESRCH, -ESRCH, false },
	{ "cancel_another", cancel_another, -ESRCH, -ESRCH, -ESRCH, false },
	{ "dial_nobody", dial_nobody, -EINVAL, -EINVAL, -EINVAL, true },
	{ "dial_nowhere", dial_nowhere, -EINVAL, -EINVAL, -EINVAL, true },
	{ "dial_nonsense", dial_nonsense, -EINVAL, -EINVAL, -EINVAL, true },
	{ "offload_nothing", offload_nothing, -EINVAL, -EINVAL, -EINVAL, true },
	{ "offload_then_nothing", offload_then_nothing, -EINVAL, -EINVAL, -EINVAL, false },
	{ "offload_then_untold", offload_then_untold, -EINVAL, -EINVAL, -EINVAL, false },
	{ "post_nothing", post_nothing, -EINVAL, -EINVAL, -EINVAL, false },
	{ "post_to_nobody", post_to_nobody, -ESRCH, -ESRCH, -ESRCH, false },
	{ "post_to_another", post_to_another, -ESRCH, -ESRCH, -ESRCH, false },
	{ "post_thread_nothing", post_thread_nothing, -EINVAL, -EINVAL, -EINVAL, false },
	{ "post_thread_conn", post_thread_conn, -EINVAL, SKIPPED, -EINVAL, false },
	{ "metric_kind", metric_kind, -EINVAL, -EINVAL, -EINVAL, false },
	{ "metric_no_name", metric_no_name, -EINVAL, -EINVAL, -EINVAL, false },
	{ "metric_bad_name", metric_bad_name, -EINVAL, -EINVAL, -EINVAL, false },
	{ "metric_total_name", metric_total_name, -EINVAL, -EINVAL, -EINVAL, false },
	{ "metric_no_help", metric_no_help, -EINVAL, -EINVAL, -EINVAL, false },
	{ "metric_add_none", metric_add_none, -ENOENT, -ENOENT, -ENOENT, false },
	{ "metric_add_another", metric_add_another, -ENOENT, -ENOENT, -ENOENT, false },
	{ NULL, NULL, 0, 0, 0, false },
};

/* ---- what start() was given: it has no loop ---- */

EDGE(instance_timer, edge_if(sockd_timer_start(on->h, 1, 0, edge_timer, NULL) != 0))
EDGE(instance_spawn, edge_if(sockd_spawn(on->h, edge_fiber, NULL) != 0))
EDGE(instance_dial, edge_if(!sockd_null(sockd_dial(on->h, "tcp://127.0.0.1:1", NULL))))
EDGE(instance_offload_then, sockd_offload_then(on->h, NULL, edge_work, edge_done, NULL))
EDGE(instance_post_thread, sockd_post_thread(on->h, edge_timer, NULL))
EDGE(instance_post, sockd_post(on->h, 4711, edge_mail, NULL))
EDGE(instance_state, edge_if(sockd_host_thread_state(on->h) != NULL))
EDGE(instance_settings, edge_if(sockd_host_settings(on->h) != NULL))
EDGE(instance_open, sockd_open_connections(on->h) >= 0)
EDGE(instance_metric, edge_if(sockd_metric_register(on->h, 1, "edges", "x") != 0))

#define OF_INSTANCE(name, wanted)                          \
	{                                                  \
#name, name, wanted, wanted, wanted, false \
	}
static const struct edge edges_instance[] = { OF_INSTANCE(instance_timer, -EINVAL),
	OF_INSTANCE(instance_spawn, -EINVAL), OF_INSTANCE(instance_dial, -EINVAL),
	OF_INSTANCE(instance_offload_then, -EINVAL), OF_INSTANCE(instance_post_thread, -EINVAL),
	OF_INSTANCE(instance_post, -ESRCH), OF_INSTANCE(instance_state, 0),
	OF_INSTANCE(instance_settings, IS_THERE), OF_INSTANCE(instance_open, 1),
	OF_INSTANCE(instance_metric, IS_THERE), { NULL, NULL, 0, 0, 0, false } };

/* ---- a handle that was kept too long ---- */

EDGE(gone_read, sockd_read(on->r, edge_buf, 4))
EDGE(gone_receive, sockd_receive(on->r, edge_buf, 4, &edge_size))
EDGE(gone_read_full, sockd_read_full(on->r, edge_buf, 4))
EDGE(gone_read_until, sockd_read_until(on->r, "\n", 1, edge_buf, 4))
EDGE(gone_peek, sockd_peek(on->r, &edge_seen, 1))
EDGE(gone_discard, sockd_discard(on->r, 1))
EDGE(gone_readable, edge_if(sockd_readable(on->r) != 0))
EDGE(gone_pause, sockd_pause(on->r, true))
EDGE(gone_close_read, sockd_close_read(on->r))
EDGE(gone_write, sockd_write(on->w, "x", 1))
EDGE(gone_printf, sockd_printf(on->w, "x"))
EDGE(gone_flush, sockd_flush(on->w))
EDGE(gone_sendfile, sockd_sendfile(on->w, fileno(edge_file), 0, -1))
EDGE(gone_writable, edge_if(sockd_writable(on->w) != 0))
EDGE(gone_close_write, sockd_close_write(on->w))
EDGE(gone_copy, sockd_copy(on->w, on->r))
EDGE(gone_move, sockd_move(on->w, on->r))
EDGE(gone_relay, sockd_relay(on->c, on->c))
EDGE(gone_transport, sockd_conn_transport(on->c))
EDGE(gone_local, edge_if(sockd_conn_local(on->c) != NULL))
EDGE(gone_text, edge_if(sockd_conn_remote_text(on->c) != NULL))
EDGE(gone_listener, edge_if(sockd_conn_listener(on->c) != NULL))
EDGE(gone_cred, edge_if(sockd_conn_cred(on->c) != NULL))
EDGE(gone_set_timeout, sockd_conn_set_timeout(on->c, SOCKD_TIMEOUT_IDLE, 1))
EDGE(gone_instance, edge_if(sockd_conn_instance(on->c) != NULL))
EDGE(gone_thread_state, edge_if(sockd_conn_thread_state(on->c) != NULL))
EDGE(gone_reader, edge_if(!sockd_null(sockd_conn_reader(on->c))))
EDGE(gone_writer, edge_if(!sockd_null(sockd_conn_writer(on->c))))
EDGE(gone_host, edge_if(!sockd_null(sockd_conn_host(on->c))))
EDGE(gone_sleep, sockd_sleep(on->h, 0))
EDGE(gone_wait, sockd_wait(on->h, edge_buf, 0))
EDGE(gone_wake, sockd_wake(on->h, edge_buf))
EDGE(gone_timer, edge_if(sockd_timer_start(on->h, 1, 0, edge_timer, NULL) != 0))
EDGE(gone_timer_stop, sockd_timer_stop(on->h, 4711))
EDGE(gone_spawn, edge_if(sockd_spawn(on->h, edge_fiber, NULL) != 0))
EDGE(gone_join, sockd_join(on->h, 4711))
EDGE(gone_cancel, sockd_cancel(on->h, 4711))
EDGE(gone_dial, edge_if(!sockd_null(sockd_dial(on->h, "tcp://127.0.0.1:1", NULL))))
EDGE(gone_offload, sockd_offload(on->h, NULL, edge_work, NULL))
EDGE(gone_offload_then, sockd_offload_then(on->h, NULL, edge_work, edge_done, NULL))
EDGE(gone_post, sockd_post(on->h, 4711, edge_mail, NULL))
EDGE(gone_metric, edge_if(sockd_metric_register(on->h, 1, "edges", "x") != 0))
EDGE(gone_metric_add, sockd_metric_add(on->h, 4711, 1))
EDGE(gone_open_connections, sockd_open_connections(on->h))
EDGE(gone_settings, edge_if(sockd_host_settings(on->h) != NULL))
EDGE(gone_host_instance, edge_if(sockd_host_instance(on->h) != NULL))
EDGE(gone_host_state, edge_if(sockd_host_thread_state(on->h) != NULL))

#define GONE(name)                                                \
	{                                                         \
#name, gone_##name, -EBADF, -EBADF, -EBADF, false \
	}
static const struct edge edges_gone[] = { GONE(read), GONE(receive), GONE(read_full), GONE(read_until),
	GONE(peek), GONE(discard), GONE(readable), GONE(pause), GONE(close_read), GONE(write), GONE(printf),
	GONE(flush), GONE(sendfile), GONE(writable), GONE(close_write), GONE(copy), GONE(move), GONE(relay),
	GONE(transport), GONE(local), GONE(text), GONE(listener), GONE(cred), GONE(set_timeout),
	GONE(instance), GONE(thread_state), GONE(reader), GONE(writer), GONE(host), GONE(sleep), GONE(wait),
	GONE(wake), GONE(timer), GONE(timer_stop), GONE(spawn), GONE(join), GONE(cancel), GONE(dial),
	GONE(offload), GONE(offload_then), GONE(post), GONE(metric), GONE(metric_add), GONE(open_connections),
	GONE(settings), GONE(host_instance), GONE(host_state), { NULL, NULL, 0, 0, 0, false } };

#endif
