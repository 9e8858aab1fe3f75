/* The default paths. The build passes the two folders as ./configure set them; these are the names in them.
 */
#ifndef RUN_PATHS_H
#define RUN_PATHS_H

/** The configuration file, when -c names none. */
#define PATH_CONFIG SOCKD_SYSCONFDIR "/sockd/sockd.yaml"
/** Where a bare plugin name is looked for, unless daemon.plugin_path says otherwise. */
#define PATH_PLUGINS SOCKD_PLUGINDIR

#endif
