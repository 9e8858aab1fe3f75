/* The form in which one supervisor leaves everything to the next: numbers and texts in a memfd, descriptors
 * by their number, since they stay open over execve(). It has versions of its own; a reader takes its own and
 * the one before. */
#ifndef SUPERVISOR_STATE_H
#define SUPERVISOR_STATE_H

#include "base/err.h"
#include "base/pack.h"

enum {
	STATE_VERSION = 2,
	STATE_OLDEST = 1,
	/* Behind all that, if there is more, stand the keys that wait (held_keys.h). */
	STATE_WITH_CLIENTS = 2 /* from this one on clients of the admin socket stand behind the generations */
};

struct state_writer {
	struct strbuf body;
	int *fds; /* owned: the numbers of all that has to stay open */
	size_t count, capacity;
};

void state_begin(struct state_writer *w);
/** A descriptor, borrowed; -1: none. */
void state_add_fd(struct state_writer *w, int fd);
struct net_files;
/** A list of socket files, with what pins them. */
void state_pack_files(struct state_writer *w, const struct net_files *files);
void state_writer_fini(struct state_writer *w);

struct state_reader {
	struct unpack u;
	uint32_t version;
	bool rehearsal; /* the descriptors are not here: others stand in for them */
	int *fds;       /* owned: the numbers of all that was read */
	size_t count, capacity;
	char *bytes; /* owned */
};

/** Read all of it. @return 0; -EPROTONOSUPPORT, -EBADMSG or another negative errno, with text */
must_check int state_open(int fd, bool rehearsal, struct state_reader *ret, struct err *e);
/** A duplicate of it, close-on-exec: the original stays as it is, for the way back. -1: none was packed, or
 * it is not open: then the reader has failed. */
int state_take_fd(struct state_reader *r);
/** @return 0; -EBADMSG, -ENOMEM */
must_check int state_unpack_files(struct state_reader *r, struct net_files **ret);
/** There is no way back any more: close all originals. */
void state_close_originals(struct state_reader *r);
void state_reader_fini(struct state_reader *r);

#endif
