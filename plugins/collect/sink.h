/* Where records go: a file or the journal, behind a queue that all loops of an instance share.
 *
 * A loop fills a batch of its own and puts it into the queue; a pool thread writes. Nothing is thrown away
 * while there is room in the queue: what cannot be written stays at its head and is tried again. */
#ifndef COLLECT_SINK_H
#define COLLECT_SINK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

struct sink;

/** Records, ready to be written; a loop's until it is put into the queue. */
struct batch {
	struct batch *next;
	size_t size, room, records;
	size_t done; /* written already */
	char *data;  /* owned; a file: lines; the journal: entries of its native protocol, each behind its
			length */
};

struct batch *batch_new(void); /* NULL: no memory */
void batch_free(struct batch *b);
/** @return whether there was memory */
bool batch_add(struct batch *b, const void *bytes, size_t size);

struct sink_options {
	const char *path; /* of the file; NULL: the journal. Copied */
	mode_t mode;      /* of a file that is made */
};

/** Open it. @return NULL, with errno */
struct sink *sink_new(const struct sink_options *o);

/** Another owner: the sink lives until each has called sink_unref(), the last of which writes what is left,
 * if that is possible, and closes. Any thread. */
struct sink *sink_ref(struct sink *s);
void sink_unref(struct sink *s);

/** Open the file anew: its name may stand for another one. A record that was written in part, since the disk
 * was full, begins anew there. @return 0, or -1 with errno: the old one stays. Any thread */
int sink_reopen(struct sink *s);

/** Put a batch at the end of the queue; it moves. Any thread, never blocks for long. */
void sink_put(struct sink *s, struct batch *b);

/** Write all of the queue, in order. A file that was removed is made anew: what is written to one without a
 * name is nobody's. Blocks; any thread, one at a time.
 * @param ret_news  whether it went otherwise than the last time; NULL: nobody asks
 * @return 0; an errno value: the rest waits */
int sink_write(struct sink *s, bool *ret_news);

/** Bytes in the queue. */
size_t sink_backlog(struct sink *s);

/** Records in the queue that are not written in full. */
size_t sink_records(struct sink *s);

#endif
