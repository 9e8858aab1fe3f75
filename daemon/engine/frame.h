/* Frames: how a message is marked off in a byte stream (struct sockd_framing). Pure: nothing here reads or
 * writes; the daemon and the fakes of libsockd-test share it. */
#ifndef ENGINE_FRAME_H
#define ENGINE_FRAME_H

#include "sockd/types.h"

/** The longest mark that stands before a message. */
enum { FRAME_HEAD_MAX = 10 };

/** Where a message lies: @c before bytes of mark, @c size bytes, @c after bytes of mark. */
struct frame_span {
	size_t before, size, after;
	size_t need; /* when more is wanted: so many bytes must be there before it is worth looking again */
};

/** @return 0; -EINVAL for a description that makes no sense */
int frame_check(const struct sockd_framing *f);

/** Find the first message in @p have bytes.
 * @param most      the longest message to take
 * @param searched  how many of the bytes an earlier call has seen already
 * @return 1 it is there whole; 0 more bytes are needed; -EMSGSIZE: longer than @p most; -EBADMSG: no length
 */
int frame_find(const struct sockd_framing *f, size_t most, const void *bytes, size_t have, size_t searched,
	struct frame_span *ret);

/** What stands before a message of @p size bytes. @return its length, 0 for a delimiter; -EMSGSIZE */
int frame_head(const struct sockd_framing *f, size_t size, unsigned char head[FRAME_HEAD_MAX]);

/** May this be written as one message? @return 0; -EMSGSIZE; -EINVAL: a delimiter within it, or missing */
int frame_check_message(const struct sockd_framing *f, const void *bytes, size_t size);

/** The longest message by the description and the caller's buffer. */
static inline size_t
frame_most(const struct sockd_framing *f, size_t size)
{
	return f->limit != 0 && f->limit < size ? f->limit : size;
}

#endif
