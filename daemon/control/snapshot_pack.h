/* A snapshot and the findings about it, as bytes and descriptors. */
#ifndef CONTROL_SNAPSHOT_PACK_H
#define CONTROL_SNAPSHOT_PACK_H

#include "base/pack.h"
#include "config/report.h"
#include "control/snapshot.h"

/** Append it. It needs a record: the other side loads the configuration again from that. */
void snapshot_pack(struct strbuf *s, const struct snapshot *snapshot);

/** How many descriptors it has, and these in the order in which snapshot_unpack() wants them. @p fds: room
 * for all. */
size_t snapshot_fd_count(const struct snapshot *snapshot);
void snapshot_fds(const struct snapshot *snapshot, int *fds);

/**
 * The other way round.
 *
 * @param fds     as many as snapshot_fd_count() gave; each that is used moves and is -1 afterwards
 * @param report  what the configuration has to say; it was loaded before without an error
 * @return 0; -EBADMSG: these are no such bytes or descriptors; -EINVAL with errors in @p report; -ENOMEM
 */
must_check int snapshot_unpack(
	struct unpack *u, int *fds, size_t fd_count, struct cfg_report *report, struct snapshot **ret);

/** Findings, as text and places. Unpacking adds to @p report. @return 0; -EBADMSG */
void report_pack(struct strbuf *s, const struct cfg_report *report);
must_check int report_unpack(struct unpack *u, struct cfg_report *report);

#endif
