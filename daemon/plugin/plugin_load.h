/* Loaded plugins, on the worker's side: dlopen() of a copy, and everything about the description that can be
 * checked before any of its code runs. */
#ifndef PLUGIN_PLUGIN_LOAD_H
#define PLUGIN_PLUGIN_LOAD_H

#include <stdbool.h>

#include "sockd/plugin.h"

#include "base/err.h"
#include "config/config.h"

struct plugin;

/** How a plugin handles a transport. */
enum plugin_style { PLUGIN_CANNOT, PLUGIN_EVENTS, PLUGIN_SERVES };

/**
 * Load a plugin and check its description.
 *
 * @param fd    a sealed memfd with the shared object; borrowed, duplicated while the plugin is loaded
 * @param path  for messages
 * @return 0, or a negative errno with a text that says what to do
 *
 * Runs the plugin's constructors. Thread: the worker's main thread.
 */
must_check int plugin_open(int fd, const char *path, struct plugin **ret, struct err *e);

/** One more who uses it. */
struct plugin *plugin_ref(struct plugin *p);

/** One user less; after the last one it is unloaded. NULL is fine. Thread: as plugin_open(). */
void plugin_close(struct plugin *p);

/** Where it was found. Lives as long as the plugin. */
const char *plugin_path(const struct plugin *p);

/** Whether @p fd, a sealed memfd, has the very content that it was loaded from. */
bool plugin_has_content(const struct plugin *p, int fd);

/** Its description in full length: what the plugin's own ended before is zero. Lives as long as the plugin.
 */
const struct sockd_plugin *plugin_description(const struct plugin *p);

/** Which of its entries serve @p transport: data() or serve(), datagram() or serve(). */
enum plugin_style plugin_style(const struct plugin *p, enum cfg_transport transport);

#endif
