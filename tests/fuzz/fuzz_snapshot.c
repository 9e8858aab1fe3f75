/* Any bytes as a packed snapshot: refused, or taken, and then packed again to the same that is taken again.
 * The first byte says how many descriptors come along. */
#include <fcntl.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "control/snapshot_pack.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { FDS_MAX = 8 };

static int
unpack(const void *data, size_t size, size_t fd_count, struct snapshot **ret)
{
	struct unpack u = UNPACK(data, size);
	struct cfg_report report = { 0 };
	int fds[FDS_MAX], code;

	for (size_t i = 0; i < fd_count; i++)
		fds[i] = open("/dev/null", O_RDONLY | O_CLOEXEC);
	code = snapshot_unpack(&u, fds, fd_count, &report, ret);
	for (size_t i = 0; i < fd_count; i++)
		if (fds[i] >= 0)
			close(fds[i]);
	cfg_report_fini(&report);
	return code;
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct snapshot *s = NULL, *again = NULL;
	struct strbuf first = { 0 }, second = { 0 };
	size_t fd_count;

	if (size == 0)
		return 0;
	fd_count = data[0] % (FDS_MAX + 1);
	if (unpack(data + 1, size - 1, fd_count, &s) < 0)
		return 0;
	if (snapshot_fd_count(s) != fd_count)
		abort();
	snapshot_pack(&first, s);
	if (unpack(first.data, first.size, fd_count, &again) < 0)
		abort();
	snapshot_pack(&second, again);
	if (first.size != second.size || memcmp(first.data, second.data, first.size) != 0)
		abort();
	strbuf_fini(&first);
	strbuf_fini(&second);
	snapshot_free(again);
	snapshot_free(s);
	return 0;
}
