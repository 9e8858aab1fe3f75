/* `sockd plugin new`: a folder with a plugin that builds, a test that passes, and a file that serves it. */
#ifndef RUN_PLUGIN_NEW_H
#define RUN_PLUGIN_NEW_H

#include "base/cleanup.h"

/** Write the folder @p name, which must not exist. @return an exit status */
must_check int plugin_new(const char *name);

/** A file of plugins/template; `template` in its name and text stands for the plugin's name. Ends with a row
 * of NULLs. Generated. */
struct template_file {
	const char *name, *text;
};
extern const struct template_file template_files[];

#endif
