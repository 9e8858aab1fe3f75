/* Loading a configuration: the way in for everybody outside of this folder. */
#ifndef CONFIG_LOAD_H
#define CONFIG_LOAD_H

#include "config/config.h"
#include "config/report.h"
#include "config/source.h"

/**
 * Read, check and complete a configuration file and all that it includes.
 *
 * @param source  NULL: the disk and the environment
 * @param ret     the caller's reference; untouched on failure
 * @param report  takes every fault of the file in one run, and warnings, also when loading succeeds
 * @return 0; -EINVAL when there are errors; -ENOMEM; another negative errno when @p path itself cannot be
 * read. Whatever it is, the report tells it.
 *
 * Blocks: reads files.
 */
must_check int config_load(
	const char *path, const struct cfg_source *source, struct config **ret, struct cfg_report *report);

/** How far a file with errors was understood. */
enum cfg_extent {
	CFG_NOTHING,
	CFG_HANDLERS, /* listeners and observers, each with a plugin and all of its settings; no more */
	CFG_WORKERS,  /* and as whom workers run */
	CFG_WHOLE
};

/** As config_load(), for whoever looks what else is wrong with a file that has errors.
 *
 * @param ret_extent  set to CFG_WHOLE on success
 * @param ret         set with -EINVAL too, unless nothing is understood: of that only what the extent says
 * may be looked at. A listener whose handler is in doubt is left out. */
must_check int config_load_rest(const char *path, const struct cfg_source *source, struct config **ret,
	enum cfg_extent *ret_extent, struct cfg_report *report);

/** As config_load(), for text that is at hand; @p name stands for it in messages and as the start of relative
 * paths. A dollar in it that is not to be a variable has to be written as $$. */
must_check int config_parse_text(const char *name, const char *text, size_t size,
	const struct cfg_source *source, struct config **ret, struct cfg_report *report);

/** What `daemon.admin.listen` of a file comes to, whatever else is wrong with the file: whoever asks wants to
 * reach a daemon that may have been started with a better one.
 *
 * @param ret     from malloc(); untouched on failure
 * @param report  takes what was wrong as far as it was read
 * @return 0; -EINVAL when the file cannot be understood so far; -ENOMEM; another negative errno when @p path
 * itself cannot be read
 *
 * Blocks: reads files. */
must_check int config_admin_listen(const char *path, char **ret, struct cfg_report *report);

/** The version of libyaml in use. */
const char *cfg_yaml_version(void);

#endif
