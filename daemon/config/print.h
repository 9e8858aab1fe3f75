/* The configuration that is in effect, with all defaults, and where each value comes from. */
#ifndef CONFIG_PRINT_H
#define CONFIG_PRINT_H

#include "base/strbuf.h"
#include "config/config.h"

/** What a printer has to be told; NULL in its place: settings whose names say so are taken for secrets. */
struct cfg_print_options {
	/** Whether the setting at @p path ("tls.key") of the plugin holds a secret, which is printed as ***.
	 */
	bool (*is_secret)(void *arg, const char *plugin, const char *path);
	void *arg; /* borrowed */
};

/** YAML that reads back as the same configuration (but for secrets), each value with its origin as a comment.
 * Memory that runs out shows in @p out. */
void config_print_yaml(struct strbuf *out, const struct config *c, const struct cfg_print_options *options);

/** JSON of the same shape; each value is {"value": ..., "origin": ...}. */
void config_print_json(struct strbuf *out, const struct config *c, const struct cfg_print_options *options);

#endif
