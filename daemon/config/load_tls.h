/* The maps of TLS settings: those under `tls:`, and those that stand in a listener. */
#ifndef CONFIG_LOAD_TLS_H
#define CONFIG_LOAD_TLS_H

#include "base/cleanup.h"
#include "config/config_whole.h"
#include "config/report.h"
#include "config/source.h"

enum { TLS_FILE_MAX = 16 * 1024 * 1024 /* of one file: lists of revoked certificates grow */ };

/** Bind the entries of `tls:`, and make room for the maps in listeners; either section may be NULL. @return
 * 0, also when faults were told; -ENOMEM, told */
must_check int load_tls(struct config_whole *w, const struct cfg_node *map, const struct cfg_node *listeners,
	struct cfg_report *report);

/** Resolve what a listener says of TLS. @p transports is the mask of its addresses, 0: not known. @return as
 * load_tls() */
must_check int load_tls_use(
	struct config_whole *w, struct cfg_listener *l, unsigned transports, struct cfg_report *report);

/** The entry of `tls:` that @p key names; NULL: there is none, which is told at @p place. */
const struct cfg_tls *tls_find_or_tell(const struct config *c, const char *name, const char *key,
	const struct cfg_place *place, struct cfg_report *report);

/** Ask @p source for every file that TLS settings name, whatever it answers, so that a record has it.
 * @return 0 or -ENOMEM */
must_check int tls_ask_files(const struct config *c, const struct cfg_source *source);

/** Where the authorities that this system trusts stand, in one file. */
const char *tls_system_bundle(const struct cfg_source *source);

/** A pattern for all files of a folder, whose own name is taken literally; from malloc(), NULL: no memory. */
char *tls_folder_pattern(const char *folder);

/** Tell of a name that cannot be one; @p of says of what it would be the name. Defined in load.c. */
void load_check_name(const struct cfg_pair *pair, const char *of, struct cfg_report *report);

#endif
