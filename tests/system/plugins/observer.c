/* Logs what observers are told. */
#include <sockd/plugin.h>

static struct sockd_host host;

static int
start(struct sockd_host h, const struct sockd_settings *s, void **ret, struct sockd_error *e)
{
	(void)s, (void)e;
	host = h;
	*ret = &host;
	return 0;
}

static void
on_connection(void *instance, struct sockd_conn c, int state)
{
	(void)sockd_log(host, SOCKD_LOG_NOTICE, "state", "%s %d %d", sockd_conn_listener(c), state,
		instance == &host);
}

static void
on_error(void *instance, struct sockd_conn c, int error, const char *text)
{
	(void)c, (void)instance;
	(void)sockd_log(host, SOCKD_LOG_NOTICE, "error_told", "%d %s", error, text);
}

static void
on_server(void *instance, const char *event, const char *text)
{
	(void)instance, (void)text;
	(void)sockd_log(host, SOCKD_LOG_NOTICE, "server", "%s", event);
}

static void
reopen(void *instance)
{
	(void)sockd_log(host, SOCKD_LOG_NOTICE, "reopened", "%d", instance == &host);
}

SOCKD_EXPORT const struct sockd_plugin sockd_plugin = {
	SOCKD_PLUGIN_INIT,
	.name = "observer",
	.version = "1.0",
	.start = start,
	.reopen = reopen,
	.observe = 1u << SOCKD_NEW | 1u << SOCKD_READ | 1u << SOCKD_CLOSE_READ | 1u << SOCKD_HANDLER |
		   1u << SOCKD_WRITE | 1u << SOCKD_CLOSE_WRITE | 1u << SOCKD_CLOSE,
	.on_error = on_error,
	.on_connection = on_connection,
	.on_server = on_server,
};
