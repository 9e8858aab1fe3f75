/* Every type of the plugin ABI in one translation unit, for the recorded description of it. */
#include <sockd/plugin.h>

struct everything {
	const struct sockd_plugin *plugin;
	const struct sockd_option *option;
	const struct sockd_conn_ops *conn_ops;
	const struct sockd_reader_ops *reader_ops;
	const struct sockd_writer_ops *writer_ops;
	const struct sockd_host_ops *host_ops;
	const struct sockd_settings_ops *settings_ops;
	const struct sockd_error_ops *error_ops;
	const struct sockd_settings *settings;
	const struct sockd_error *error;
	struct sockd_conn conn;
	struct sockd_reader reader;
	struct sockd_writer writer;
	struct sockd_host host;
	const struct sockd_addr *addr;
	const struct sockd_cred *cred;
	const struct sockd_tls_info *tls_info;
	const struct sockd_framing *framing;
	const struct sockd_field *field;
	const struct sockd_events *events;
	const struct sockd_dial_options *dial_options;
	enum sockd_transport transport;
	enum sockd_state state;
	enum sockd_reason reason;
	enum sockd_timeout timeout;
	enum sockd_level level;
	enum sockd_type type;
	enum sockd_frame frame;
#if SOCKD_ABI_MINOR >= 1
	enum sockd_wants wants;
#endif
};

SOCKD_VISIBLE_ struct everything *sockd_everything(struct everything *e);

struct everything *
sockd_everything(struct everything *e)
{
	return e;
}

SOCKD_EXPORT const struct sockd_plugin sockd_plugin = { SOCKD_PLUGIN_INIT, .name = "everything" };
