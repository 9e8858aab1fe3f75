/* Says who the client is, as a plugin sees it, and then echoes. */
#include <string.h>

#include <sockd/plugin.h>

static void
write_text(struct sockd_writer w, const char *key, const char *value)
{
	sockd_write(w, key, strlen(key));
	sockd_write(w, value, strlen(value));
}

static void
write_tlv(struct sockd_conn c, struct sockd_writer w, const char *key, int type)
{
	char value[256];
	ssize_t size = sockd_conn_proxy_tlv(c, type, value, sizeof value);

	if (size < 0)
		return;
	sockd_write(w, key, strlen(key));
	sockd_write(w, value, (size_t)size < sizeof value ? (size_t)size : sizeof value);
}

static void
serve(struct sockd_conn c, struct sockd_reader r, struct sockd_writer w)
{
	char buf[4096];
	size_t n;

	write_text(w, "remote=", sockd_conn_remote_text(c));
	write_text(w, " proxy=", sockd_conn_proxy(c) != NULL ? "yes" : "no");
	write_tlv(c, w, " id=", 0x05);
	write_tlv(c, w, " authority=", 0x02);
	write_tlv(c, w, " cn=", 0x22);
	write_tlv(c, w, " custom=", 0xe0);
	sockd_write(w, "\n", 1);
	while (sockd_receive(r, buf, sizeof buf, &n) > 0 && sockd_write(w, buf, n) >= 0)
		;
}

SOCKD_EXPORT const struct sockd_plugin sockd_plugin = { SOCKD_PLUGIN_INIT, .name = "whoami", .version = "1.0",
	.serve = serve };
