/* The configuration file and all that it includes, joined into one map for each section. */
#ifndef CONFIG_FILES_H
#define CONFIG_FILES_H

#include "config/arena.h"
#include "config/node.h"
#include "config/report.h"
#include "config/source.h"

enum {
	FILES_DEPTH_MAX = 16, /* includes within includes */
	FILES_MAX = 1000,     /* of one load */
};

/** What the files say; NULL: nothing. Everything lies in the arena. */
struct files_sections {
	struct cfg_node *daemon, *defaults, *tls, *listeners;
	bool has_gaps; /* a part was not read, or not as what it was meant: they may not be all */
};

/** Read @p path, or take @p text as its content, and what it includes.
 *
 * @param text  NULL: read it; else the content, and @p path is only a name
 * @return 0, also when faults were told; -EINVAL or a reader's errno when the first file could not be read,
 * told; -ENOMEM, told */
must_check int files_read(const char *path, const char *text, size_t text_size,
	const struct cfg_source *source, struct arena *arena, struct cfg_report *report,
	struct files_sections *ret);

#endif
