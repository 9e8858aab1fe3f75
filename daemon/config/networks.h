/* Lists of networks, in the file or in files of their own. */
#ifndef CONFIG_NETWORKS_H
#define CONFIG_NETWORKS_H

#include "base/strbuf.h"
#include "config/arena.h"
#include "config/key.h"
#include "config/quote.h"
#include "config/report.h"
#include "config/source.h"

enum {
	NETWORKS_FILE_MAX = 16 * 1024 * 1024, /* bytes of one list file */
	NETWORKS_MAX = 1000000,               /* of one list, with its files */
};

/** Words that a row may allow in its list, as values of its words. */
enum networks_word { NETWORKS_ALL, NETWORKS_UNIX };

/** Read what a KEY_NETWORKS row says. A list file has a network or `all` a line; blank lines and what follows
 * a '#' are skipped, and every fault in it is told with its line. @return 0; -EINVAL, told; -ENOMEM, told */
must_check int networks_read(const struct key *key, const struct cfg_node *node,
	const struct cfg_source *source, struct arena *arena, struct cfg_networks *ret,
	struct cfg_report *report);

/** Append the list as it was written, on one line. */
void networks_format(struct strbuf *out, enum quote_format format, const struct cfg_node *written);

#endif
