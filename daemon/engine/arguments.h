/* What no call that moves bytes can do anything with, whatever it is asked of. The fakes judge by the same
 * functions. */
#ifndef ENGINE_ARGUMENTS_H
#define ENGINE_ARGUMENTS_H

#include <errno.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/uio.h>

enum { ARGUMENTS_IOV_MAX = 1024 };

/** @return whether there are @p size bytes at @p bytes */
static inline bool
arguments_are_there(const void *bytes, size_t size)
{
	return bytes != NULL || size == 0;
}

/** Those of a call that tells the size of what it placed. */
static inline bool
arguments_can_receive(const void *buf, size_t size, const size_t *ret_size)
{
	return ret_size != NULL && arguments_are_there(buf, size);
}

/** @param ret_total  the bytes of all pieces
 * @return 0; -EINVAL: no pieces, or too many; -EMSGSIZE: more bytes than can be counted */
static inline int
arguments_sum(const struct iovec *iov, int count, size_t *ret_total)
{
	size_t total = 0;

	if (count < 0 || count > ARGUMENTS_IOV_MAX || (iov == NULL && count > 0))
		return -EINVAL;
	for (int i = 0; i < count; i++) {
		if (!arguments_are_there(iov[i].iov_base, iov[i].iov_len))
			return -EINVAL;
		if (iov[i].iov_len > SIZE_MAX - total)
			return -EMSGSIZE;
		total += iov[i].iov_len;
	}
	*ret_total = total;
	return 0;
}

#endif
