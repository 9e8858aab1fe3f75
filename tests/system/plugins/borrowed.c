/* Event style, of which a fiber borrows the input: "b" has one read a byte, "w" a word with its comma, which
 * it answers in brackets; "r" has one relay to the server of the setting `to`. All else is answered as it is.
 */
#include <sockd/plugin.h>

#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

static int
borrow(struct sockd_conn c, bool word)
{
	struct sockd_reader r = sockd_conn_reader(c);
	char buf[64];
	ssize_t n;

	if (sockd_write(sockd_conn_writer(c), "?", 1) < 0)
		return -1;
	n = word ? sockd_read_until(r, ",", 1, buf, sizeof buf) : sockd_read(r, buf, 1);
	return n < 0 ? -1 : sockd_printf(sockd_conn_writer(c), "[%.*s]", (int)n, buf);
}

static int
borrow_byte(struct sockd_host h, void *arg)
{
	struct sockd_conn c = *(struct sockd_conn *)arg;

	(void)h;
	free(arg);
	return borrow(c, false);
}

static int
borrow_word(struct sockd_host h, void *arg)
{
	struct sockd_conn c = *(struct sockd_conn *)arg;

	(void)h;
	free(arg);
	return borrow(c, true);
}

static int
relay(struct sockd_host h, void *arg)
{
	struct sockd_conn c = *(struct sockd_conn *)arg, server;

	free(arg);
	server = sockd_dial(h, sockd_setting_string(sockd_host_settings(h), "to"), NULL);
	if (sockd_null(server) || sockd_relay(c, server) < 0)
		(void)sockd_log(h, SOCKD_LOG_NOTICE, "relay_broke", "%s", strerror(errno));
	return 0;
}

static void
spawn(struct sockd_conn c, sockd_fiber_fn fn)
{
	struct sockd_conn *own = malloc(sizeof *own);

	if (own == NULL)
		return;
	*own = c;
	if (sockd_spawn(sockd_conn_host(c), fn, own) == 0)
		free(own);
}

static void
on_data(struct sockd_conn c, struct sockd_reader r, struct sockd_writer w)
{
	char byte;

	while (sockd_read(r, &byte, 1) == 1)
		if (byte == 'b' || byte == 'w' || byte == 'r')
			spawn(c, byte == 'b' ? borrow_byte : byte == 'w' ? borrow_word : relay);
		else
			(void)sockd_write(w, &byte, 1);
}

static void
on_eof(struct sockd_conn c, struct sockd_reader r, struct sockd_writer w)
{
	(void)c, (void)r;
	(void)sockd_write(w, ".", 1);
	(void)sockd_close_write(w);
}

static const struct sockd_option options[] = { { .name = "to", .type = SOCKD_T_STRING }, { 0 } };

SOCKD_EXPORT const struct sockd_plugin sockd_plugin = {
	SOCKD_PLUGIN_INIT,
	.name = "borrowed",
	.version = "1.0",
	.transports = SOCKD_STREAMS,
	.options = options,
	.data = on_data,
	.eof = on_eof,
};
